"""PySOT's success and precision plots at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.figures import draw_success_precision

__all__ = ["draw_success_precision"]
