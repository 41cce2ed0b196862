"""An anchor head for small networks: every cell of the template is a kernel of its own, and convolutions read where its
parts were found.

A depth-wise correlation adds up all parts of the template at fixed distances, so that a small network hardly learns how
large the target is. Kept apart (pixel-wise correlation: Yan et al., Alpha-Refine, CVPR 2021), the parts show by the
distances at which they are found how it has grown.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pysot.models.head.base import RPN_HEADS, Kernels, PixelwiseHead
from pysot.models.layers.conv import conv_bn
from pysot.models.layers.xcorr import xcorr_pixelwise
from pysot.models.parts import Delivered


class PixelBranch(nn.Module):
    """Correlation and search features, side by side, through `depth` 3x3 convolutions and a 1x1 one."""

    def __init__(self, in_channels: int, hidden: int, depth: int, cells: int, out_channels: int) -> None:
        super().__init__()
        self.conv_kernel = conv_bn(in_channels, hidden)
        self.conv_search = conv_bn(in_channels, hidden)
        self.norm = nn.BatchNorm2d(cells)
        layers: list[nn.Module] = []
        for index in range(depth):
            width = cells + hidden if index == 0 else hidden
            layers += conv_bn(width, hidden, 3, padding=1, act=nn.ReLU)
        self.head = nn.Sequential(*layers, nn.Conv2d(hidden, out_channels, 1))

    def correlate(self, kernel: Tensor, search: Tensor) -> Tensor:
        """The output map for a `kernel` that `conv_kernel` made of the template."""
        search = self.conv_search(search)
        found = self.norm(xcorr_pixelwise(search, kernel))
        out: Tensor = self.head(torch.cat([found, search], dim=1))
        return out


@RPN_HEADS.register("PixelRPN")
class PixelRPN(PixelwiseHead):
    """One `PixelBranch` for cls and one for loc. The response map is as large as the search feature map.

    Args:
        anchor_num: anchors per cell, k.
        in_channels: of the feature maps.
        hidden: channels of everything inside.
        depth: 3x3 convolutions in each branch.
        template_size: side of the template's feature map, in cells.
    """

    def __init__(
        self, anchor_num: int = 5, in_channels: int = 128, hidden: int = 48, depth: int = 3, template_size: int = 8
    ) -> None:
        super().__init__()
        self.template_size, cells = template_size, template_size**2
        self.cls = PixelBranch(in_channels, hidden, depth, cells, 2 * anchor_num)
        self.loc = PixelBranch(in_channels, hidden, depth, cells, 4 * anchor_num)

    @classmethod
    def arguments_for(cls, given: Delivered) -> dict[str, Any]:
        return {
            "anchor_num": given.anchor_num,
            "in_channels": given.channels[-1],
            "template_size": given.template_cells,
        }

    def kernels(self, template: list[Tensor]) -> Kernels:
        return self.cls.conv_kernel(template[-1]), self.loc.conv_kernel(template[-1])

    def correlate(self, kernels: Kernels, search: list[Tensor]) -> tuple[Tensor, Tensor]:
        return self.cls.correlate(kernels[0], search[-1]), self.loc.correlate(kernels[1], search[-1])
