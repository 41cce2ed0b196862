"""PySOT's `describe` and `commit` at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from pysot.compat.description import commit, describe

__all__ = ["commit", "describe"]
