"""Anchor-based heads: SiamRPN's and SiamRPN++'s (docs/systems/siamrpn.md, Head).

Channel layout: cls (B, 2k, S, S) is (2, k), index 0 background, 1 target; loc (B, 4k, S, S) is (4, k), order dx, dy,
dw, dh.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pysot.core.errors import ConfigError
from pysot.models.head.base import RPN_HEADS, Kernels, SiameseHead
from pysot.models.layers.conv import conv_bn
from pysot.models.layers.xcorr import xcorr_depthwise, xcorr_up_channel
from pysot.models.parts import Delivered


class DepthwiseXCorr(nn.Module):
    """3x3 convolutions on both branches, depth-wise correlation, and a 1x1 head."""

    def __init__(self, in_channels: int, hidden: int, out_channels: int, kernel_size: int = 3) -> None:
        super().__init__()
        self.conv_kernel = conv_bn(in_channels, hidden, kernel_size, act=nn.ReLU)
        self.conv_search = conv_bn(in_channels, hidden, kernel_size, act=nn.ReLU)
        self.head = nn.Sequential(*conv_bn(hidden, hidden, act=nn.ReLU), nn.Conv2d(hidden, out_channels, 1))

    def correlation(self, kernel: Tensor, search: Tensor) -> Tensor:
        """The correlation map before the 1x1 head; `kernel` is what `conv_kernel` made of the template."""
        return xcorr_depthwise(self.conv_search(search), kernel)

    def correlate(self, kernel: Tensor, search: Tensor) -> Tensor:
        """The output map for a `kernel` that `conv_kernel` made of the template."""
        out: Tensor = self.head(self.correlation(kernel, search))
        return out

    def forward(self, template: Tensor, search: Tensor) -> Tensor:
        return self.correlate(self.conv_kernel(template), search)


@RPN_HEADS.register("DepthwiseRPN")
class DepthwiseRPN(SiameseHead):
    """One level of SiamRPN++: a `DepthwiseXCorr` for cls and one for loc. Of several levels it takes the deepest."""

    smallest_template = 3

    def __init__(self, anchor_num: int = 5, in_channels: int = 256, out_channels: int = 256) -> None:
        super().__init__()
        self.cls = DepthwiseXCorr(in_channels, out_channels, 2 * anchor_num)
        self.loc = DepthwiseXCorr(in_channels, out_channels, 4 * anchor_num)

    @classmethod
    def arguments_for(cls, given: Delivered) -> dict[str, Any]:
        return {"anchor_num": given.anchor_num, "in_channels": given.channels[-1]}

    def kernels(self, template: list[Tensor]) -> Kernels:
        return self.cls.conv_kernel(template[-1]), self.loc.conv_kernel(template[-1])

    def correlate(self, kernels: Kernels, search: list[Tensor]) -> tuple[Tensor, Tensor]:
        return self.cls.correlate(kernels[0], search[-1]), self.loc.correlate(kernels[1], search[-1])


@RPN_HEADS.register("MultiRPN")
class MultiRPN(SiameseHead):
    """One `DepthwiseRPN` per level (`rpn2`, `rpn3`, ...), their outputs averaged.

    Args:
        anchor_num: anchors per cell, k.
        in_channels: one entry per level.
        weighted: average with learned weights, a softmax over levels, separate for cls and loc; else the plain mean.
    """

    smallest_template = 3

    def __init__(self, anchor_num: int, in_channels: Sequence[int], weighted: bool = False) -> None:
        super().__init__()
        self.weighted = weighted
        self.names = [f"rpn{index + 2}" for index in range(len(in_channels))]
        for name, channels in zip(self.names, in_channels, strict=True):
            self.add_module(name, DepthwiseRPN(anchor_num, channels, channels))
        if weighted:
            self.cls_weight = nn.Parameter(torch.ones(len(in_channels)))
            self.loc_weight = nn.Parameter(torch.ones(len(in_channels)))

    @classmethod
    def arguments_for(cls, given: Delivered) -> dict[str, Any]:
        places = [(spec.stride, spec.offset) for spec in given.specs]
        if len(set(places)) > 1:
            strides = [spec.stride for spec in given.specs]
            fitting = [number for number, place in enumerate(places) if place == places[-1]]
            raise ConfigError(
                f"RPN.TYPE MultiRPN averages the responses of all levels, which must look at the same places, but "
                f"{given.source} delivers maps of strides {strides}. Name levels of one stride in "
                f"BACKBONE.KWARGS.used_layers, such as number {fitting} of these."
            )
        return {"anchor_num": given.anchor_num, "in_channels": given.channels}

    def _levels(self) -> list[DepthwiseRPN]:
        return [module for name in self.names if isinstance(module := self.get_submodule(name), DepthwiseRPN)]

    def kernels(self, template: list[Tensor]) -> Kernels:
        pairs = (level.kernels([z]) for level, z in zip(self._levels(), template, strict=True))
        return tuple(kernel for pair in pairs for kernel in pair)

    def correlate(self, kernels: Kernels, search: list[Tensor]) -> tuple[Tensor, Tensor]:
        pairs = zip(kernels[::2], kernels[1::2], strict=True)
        outputs = [level.correlate(pair, [x]) for level, pair, x in zip(self._levels(), pairs, search, strict=True)]
        cls, loc = (torch.stack(maps) for maps in zip(*outputs, strict=True))
        if not self.weighted:
            return cls.mean(0), loc.mean(0)
        return _weighted_sum(cls, self.cls_weight), _weighted_sum(loc, self.loc_weight)


def _weighted_sum(levels: Tensor, weights: Tensor) -> Tensor:
    """(L, B, C, S, S) maps to (B, C, S, S), weighted by the softmax of `weights` (L,)."""
    return (levels * weights.softmax(0)[:, None, None, None, None]).sum(0)


@RPN_HEADS.register("UPChannelRPN")
class UPChannelRPN(SiameseHead):
    """The head of the first SiamRPN: the template is lifted to one bank of kernels per output channel."""

    smallest_template = 3

    def __init__(self, anchor_num: int = 5, feature_in: int = 256) -> None:
        super().__init__()
        self.template_cls_conv = nn.Conv2d(feature_in, feature_in * 2 * anchor_num, 3)
        self.template_loc_conv = nn.Conv2d(feature_in, feature_in * 4 * anchor_num, 3)
        self.search_cls_conv = nn.Conv2d(feature_in, feature_in, 3)
        self.search_loc_conv = nn.Conv2d(feature_in, feature_in, 3)
        self.loc_adjust = nn.Conv2d(4 * anchor_num, 4 * anchor_num, 1)

    @classmethod
    def arguments_for(cls, given: Delivered) -> dict[str, Any]:
        return {"anchor_num": given.anchor_num, "feature_in": given.channels[-1]}

    def kernels(self, template: list[Tensor]) -> Kernels:
        return self.template_cls_conv(template[-1]), self.template_loc_conv(template[-1])

    def correlate(self, kernels: Kernels, search: list[Tensor]) -> tuple[Tensor, Tensor]:
        cls = xcorr_up_channel(self.search_cls_conv(search[-1]), kernels[0])
        loc = self.loc_adjust(xcorr_up_channel(self.search_loc_conv(search[-1]), kernels[1]))
        return cls, loc
