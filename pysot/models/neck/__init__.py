"""Necks. Importing this package fills the `NECKS` registry."""

from pysot.models.neck.adjust import NECKS, AdjustAllLayer, AdjustLayer, Neck

__all__ = ["NECKS", "AdjustAllLayer", "AdjustLayer", "Neck"]
