"""NanoTrack V1-V3: a small anchor-free siamese tracker (HonglinChu/SiamTrackers; docs/systems/nanotrack.md)."""

from __future__ import annotations

from pysot.models.meta_arch.siamese import NanoTrack
from pysot.tracker.base import TRACKERS
from pysot.tracker.decoders import PointDecoder
from pysot.tracker.siamese import Decoder, SiameseTracker


@TRACKERS.register("NanoTracker")
class NanoTracker(SiameseTracker):
    """As SiamRPN, with one point per cell instead of anchors."""

    heads = ("BAN",)
    lost_below, found_from = 0.98, 0.98
    model: NanoTrack

    def _make_decoder(self) -> Decoder:
        return PointDecoder()
