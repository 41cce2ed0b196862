"""The backbone slot: what a backbone is, and the registry of all of them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from pysot.core.errors import ConfigError
from pysot.core.registry import Registry


@dataclass(frozen=True)
class FeatureSpec:
    """What a feature map holds, and where its cells look.

    Cell i of either axis looks at pixel `offset + i * stride` of the input, counted from 0 at the center of the first
    pixel: there is the center of what it sees, as far as that lies inside the image.

    Attributes:
        channels: of the map.
        stride: input pixels between neighboring cells.
        offset: the input pixel at which cell 0 looks; 0 where every layer that strides is padded.
    """

    channels: int
    stride: int = 1
    offset: float = 0.0

    def pixel_at(self, cell: float) -> float:
        """The input pixel at which `cell` looks."""
        return self.offset + cell * self.stride

    def cell_at(self, pixel: float) -> float:
        """The place in the map, not always a whole number of cells, that looks at an input pixel."""
        return (pixel - self.offset) / self.stride

    def cells(self, pixels: int) -> int:
        """How many cells along an axis an image of so many pixels gives: exact for any chain of layers with kernels."""
        return max(0, int((pixels - 1 - 2 * self.offset) // self.stride) + 1)

    def window(
        self, kernel: int, stride: int = 1, padding: int = 0, *, dilation: int = 1, channels: int | None = None
    ) -> FeatureSpec:
        """The map after a convolution (to `channels`) or a pooling of this one."""
        center = dilation * (kernel - 1) / 2 - padding
        return FeatureSpec(channels or self.channels, self.stride * stride, self.pixel_at(center))

    def after(self, *layers: nn.Module) -> FeatureSpec:
        """The map after `layers`, one after the other.

        Of a module with children those count that its attribute `main_path` names, or all in their order; what has
        neither children nor a kernel works cell by cell. Raises `ConfigError` for a layer that cannot be followed.
        """
        spec = self
        for layer in layers:
            if isinstance(layer, (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)):
                spec = spec._through(layer)
            elif hasattr(layer, "kernel_size") or isinstance(layer, (nn.Upsample, nn.PixelShuffle)):
                raise ConfigError(
                    f"FeatureSpec.after cannot follow a {type(layer).__name__}; it knows convolutions and poolings. "
                    "State the map's FeatureSpec(channels, stride, offset) itself."
                )
            else:
                path = getattr(layer, "main_path", None)
                spec = spec.after(*(layer.children() if path is None else map(layer.get_submodule, path)))
        return spec

    def _through(self, layer: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d) -> FeatureSpec:
        dilation = getattr(layer, "dilation", 1)
        both = [layer.kernel_size, layer.stride, layer.padding, dilation]
        pairs = [value if isinstance(value, tuple) else (value, value) for value in both]
        if any(vertical != horizontal for vertical, horizontal in pairs) or isinstance(layer.padding, str):
            raise ConfigError(
                f"FeatureSpec.after cannot follow {layer}: it expects one whole number for kernel, stride, padding and "
                "dilation along both axes. State the map's FeatureSpec(channels, stride, offset) itself."
            )
        kernel, stride, padding, step = (int(pair[0]) for pair in pairs)
        return self.window(kernel, stride, padding, dilation=step, channels=getattr(layer, "out_channels", None))


IMAGE = FeatureSpec(channels=3)
"""The input of every backbone."""


class Backbone(nn.Module, ABC):
    """Turns an image batch into feature maps.

    Attributes:
        specs: what it delivers: one `FeatureSpec` per returned map, shallow to deep. Set in the constructor, best by
            `IMAGE.after(layers ...)`.
        stages: names of the children that can be frozen and unfrozen one by one (`BACKBONE.TRAIN_LAYERS`).
        finer_strides: strides s that `forward(image, stride=s)` takes besides that of its single map: it then gives the
            same features at every s-th pixel.
    """

    specs: list[FeatureSpec]
    stages: tuple[str, ...]
    finer_strides: ClassVar[tuple[int, ...]] = ()

    @abstractmethod
    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, H, W) float32 BGR in 0..255, not normalized, to the used feature maps, shallow to deep."""

    @property
    def out_channels(self) -> list[int]:
        """Channels of each returned map, shallow to deep."""
        return [spec.channels for spec in self.specs]

    @out_channels.setter
    def out_channels(self, value: Any) -> None:
        raise ConfigError(f"{type(self).__name__} sets out_channels. {STATE_SPECS}")

    def __getattr__(self, name: str) -> Any:
        if name == "specs":
            raise ConfigError(f"{type(self).__name__} does not say what maps it delivers. {STATE_SPECS}")
        return super().__getattr__(name)


STATE_SPECS = (
    "Set `self.specs` in its constructor, one pysot.models.backbone.base.FeatureSpec per returned map, shallow to "
    "deep: self.specs = [IMAGE.after(self.first_layers, ...)], or FeatureSpec(channels, stride, offset)."
)
"""What to add to a backbone without specs."""

BACKBONES: Registry[type[Backbone]] = Registry("backbone", key="BACKBONE.TYPE")
"""Classes called with `**BACKBONE.KWARGS`."""


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
