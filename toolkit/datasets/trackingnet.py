"""PySOT's TrackingNet at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.datasets import TrackingNetDataset
from toolkit.compat.videos import TrackingNetVideo

__all__ = ["TrackingNetDataset", "TrackingNetVideo"]
