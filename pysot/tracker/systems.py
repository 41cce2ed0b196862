"""Importing this module fills the `TRACKERS` registry: the trackers that come with the toolkit."""

from pysot.tracker import atom, dimp, nanotrack, siammask, siamrpn, tadt
from pysot.tracker.base import TRACKERS
from pysot.tracker.lmt import tracker as lmt

__all__ = ["TRACKERS", "atom", "dimp", "lmt", "nanotrack", "siammask", "siamrpn", "tadt"]
