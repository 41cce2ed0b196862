"""NanoTrack's anchor-free heads V1, V2, V3 (docs/systems/nanotrack.md, Head).

All return cls (B, 2, S, S) logits, index 0 background, and loc (B, 4, S, S) = exp(.), the distances left, top, right,
bottom from each grid point in search-crop pixels. Pixel-wise correlation gives a channel per cell of the template: 64
for the 8 x 8 of the published networks.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from pysot.core.anchors import ResponseGrid
from pysot.models.backbone.base import init_conv_bn
from pysot.models.head.base import BAN_HEADS, Kernels, PixelwiseHead, SiameseHead
from pysot.models.layers.conv import conv_bn
from pysot.models.layers.xcorr import xcorr_depthwise, xcorr_pixelwise
from pysot.models.parts import Delivered

MIDDLE = 4
"""Side of what `DepthwiseCorrelation` takes of a template, cells."""
TYPICAL_REACH = 32.0
"""Half the side, in search-crop pixels, of a square target: with its context it fills an exemplar crop of 127."""


class ChannelAttention(nn.Module):
    """Gate per channel from the channel means; two 1x1 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels, 1)
        self.fc2 = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.fc2(torch.relu(self.fc1(x.mean((2, 3), keepdim=True))))
        return x * torch.sigmoid(gate)


class PixelwiseCorrelation(nn.Module):
    """Pixel-wise correlation and channel attention.

    Args:
        cells: of the template.
        channels: project both maps with 1x1 convolutions of this width first; None correlates them as they are.
        shrink: follow with a 2x2 depth-wise and a 1x1 convolution, 16 x 16 to 15 x 15 (V3).
    """

    def __init__(self, cells: int, channels: int | None = None, shrink: bool = False) -> None:
        super().__init__()
        self.CA_layer = ChannelAttention(cells)
        if channels is not None:
            self.conv_kernel = conv_bn(channels, channels, bias=True)
            self.conv_search = conv_bn(channels, channels, bias=True)
        if shrink:
            first = conv_bn(cells, cells, 2, groups=cells, act=nn.ReLU6)
            self.conv = nn.Sequential(*first, *conv_bn(cells, cells, bias=True))
        self.projects, self.shrinks = channels is not None, shrink

    def kernel(self, template: Tensor) -> Tensor:
        """The template's share: (B, C, h, w)."""
        return self.conv_kernel(template) if self.projects else template

    def forward(self, kernel: Tensor, search: Tensor) -> Tensor:
        """(B, h w, H, W), or one row and column less when shrinking."""
        out = self.CA_layer(xcorr_pixelwise(self.conv_search(search) if self.projects else search, kernel))
        return self.conv(out) if self.shrinks else out


class DepthwiseCorrelation(nn.Module):
    """Depth-wise correlation with the middle 4 x 4 cells of the template, padding 1: 16 x 16 to 15 x 15 (V3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_kernel = conv_bn(channels, channels, bias=True)
        self.conv_search = conv_bn(channels, channels, bias=True)

    def kernel(self, template: Tensor) -> Tensor:
        """The template's share: (B, C, 4, 4)."""
        start = (template.shape[-1] - MIDDLE) // 2
        middle: Tensor = self.conv_kernel(template[:, :, start : start + MIDDLE, start : start + MIDDLE])
        return middle

    def forward(self, kernel: Tensor, search: Tensor) -> Tensor:
        return xcorr_depthwise(self.conv_search(search), kernel, padding=1)


def _tower_plain(widths: list[int], kernels: list[int]) -> nn.Sequential:
    """V1 and V2: per layer a depth-wise and a 1x1 convolution back to back, batch norm, ReLU6."""
    layers: list[nn.Module] = []
    for channels_in, channels_out, kernel in zip(widths, widths[1:], kernels, strict=False):
        layers += [
            nn.Conv2d(channels_in, channels_in, kernel, padding=kernel // 2, groups=channels_in, bias=False),
            *conv_bn(channels_in, channels_out, act=nn.ReLU6),
        ]
    return nn.Sequential(*layers)


def _tower_linear(channels: int, depth: int) -> nn.Sequential:
    """V3: per layer a depth-wise convolution with batch norm and ReLU6, then a linear 1x1 with batch norm."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += conv_bn(channels, channels, 3, padding=1, groups=channels, act=nn.ReLU6)
        layers += conv_bn(channels, channels)
    return nn.Sequential(*layers)


def _output(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 1))


def _init_fresh(head: nn.Module, cls: nn.Sequential, box: nn.Sequential) -> None:
    """Fresh weights; both outputs start near a constant, the boxes' near the size that a target has in a search crop.

    With wider weights the boxes, exponentials, begin at thousands of pixels, where an IoU loss is flat.
    """
    init_conv_bn(head)
    for output, constant in ((cls, 0.0), (box, math.log(TYPICAL_REACH))):
        conv = output[0]
        assert isinstance(conv, nn.Conv2d)
        assert conv.bias is not None
        nn.init.normal_(conv.weight, std=0.01)
        nn.init.constant_(conv.bias, constant)


@BAN_HEADS.register("NanoHeadV1")
class NanoHeadV1(PixelwiseHead):
    """One correlation shared by both towers.

    Args:
        template_size: side of the template's feature map, in cells.
    """

    def __init__(self, template_size: int = 8) -> None:
        super().__init__()
        self.template_size, cells = template_size, template_size**2
        self.corr_pw = PixelwiseCorrelation(cells)
        self.cls_tower = _tower_plain([cells, 128, 128, 128], [5, 5, 3])
        self.bbox_tower = _tower_plain([cells, 96, 96, 96, 96], [3, 3, 5, 5])
        self.cls_logits = _output(128, 2)
        self.bbox_pred = _output(96, 4)
        _init_fresh(self, self.cls_logits, self.bbox_pred)

    @classmethod
    def arguments_for(cls, given: Delivered) -> dict[str, Any]:
        return {"template_size": given.template_cells}

    def kernels(self, template: list[Tensor]) -> Kernels:
        return (self.corr_pw.kernel(template[-1]),)

    def correlate(self, kernels: Kernels, search: list[Tensor]) -> tuple[Tensor, Tensor]:
        x = self.corr_pw(kernels[0], search[-1])
        return self.cls_logits(self.cls_tower(x)), self.bbox_pred(self.bbox_tower(x)).exp()


@BAN_HEADS.register("NanoHeadV2")
class NanoHeadV2(PixelwiseHead):
    """One projected correlation and one six-layer tower per branch.

    Args:
        channels: of the feature maps.
        template_size: side of the template's feature map, in cells.
    """

    def __init__(self, channels: int = 48, template_size: int = 8) -> None:
        super().__init__()
        self.template_size, cells = template_size, template_size**2
        self.corr_pw_reg = PixelwiseCorrelation(cells, channels)
        self.corr_pw_cls = PixelwiseCorrelation(cells, channels)
        self.cls_pw_tower = _tower_plain([cells] + [96] * 6, [3] * 6)
        self.bbox_pw_tower = _tower_plain([cells] + [96] * 6, [3] * 6)
        self.cls_pred = _output(96, 2)
        self.bbox_pred = _output(96, 4)
        _init_fresh(self, self.cls_pred, self.bbox_pred)

    @classmethod
    def arguments_for(cls, given: Delivered) -> dict[str, Any]:
        return {"channels": given.channels[-1], "template_size": given.template_cells}

    def kernels(self, template: list[Tensor]) -> Kernels:
        return self.corr_pw_reg.kernel(template[-1]), self.corr_pw_cls.kernel(template[-1])

    def correlate(self, kernels: Kernels, search: list[Tensor]) -> tuple[Tensor, Tensor]:
        reg, cls = self.corr_pw_reg(kernels[0], search[-1]), self.corr_pw_cls(kernels[1], search[-1])
        return self.cls_pred(self.cls_pw_tower(cls)), self.bbox_pred(self.bbox_pw_tower(reg)).exp()


@BAN_HEADS.register("NanoHeadV3")
class NanoHeadV3(SiameseHead):
    """Depth-wise and pixel-wise correlation side by side, joined by a 1x1 convolution; a map of one row and column less
    than the search features have.

    Args:
        channels: of the feature maps.
        template_size: side of the template's feature map, in cells.
    """

    smallest_template = MIDDLE

    def __init__(self, channels: int = 96, template_size: int = 8) -> None:
        super().__init__()
        self.template_size, cells = template_size, template_size**2
        self.corr_dw_reg = DepthwiseCorrelation(channels)
        self.corr_pw_reg = PixelwiseCorrelation(cells, channels, shrink=True)
        self.corr_dw_cls = DepthwiseCorrelation(channels)
        self.corr_pw_cls = PixelwiseCorrelation(cells, channels, shrink=True)
        self.cls_tower = _tower_linear(channels, 6)
        self.bbox_tower = _tower_linear(channels, 6)
        self.cls_logits = _output(channels, 2)
        self.bbox_pred = _output(channels, 4)
        self.down_reg = _output(cells + channels, channels)
        self.down_cls = _output(cells + channels, channels)
        _init_fresh(self, self.cls_logits, self.bbox_pred)

    @classmethod
    def arguments_for(cls, given: Delivered) -> dict[str, Any]:
        return {"channels": given.channels[-1], "template_size": given.template_cells}

    def response(self, given: Delivered, instance_size: int) -> ResponseGrid:
        """That of the depth-wise correlation, which slides the middle of the template over the padded search map; the
        pixel-wise one lies half a cell beside it.
        """
        spec = given.specs[-1]
        start = given.template_start + (given.template_cells - MIDDLE) // 2 + 1
        first = -(instance_size - given.exemplar_size) / 2 - start * spec.stride
        return ResponseGrid.starting_at(first, spec.stride, spec.cells(instance_size) - 1)

    def kernels(self, template: list[Tensor]) -> Kernels:
        z = template[-1]
        return tuple(m.kernel(z) for m in (self.corr_pw_reg, self.corr_dw_reg, self.corr_pw_cls, self.corr_dw_cls))

    def correlate(self, kernels: Kernels, search: list[Tensor]) -> tuple[Tensor, Tensor]:
        x = search[-1]
        reg = self.down_reg(torch.cat([self.corr_pw_reg(kernels[0], x), self.corr_dw_reg(kernels[1], x)], dim=1))
        cls = self.down_cls(torch.cat([self.corr_pw_cls(kernels[2], x), self.corr_dw_cls(kernels[3], x)], dim=1))
        return self.cls_logits(self.cls_tower(cls)), self.bbox_pred(self.bbox_tower(reg)).exp()
