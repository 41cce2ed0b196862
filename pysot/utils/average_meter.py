"""PySOT's `AverageMeter` at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from pysot.compat.meters import AverageMeter, Meter

__all__ = ["AverageMeter", "Meter"]
