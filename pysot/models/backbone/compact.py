"""The project's own small backbone: dense 3x3 convolutions in residual blocks, strides 8 and 16.

Dense rather than depth-wise convolutions, because these train several times faster on a CPU and run as fast there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from pysot.models.backbone.base import BACKBONES, IMAGE, Backbone, check_levels, init_conv_bn
from pysot.models.layers.conv import conv_bn


def conv_bn_relu(channels_in: int, channels_out: int, stride: int = 1) -> nn.Sequential:
    """3x3 convolution that keeps the size (or halves it), batch norm and ReLU."""
    return conv_bn(channels_in, channels_out, 3, stride, padding=1, act=nn.ReLU)


class Residual(nn.Module):
    """Two 3x3 convolutions added to their input, then ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(*conv_bn_relu(channels, channels), *conv_bn(channels, channels, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        out += x
        return out.relu_()


@BACKBONES.register("compact")
class Compact(Backbone):
    """Maps of stride 8 (level 2) and stride 16 (level 3); an image of side n gives maps of side ceil(n / stride).

    Args:
        widths: channels of the stem (stride 2) and of levels 1 to 3 (strides 4, 8, 16).
        blocks: residual blocks in levels 1 to 3.
        used_layers: levels returned, 1 to 3.
        top_down: adds level 3, projected and enlarged twice, to level 2, so that the finer map knows the context of
            the coarser one (Lin et al., Feature Pyramid Networks, CVPR 2017). Needs levels 2 in `used_layers`.
    """

    stages = ("stem", "layer1", "layer2", "layer3", "lateral")

    def __init__(
        self,
        widths: Sequence[int] = (16, 32, 64, 128),
        blocks: Sequence[int] = (0, 1, 2),
        used_layers: Sequence[int] = (2,),
        top_down: bool = True,
    ) -> None:
        super().__init__()
        self.levels = check_levels(used_layers, deepest=3)
        self.stem = conv_bn_relu(3, widths[0], stride=2)
        for level in (1, 2, 3):
            stage: list[nn.Module] = [conv_bn_relu(widths[level - 1], widths[level], stride=2)]
            stage += [Residual(widths[level]) for _ in range(blocks[level - 1])]
            self.add_module(f"layer{level}", nn.Sequential(*stage))
        if top_down:
            self.lateral = conv_bn(widths[3], widths[2])
        specs = [IMAGE.after(self.stem)]
        for level in (1, 2, 3):
            specs.append(specs[-1].after(self.get_submodule(f"layer{level}")))
        self.specs = [specs[level] for level in self.levels]
        init_conv_bn(self)

    def forward(self, image: Tensor) -> list[Tensor]:
        maps = [self.stem(image)]
        for level in (1, 2, 3):
            maps.append(self.get_submodule(f"layer{level}")(maps[-1]))
        if hasattr(self, "lateral"):
            context = F.interpolate(self.lateral(maps[3]), size=maps[2].shape[-2:], mode="nearest")
            maps[2] = F.relu(maps[2] + context)
        return [maps[level] for level in self.levels]
