"""The neck: 1x1 convolutions that bring each level to the head's width, and the template's center crop
(docs/systems/siamrpn.md, Neck).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from pysot.core.errors import ConfigError
from pysot.core.registry import Registry
from pysot.models.backbone.base import FeatureSpec
from pysot.models.layers.conv import conv_bn
from pysot.models.parts import Delivered

WIDTH = 256
"""Channels that heads get where a config does not say."""


class Neck(nn.Module, ABC):
    """Maps a list of feature maps to a list of maps of the same places.

    Attributes:
        center_size: side of the middle part of a template's maps that is kept, cells; one more where these have an even
            number, so that the middle stays the middle.
    """

    center_size: int

    @abstractmethod
    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """Maps as the head takes them, one per level, whole."""

    @abstractmethod
    def specs_after(self, specs: Sequence[FeatureSpec]) -> list[FeatureSpec]:
        """What `forward` makes of maps of these `specs`."""

    def middle(self, cells: int) -> tuple[int, int]:
        """First and number of the cells that are kept of a template's `cells` along a side."""
        count = min(cells, self.center_size + (cells - self.center_size) % 2)
        return (cells - count) // 2, count

    def template(self, features: list[Tensor]) -> list[Tensor]:
        """`forward` of a template's maps, and of these the middle part."""
        return self.cut(self(features))

    def cut(self, maps: list[Tensor]) -> list[Tensor]:
        """The middle part of a template's maps."""
        kept = []
        for x in maps:
            start, count = self.middle(x.shape[-1])
            kept.append(x[:, :, start : start + count, start : start + count])
        return kept


NECKS: Registry[type[Neck]] = Registry("neck", key="ADJUST.TYPE")
"""Classes called with `**ADJUST.KWARGS`."""


class LevelAdjust(nn.Module):
    """1x1 convolution and batch norm on one map."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.downsample = conv_bn(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.downsample(x)
        return out


@NECKS.register("AdjustLayer")
class AdjustLayer(Neck):
    """One level: takes the deepest map and returns a list of one. Keys `downsample.*`."""

    def __init__(self, in_channels: int, out_channels: int = WIDTH, center_size: int = 7) -> None:
        super().__init__()
        self.out_channels, self.center_size = out_channels, center_size
        self.downsample = conv_bn(in_channels, out_channels)

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        return [self.downsample(features[-1])]

    def specs_after(self, specs: Sequence[FeatureSpec]) -> list[FeatureSpec]:
        return [replace(specs[-1], channels=self.out_channels)]

    @classmethod
    def arguments_for(cls, given: Delivered) -> dict[str, Any]:
        return {"in_channels": given.channels[-1]}


@NECKS.register("AdjustAllLayer")
class AdjustAllLayer(Neck):
    """One `LevelAdjust` per level: `downsample` for a single level, else `downsample2`, `downsample3`, ...

    Args:
        in_channels, out_channels: one entry per level.
        center_size: side of the cut-out of a template's map.
    """

    def __init__(
        self, in_channels: Sequence[int], out_channels: Sequence[int] | None = None, center_size: int = 7
    ) -> None:
        super().__init__()
        out_channels = [WIDTH] * len(in_channels) if out_channels is None else out_channels
        self.out_channels, self.center_size = list(out_channels), center_size
        if len(in_channels) != len(out_channels):
            raise ConfigError(
                f"ADJUST.KWARGS: in_channels {list(in_channels)} and out_channels {list(out_channels)} differ in "
                "length. Give one pair per level."
            )
        single = len(in_channels) == 1
        self.names = ["downsample" if single else f"downsample{i + 2}" for i in range(len(in_channels))]
        for name, width_in, width_out in zip(self.names, in_channels, out_channels, strict=True):
            self.add_module(name, LevelAdjust(width_in, width_out))

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        return [self.get_submodule(name)(x) for name, x in zip(self.names, features, strict=True)]

    def specs_after(self, specs: Sequence[FeatureSpec]) -> list[FeatureSpec]:
        return [replace(spec, channels=width) for spec, width in zip(specs, self.out_channels, strict=True)]

    @classmethod
    def arguments_for(cls, given: Delivered) -> dict[str, Any]:
        return {"in_channels": given.channels}
