"""PySOT's base classes at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from pysot.compat.trackers import BaseTracker, SiameseTracker

__all__ = ["BaseTracker", "SiameseTracker"]
