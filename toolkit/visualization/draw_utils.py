"""PySOT's colors and styles at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.figures import COLOR, LINE_STYLE, MARKER_STYLE

__all__ = ["COLOR", "LINE_STYLE", "MARKER_STYLE"]
