"""SiamBAN's head: at every level a depth-wise correlation for cls and one for loc, summed with learned weights.

Chen et al., "Siamese Box Adaptive Network for Visual Tracking", CVPR 2020, section 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pysot.core.errors import ConfigError
from pysot.models.head.base import BAN_HEADS, Kernels, SiameseHead
from pysot.models.head.rpn import DepthwiseRPN, MultiRPN
from pysot.models.parts import Delivered


@BAN_HEADS.register("MultiBAN")
class MultiBAN(SiameseHead):
    """Children: box2, box3, ... of the levels; cls_weight, loc_weight (with `weighted`) and loc_scale.

    Args:
        in_channels: of each level.
        cls_out_channels: 2, background and target; published snapshots have no others.
        weighted: sum with the softmax of learned weights; else the mean.
    """

    smallest_template = 3

    def __init__(self, in_channels: Sequence[int], cls_out_channels: int = 2, weighted: bool = False) -> None:
        super().__init__()
        if cls_out_channels != 2:
            raise ConfigError(f"BAN.KWARGS.cls_out_channels is {cls_out_channels}; MultiBAN has 2. Leave it out.")
        self.weighted, count = weighted, len(in_channels)
        self.names = [f"box{level + 2}" for level in range(count)]
        for name, channels in zip(self.names, in_channels, strict=True):
            self.add_module(name, DepthwiseRPN(1, channels, channels))
        if weighted:
            self.cls_weight, self.loc_weight = (nn.Parameter(torch.ones(count)) for _ in range(2))
        self.loc_scale = nn.Parameter(torch.ones(count))

    @classmethod
    def arguments_for(cls, given: Delivered) -> dict[str, Any]:
        same = MultiRPN.arguments_for(given)  # the same need: all levels look at the same places
        return {"in_channels": same["in_channels"]}

    def kernels(self, template: list[Tensor]) -> Kernels:
        pairs = (self.get_submodule(name).kernels([z]) for name, z in zip(self.names, template, strict=True))
        return tuple(kernel for pair in pairs for kernel in pair)

    def correlate(self, kernels: Kernels, search: list[Tensor]) -> tuple[Tensor, Tensor]:
        levels = zip(self.names, kernels[::2], kernels[1::2], search, strict=True)
        outputs = [self.get_submodule(name).correlate((a, b), [x]) for name, a, b, x in levels]
        cls, loc = (torch.stack(maps) for maps in zip(*outputs, strict=True))
        loc = torch.exp(loc * self.loc_scale[:, None, None, None, None])  # distances in pixels, above 0
        if not self.weighted:
            return cls.mean(0), loc.mean(0)
        return torch.einsum("lbcyx,l->bcyx", cls, self.cls_weight.softmax(0)), torch.einsum(
            "lbcyx,l->bcyx", loc, self.loc_weight.softmax(0)
        )
