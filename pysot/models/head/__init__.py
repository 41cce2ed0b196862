"""Heads, one file per published design. Importing this package fills the head registries."""

from pysot.models.head import iounet, mask, nano, pixel_rpn, rpn
from pysot.models.head.base import BAN_HEADS, MASK_HEADS, REFINE_HEADS, RPN_HEADS, Kernels, SiameseHead
from pysot.models.head.iounet import IOU_HEADS

__all__ = [
    "BAN_HEADS",
    "IOU_HEADS",
    "MASK_HEADS",
    "REFINE_HEADS",
    "RPN_HEADS",
    "Kernels",
    "SiameseHead",
    "iounet",
    "mask",
    "nano",
    "pixel_rpn",
    "rpn",
]
