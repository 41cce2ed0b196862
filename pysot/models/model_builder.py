"""PySOT's `ModelBuilder` at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from pysot.compat.model_builder import ModelBuilder

__all__ = ["ModelBuilder"]
