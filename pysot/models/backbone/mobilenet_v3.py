"""MobileNetV3-small with total stride 16, as NanoTrack cuts it (docs/systems/nanotrack.md, Backbone)."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from pysot.models.backbone.base import BACKBONES, IMAGE, Backbone, init_conv_bn
from pysot.models.layers.conv import conv_bn

BLOCKS = (  # kernel, expansion, channels, squeeze-and-excite, hard-swish, stride
    (3, 1.0, 16, True, False, 2),
    (3, 4.5, 24, False, False, 2),
    (3, 3.67, 24, False, False, 1),
    (5, 4.0, 40, True, True, 2),
    (5, 6.0, 40, True, True, 1),
    (5, 6.0, 40, True, True, 1),
    (5, 3.0, 48, True, True, 1),
    (5, 3.0, 48, True, True, 1),
    (5, 6.0, 96, True, True, 1),
)


def multiple_of_8(value: float) -> int:
    """The multiple of 8 nearest to `value`, at least 8, never more than 10 % below it."""
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded


class SqueezeExcite(nn.Module):
    """Rescales each channel by a gate computed from the channel means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = multiple_of_8(channels // 4)
        self.fc = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, channels), nn.Hardsigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return x * gate[:, :, None, None]


class InvertedResidualV3(nn.Module):
    """Expand, depth-wise, gate, project. Without expansion the gate comes after the activation, else before it."""

    def __init__(
        self, channels_in: int, kernel: int, expansion: float, channels_out: int, gated: bool, swish: bool, stride: int
    ) -> None:
        super().__init__()
        hidden = multiple_of_8(channels_in * expansion)
        self.residual = stride == 1 and channels_in == channels_out
        act = nn.Hardswish if swish else nn.ReLU
        gate: nn.Module = SqueezeExcite(hidden) if gated else nn.Identity()
        depthwise = conv_bn(hidden, hidden, kernel, stride, (kernel - 1) // 2, groups=hidden)
        project = conv_bn(hidden, channels_out)
        if hidden == channels_in:
            self.conv = nn.Sequential(*depthwise, act(inplace=True), gate, *project)
        else:
            expand = conv_bn(channels_in, hidden, act=act)
            self.conv = nn.Sequential(*expand, *depthwise, gate, act(inplace=True), *project)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return x + out if self.residual else out


class MobileNetV3Small(Backbone):
    """The stem and the first `depth` blocks; one output map of stride 16."""

    depth: int
    stages = ("features",)

    def __init__(self, used_layers: Sequence[int] | None = None) -> None:
        """`used_layers` is accepted because published configs carry it; there is only one output."""
        super().__init__()
        layers: list[nn.Module] = [conv_bn(3, 16, 3, stride=2, padding=1, act=nn.Hardswish)]
        channels = 16
        for kernel, expansion, width, gated, swish, stride in BLOCKS[: self.depth]:
            layers.append(InvertedResidualV3(channels, kernel, expansion, width, gated, swish, stride))
            channels = width
        self.features = nn.Sequential(*layers)
        self.specs = [IMAGE.after(self.features)]
        init_conv_bn(self)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, 0, 0.01)
                nn.init.zeros_(layer.bias)

    def forward(self, image: Tensor) -> list[Tensor]:
        return [self.features(image)]


@BACKBONES.register("mobilenetv3_small")
class MobileNetV3SmallNano(MobileNetV3Small):
    """Eight blocks, 48 channels: NanoTrack V1 and V2."""

    depth = 8


@BACKBONES.register("mobilenetv3_small_v3")
class MobileNetV3SmallNanoV3(MobileNetV3Small):
    """Nine blocks, 96 channels: NanoTrack V3. The last block keeps stride 1."""

    depth = 9
