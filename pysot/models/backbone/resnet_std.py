"""ResNet-18 and -50 as torchvision lays them out (He et al., CVPR 2016): strides 2, 4, 8, 16, 32, padded convolutions,
1x1 shortcuts. ATOM's backbone, with the preprocessing its published weights expect (docs/systems/atom.md, Backbone).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pysot.models.backbone import resnet_atrous
from pysot.models.backbone.base import BACKBONES, Backbone, check_levels, init_conv_bn, middle_of_padded

STAGES = ("layer1", "layer2", "layer3", "layer4")
STAGE_WIDTHS = (64, 128, 256, 512)
CLASSES = 1000
RGB_MEAN, RGB_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet, for values in 0..1."""


def _shortcut(channels_in: int, channels_out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 1, stride, bias=False),
        nn.BatchNorm2d(channels_out),
    )


class BasicBlock(resnet_atrous.BasicBlock):
    """Two 3x3 convolutions, padded also where they stride."""

    def __init__(self, channels_in: int, width: int, stride: int, first: bool) -> None:
        super().__init__(channels_in, width, stride=1, dilation=1, first=False)
        if first:
            self.conv1 = nn.Conv2d(channels_in, width, 3, stride, padding=1, bias=False)
            self.downsample = _shortcut(channels_in, width, stride)


class Bottleneck(resnet_atrous.Bottleneck):
    """1x1, 3x3, 1x1 convolutions; the 3x3 one strides, and is padded also there."""

    def __init__(self, channels_in: int, width: int, stride: int, first: bool) -> None:
        super().__init__(channels_in, width, stride=1, dilation=1, first=False)
        if first:
            self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
            self.downsample = _shortcut(channels_in, width * self.expansion, stride)


class StandardResNet(Backbone):
    """The common body. Level 0 is the stem (stride 2), levels 1-4 the stages (strides 4, 8, 16, 32).

    It has every tensor of an ImageNet classifier, so that ImageNet and tracking snapshots load strictly: also `fc`,
    which is never run, and the stages deeper than `used_layers`, which neither run nor learn.

    Args:
        used_layers: which levels to return, increasing.
    """

    block: type[BasicBlock] | type[Bottleneck]
    depths: tuple[int, int, int, int]
    conv_bn_pairs = (("conv1", "bn1"),)
    conv_relu_pairs = (("conv1", "relu1"),)

    def __init__(self, used_layers: Sequence[int] = (2, 3)) -> None:
        super().__init__()
        self.used_layers = check_levels(used_layers, deepest=4)
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu1 = nn.ReLU(inplace=True)
        widths = [64]
        for index, name in enumerate(STAGES):
            self.add_module(name, self._stage(widths[-1], index))
            widths.append(STAGE_WIDTHS[index] * self.block.expansion)
        self.fc = nn.Linear(widths[-1], CLASSES)
        self.stages = STAGES[: self.used_layers[-1]]
        self.out_channels = [widths[level] for level in self.used_layers]
        init_conv_bn(self)
        for name in (*STAGES[self.used_layers[-1] :], "fc"):
            self.get_submodule(name).requires_grad_(False)

    def _stage(self, channels_in: int, index: int) -> nn.Sequential:
        width, stride = STAGE_WIDTHS[index], 1 if index == 0 else 2
        channels_out = width * self.block.expansion
        projected = stride != 1 or channels_in != channels_out
        blocks = [self.block(channels_in, width, stride, first=projected)]
        blocks += [self.block(channels_out, width, 1, first=False) for _ in range(1, self.depths[index])]
        return nn.Sequential(*blocks)

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.levels_of(normalize(image))

    def levels_of(self, prepared: Tensor) -> list[Tensor]:
        """The used levels of (B, 3, H, W) images that are in the network's own value range already."""
        levels = [self.relu1(self.bn1(self.conv1(prepared)))]
        x = F.max_pool2d(levels[0], 3, stride=2, padding=1)
        for name in self.stages:
            x = self.get_submodule(name)(x)
            levels.append(x)
        return [levels[level] for level in self.used_layers]

    def middle(self, cells: int, side: int) -> float:
        return middle_of_padded(cells, side)


def normalize(image: Tensor) -> Tensor:
    """(B, 3, H, W) BGR in 0..255 to RGB of ImageNet's mean 0 and standard deviation 1, in the image's precision."""
    planes = [
        image[:, 2 - channel] * (1 / (255 * std)) - mean / std
        for channel, (mean, std) in enumerate(zip(RGB_MEAN, RGB_STD, strict=True))
    ]
    return torch.stack(planes, dim=1)


@BACKBONES.register("resnet18_std")
class ResNet18(StandardResNet):
    """ResNet-18; levels of 64, 64, 128, 256 and 512 channels."""

    block, depths = BasicBlock, (2, 2, 2, 2)


@BACKBONES.register("resnet50_std")
class ResNet50(StandardResNet):
    """ResNet-50; levels of 64, 256, 512, 1024 and 2048 channels."""

    block, depths = Bottleneck, (3, 4, 6, 3)
