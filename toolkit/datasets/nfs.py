"""PySOT's NFS at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.datasets import NFSDataset
from toolkit.compat.videos import NFSVideo

__all__ = ["NFSDataset", "NFSVideo"]
