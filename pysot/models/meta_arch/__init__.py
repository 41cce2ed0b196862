"""Architectures, one file per system. Importing this package fills the `MODELS` registry."""

from pysot.models.meta_arch import atom, dimp, lmt, siamese, tadt
from pysot.models.meta_arch.base import MODELS

__all__ = ["MODELS", "atom", "dimp", "lmt", "siamese", "tadt"]
