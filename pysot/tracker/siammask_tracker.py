"""PySOT's `SiamMaskTracker` at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from pysot.compat.trackers import SiamMaskTracker

__all__ = ["SiamMaskTracker"]
