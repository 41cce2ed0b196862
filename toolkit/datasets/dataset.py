"""PySOT's base of data sets at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.datasets import Dataset

__all__ = ["Dataset"]
