"""PySOT's `TrkDataset` at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from pysot.compat.dataset import TrkDataset

__all__ = ["TrkDataset"]
