"""PySOT's `SiamRPNLTTracker` at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from pysot.compat.trackers import SiamRPNLTTracker

__all__ = ["SiamRPNLTTracker"]
