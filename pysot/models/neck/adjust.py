"""The neck: 1x1 convolutions that bring each level to the head's width, and the template's center crop
(docs/systems/siamrpn.md, Neck).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from pysot.core.errors import ConfigError
from pysot.core.registry import Registry
from pysot.models.layers.conv import conv_bn

TEMPLATE_MAX_WIDTH = 20
"""A feature map narrower than this is a template's."""

NECKS: Registry[type[nn.Module]] = Registry("neck", key="ADJUST.TYPE")
"""Modules that map a list of feature maps to a list, called with `**ADJUST.KWARGS`."""


class LevelAdjust(nn.Module):
    """1x1 convolution and batch norm on one map; a template's map is cut to its `center_size` middle cells."""

    def __init__(self, in_channels: int, out_channels: int, center_size: int = 7) -> None:
        super().__init__()
        self.center_size = center_size
        self.downsample = conv_bn(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.downsample(x)
        width = x.shape[-1]
        if width >= TEMPLATE_MAX_WIDTH:
            return x
        start = (width - self.center_size) // 2
        return x[:, :, start : start + self.center_size, start : start + self.center_size]


@NECKS.register("AdjustLayer")
class AdjustLayer(LevelAdjust):
    """One level: takes and returns a list of one map. Keys `downsample.*`."""

    def forward(self, features: list[Tensor]) -> list[Tensor]:  # type: ignore[override]
        return [super().forward(features[-1])]


@NECKS.register("AdjustAllLayer")
class AdjustAllLayer(nn.Module):
    """One `LevelAdjust` per level: `downsample` for a single level, else `downsample2`, `downsample3`, ...

    Args:
        in_channels, out_channels: one entry per level.
        center_size: side of the cut-out of a template's map.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: Sequence[int], center_size: int = 7) -> None:
        super().__init__()
        if len(in_channels) != len(out_channels):
            raise ConfigError(
                f"ADJUST.KWARGS: in_channels {list(in_channels)} and out_channels {list(out_channels)} differ in "
                "length. Give one pair per level."
            )
        single = len(in_channels) == 1
        self.names = ["downsample" if single else f"downsample{i + 2}" for i in range(len(in_channels))]
        for name, width_in, width_out in zip(self.names, in_channels, out_channels, strict=True):
            self.add_module(name, LevelAdjust(width_in, width_out, center_size))

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        return [self.get_submodule(name)(x) for name, x in zip(self.names, features, strict=True)]
