"""PySOT's plot of precision against recall at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.figures import draw_f1

__all__ = ["draw_f1"]
