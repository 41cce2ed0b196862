"""PySOT's plot of expected average overlap by tag at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.figures import draw_eao

__all__ = ["draw_eao"]
