"""PySOT's base of sequences at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.videos import Video

__all__ = ["Video"]
