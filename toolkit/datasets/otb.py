"""PySOT's OTB at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.datasets import OTBDataset
from toolkit.compat.videos import OTBVideo

__all__ = ["OTBDataset", "OTBVideo"]
