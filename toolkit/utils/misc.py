"""PySOT's other choice of thresholds at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.measures import confidence_steps as determine_thresholds

__all__ = ["determine_thresholds"]
