"""Heads, one file per published design. Importing this package fills the head registries."""

from pysot.models.head import mask, nano, pixel_rpn, rpn
from pysot.models.head.base import BAN_HEADS, MASK_HEADS, REFINE_HEADS, RPN_HEADS, Kernels, SiameseHead

__all__ = [
    "BAN_HEADS",
    "MASK_HEADS",
    "REFINE_HEADS",
    "RPN_HEADS",
    "Kernels",
    "SiameseHead",
    "mask",
    "nano",
    "pixel_rpn",
    "rpn",
]
