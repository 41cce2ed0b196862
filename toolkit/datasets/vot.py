"""PySOT's VOT data sets at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.datasets import VOTDataset, VOTLTDataset
from toolkit.compat.videos import VOTLTVideo, VOTVideo

__all__ = ["VOTDataset", "VOTLTDataset", "VOTLTVideo", "VOTVideo"]
