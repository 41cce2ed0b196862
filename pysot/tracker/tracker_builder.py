"""PySOT's `build_tracker` at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from pysot.compat.trackers import TRACKS, build_tracker

__all__ = ["TRACKS", "build_tracker"]
