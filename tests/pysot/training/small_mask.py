"""A SiamMask narrow enough for runs of seconds."""

from __future__ import annotations

from torch import Tensor

from pysot.models.backbone.base import IMAGE, Backbone, init_conv_bn
from pysot.models.backbone.compact import Residual, conv_bn_relu
from pysot.models.head.mask import MaskCorr, Refine
from pysot.models.head.rpn import DepthwiseRPN
from pysot.models.meta_arch.siamese import SiamMask
from pysot.models.neck.adjust import AdjustAllLayer

WIDTHS, HIDDEN = (8, 16, 24, 32), 32
LAYERS = ("stem", "layer1", "layer2", "layer3")


class NarrowBackbone(Backbone):
    """Maps of strides 2, 4, 8 and 8, as the refinement needs them."""

    stages = LAYERS

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_bn_relu(3, WIDTHS[0], stride=2)
        self.layer1 = conv_bn_relu(WIDTHS[0], WIDTHS[1], stride=2)
        self.layer2 = conv_bn_relu(WIDTHS[1], WIDTHS[2], stride=2)
        self.layer3 = conv_bn_relu(WIDTHS[2], WIDTHS[3]).append(Residual(WIDTHS[3])).append(Residual(WIDTHS[3]))
        self.specs = [IMAGE.after(*list(self.children())[:count]) for count in (1, 2, 3, 4)]
        init_conv_bn(self)

    def forward(self, image: Tensor) -> list[Tensor]:
        maps = [image]
        for name in LAYERS:
            maps.append(self.get_submodule(name)(maps[-1]))
        return maps[1:]


def small_siammask(refine: bool = True) -> SiamMask:
    """Fresh weights; a 25 x 25 response map for search crops of 255 pixels."""
    return SiamMask(
        NarrowBackbone(),
        AdjustAllLayer([WIDTHS[-1]], [HIDDEN], center_size=8),
        DepthwiseRPN(5, HIDDEN, HIDDEN),
        MaskCorr(HIDDEN, HIDDEN),
        Refine(WIDTHS[:3], HIDDEN) if refine else None,
    )
