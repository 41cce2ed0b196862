"""PySOT's `SiamRPNTracker` at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from pysot.compat.trackers import SiamRPNTracker

__all__ = ["SiamRPNTracker"]
