"""PySOT's UAV123 at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.datasets import UAVDataset
from toolkit.compat.videos import UAVVideo

__all__ = ["UAVDataset", "UAVVideo"]
