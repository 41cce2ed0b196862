"""Heads, one file per published design. Importing this package fills the head registries."""

from pysot.models.head import dimp, iounet, lmt, mask, nano, pixel_rpn, rpn
from pysot.models.head.base import BAN_HEADS, MASK_HEADS, REFINE_HEADS, RPN_HEADS, Kernels, SiameseHead
from pysot.models.head.iounet import IOU_HEADS
from pysot.models.head.lmt import BOX_POOLS

__all__ = [
    "BAN_HEADS",
    "BOX_POOLS",
    "IOU_HEADS",
    "MASK_HEADS",
    "REFINE_HEADS",
    "RPN_HEADS",
    "Kernels",
    "SiameseHead",
    "dimp",
    "iounet",
    "lmt",
    "mask",
    "nano",
    "pixel_rpn",
    "rpn",
]
