"""The backbone slot: what a backbone is, and the registry of all of them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn

from pysot.core.errors import ConfigError
from pysot.core.registry import Registry


class Backbone(nn.Module, ABC):
    """Turns an image batch into feature maps.

    Attributes:
        out_channels: channels of each returned map, shallow to deep.
        stages: names of the children that can be frozen and unfrozen one by one (`BACKBONE.TRAIN_LAYERS`).
    """

    out_channels: list[int]
    stages: tuple[str, ...]

    @abstractmethod
    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, H, W) float32 BGR in 0..255, not normalized, to the used feature maps, shallow to deep."""

    def middle(self, cells: int, side: int) -> float:
        """Which of a row of `cells` looks at the middle of an image of `side` pixels; not always a whole number."""
        return (cells - 1) / 2


BACKBONES: Registry[type[Backbone]] = Registry("backbone", key="BACKBONE.TYPE")
"""Classes called with `**BACKBONE.KWARGS`."""


def middle_of_padded(cells: int, side: int) -> float:
    """`Backbone.middle` where every convolution that strides is padded: cell i looks at pixel stride * i."""
    stride = 2 ** round(math.log2(side / cells))
    return (side - 1) / 2 / stride


def init_conv_bn(module: nn.Module) -> None:
    """Normal weights of standard deviation sqrt(2 / (k k c_out)) for convolutions, 1 and 0 for batch norms."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            fan_out = layer.kernel_size[0] * layer.kernel_size[1] * layer.out_channels
            nn.init.normal_(layer.weight, 0, math.sqrt(2.0 / fan_out))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)


def check_levels(used_layers: Sequence[int], deepest: int) -> list[int]:
    """`used_layers` as a list, checked to be increasing and within 0..`deepest`; `ConfigError` otherwise."""
    levels = list(used_layers)
    if not levels or levels != sorted(set(levels)) or levels[0] < 0 or levels[-1] > deepest:
        raise ConfigError(
            f"BACKBONE.KWARGS.used_layers must be increasing numbers from 0 to {deepest}; got {levels}. "
            "Example: [2, 3, 4]."
        )
    return levels
