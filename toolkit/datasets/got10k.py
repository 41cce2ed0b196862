"""PySOT's GOT-10k at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.datasets import GOT10kDataset
from toolkit.compat.videos import GOT10kVideo

__all__ = ["GOT10kDataset", "GOT10kVideo"]
