"""PySOT's LaSOT at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.datasets import LaSOTDataset
from toolkit.compat.videos import LaSOTVideo

__all__ = ["LaSOTDataset", "LaSOTVideo"]
