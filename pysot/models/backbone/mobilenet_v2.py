"""MobileNetV2 with total stride 8 (docs/systems/siamrpn.md, Backbones). Stride-2 convolutions use no padding."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from pysot.models.backbone.base import BACKBONES, IMAGE, Backbone, check_levels, init_conv_bn
from pysot.models.layers.conv import conv_bn

STEM_WIDTH = 32
GROUPS = (  # expansion, channels, blocks, stride of the first, dilation
    (1, 16, 1, 1, 1),
    (6, 24, 2, 2, 1),
    (6, 32, 3, 2, 1),
    (6, 64, 4, 1, 2),
    (6, 96, 3, 1, 2),
    (6, 160, 3, 1, 4),
    (6, 320, 1, 1, 4),
)


class InvertedResidual(nn.Module):
    """Expand 1x1, depth-wise 3x3, project 1x1; residual when neither size nor channels change."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, expansion: int, dilation: int) -> None:
        super().__init__()
        self.residual = stride == 1 and channels_in == channels_out
        hidden = int(channels_in * expansion)
        padding = dilation if dilation > 1 else 2 - stride
        self.conv = nn.Sequential(
            *conv_bn(channels_in, hidden, act=nn.ReLU6),
            *conv_bn(hidden, hidden, 3, stride, padding, dilation=dilation, groups=hidden, act=nn.ReLU6),
            *conv_bn(hidden, channels_out),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return x + out if self.residual else out


@BACKBONES.register("mobilenetv2")
class MobileNetV2(Backbone):
    """Level 0 is the stem (stride 2), levels 1-7 the groups (stride 8 from level 3 on).

    Args:
        used_layers: which levels to return, increasing; deeper groups are not built.
        width_mult: factor on every channel count; 1.4 in the published experiment.
    """

    def __init__(self, used_layers: Sequence[int] = (3, 5, 7), width_mult: float = 1.0) -> None:
        super().__init__()
        self.used_layers = check_levels(used_layers, deepest=len(GROUPS))
        widths = [int(STEM_WIDTH * width_mult)]
        self.layer0 = conv_bn(3, widths[0], 3, stride=2, act=nn.ReLU6)
        previous_dilation = 1
        for level, (expansion, channels, count, stride, dilation) in enumerate(GROUPS[: self.used_layers[-1]], start=1):
            width = int(channels * width_mult)
            first_dilation = dilation if dilation == previous_dilation else max(dilation // 2, 1)
            blocks = [InvertedResidual(widths[-1], width, stride, expansion, first_dilation)]
            blocks += [InvertedResidual(width, width, 1, expansion, dilation) for _ in range(1, count)]
            self.add_module(f"layer{level}", nn.Sequential(*blocks))
            widths.append(width)
            previous_dilation = dilation
        self.stages = tuple(f"layer{level}" for level in range(self.used_layers[-1] + 1))
        specs = [IMAGE.after(self.layer0)]
        for name in self.stages[1:]:
            specs.append(specs[-1].after(self.get_submodule(name)))
        self.specs = [specs[level] for level in self.used_layers]
        init_conv_bn(self)

    def forward(self, image: Tensor) -> list[Tensor]:
        levels, x = [], image
        for name in self.stages:
            x = self.get_submodule(name)(x)
            levels.append(x)
        return [levels[level] for level in self.used_layers]
