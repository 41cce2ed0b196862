"""PySOT's `Anchors` at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from pysot.compat.anchors import Anchors

__all__ = ["Anchors"]
