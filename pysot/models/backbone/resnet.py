"""ResNets (He et al., CVPR 2016) in two forms of one body.

- Atrous (SiamRPN++, CVPR 2019, section 3): total stride 8. Layers 3 and 4 are dilated instead of strided, stride-2
  convolutions use no padding, and the shortcuts of layers 2-4 are 3x3.
- Standard, as torchvision lays them out: strides 2, 4, 8, 16, 32, padded convolutions, 1x1 shortcuts. The backbone of
  ATOM and DiMP, with the preprocessing that its published weights expect.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from pysot.models.backbone.base import BACKBONES, IMAGE, Backbone, check_levels, init_conv_bn
from pysot.models.layers.conv import conv_bn
from pysot.models.layers.normalize import normalize_imagenet

STAGES, STAGE_WIDTHS = ("layer1", "layer2", "layer3", "layer4"), (64, 128, 256, 512)
CLASSES = 1000


def _conv3x3(channels_in: int, channels_out: int, stride: int, dilation: int) -> nn.Conv2d:
    """A 3x3 convolution: padding = dilation when dilated, else 2 - stride (none for stride 2)."""
    padding = dilation if dilation > 1 else 2 - stride
    return nn.Conv2d(channels_in, channels_out, 3, stride, padding, dilation, bias=False)


def _shortcut(channels_in: int, channels_out: int, stride: int, dilation: int) -> nn.Sequential:
    """Projection of a stage's first block: 1x1 in the plain stage, 3x3 in strided or dilated ones."""
    if stride == 1 and dilation == 1:
        return conv_bn(channels_in, channels_out)
    half = max(dilation // 2, 1)
    return conv_bn(channels_in, channels_out, 3, stride, half if dilation > 1 else 0, dilation=half)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions (ResNet-18/34). In a stage's first block the first convolution has half the dilation."""

    expansion = 1
    main_path = ("conv1", "conv2")
    conv_bn_pairs = (("conv1", "bn1"), ("conv2", "bn2"))
    conv_relu_pairs = (("conv1", "relu1"),)

    def __init__(self, channels_in: int, width: int, stride: int = 1, dilation: int = 1, first: bool = False) -> None:
        super().__init__()
        self.conv1 = _conv3x3(channels_in, width, stride, max(dilation // 2, 1) if first else dilation)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = _conv3x3(width, width, 1, dilation)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(channels_in, width, stride, dilation) if first else None

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu1(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        return out.relu_()


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions (ResNet-50). In a stage's first block the 3x3 has half the dilation."""

    expansion = 4
    main_path = ("conv1", "conv2", "conv3")
    conv_bn_pairs = (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3"))
    conv_relu_pairs = (("conv1", "relu1"), ("conv2", "relu2"))

    def __init__(self, channels_in: int, width: int, stride: int = 1, dilation: int = 1, first: bool = False) -> None:
        super().__init__()
        channels_out = width * self.expansion
        self.conv1 = nn.Conv2d(channels_in, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = _conv3x3(width, width, stride, max(dilation // 2, 1) if first else dilation)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(width, channels_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels_out)
        self.downsample = _shortcut(channels_in, channels_out, stride, dilation) if first else None

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu1(self.bn1(self.conv1(x)))
        out = self.relu2(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return out.relu_()


class PaddedBasicBlock(BasicBlock):
    """Two 3x3 convolutions, padded also where they stride; a 1x1 shortcut."""

    def __init__(self, channels_in: int, width: int, stride: int = 1, dilation: int = 1, first: bool = False) -> None:
        super().__init__(channels_in, width)
        if first:
            self.conv1 = nn.Conv2d(channels_in, width, 3, stride, padding=1, bias=False)
            self.downsample = conv_bn(channels_in, width, stride=stride)


class PaddedBottleneck(Bottleneck):
    """1x1, 3x3, 1x1 convolutions; the 3x3 one strides, and is padded also there; a 1x1 shortcut."""

    def __init__(self, channels_in: int, width: int, stride: int = 1, dilation: int = 1, first: bool = False) -> None:
        super().__init__(channels_in, width)
        if first:
            self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
            self.downsample = conv_bn(channels_in, width * self.expansion, stride=stride)


class ResNet(Backbone):
    """The common body: a stem (level 0, stride 2), a pooling, and up to four stages of residual blocks (levels 1-4).

    Attributes:
        block, depths: kind of the blocks, and their number in each stage.
        strides, dilations: of each stage.
        padding: of the stem.
        complete: has every tensor of an ImageNet classifier; else stages deeper than the last used one are not built.

    Args:
        used_layers: which levels to return, increasing.
    """

    block: ClassVar[type[BasicBlock] | type[Bottleneck]]
    depths: ClassVar[tuple[int, int, int, int]]
    strides: ClassVar[tuple[int, int, int, int]]
    dilations: ClassVar[tuple[int, int, int, int]]
    padding: ClassVar[int]
    complete: ClassVar[bool]
    conv_bn_pairs = (("conv1", "bn1"),)
    conv_relu_pairs = (("conv1", "relu1"),)

    def __init__(self, used_layers: Sequence[int]) -> None:
        super().__init__()
        self.used_layers = check_levels(used_layers, deepest=4)
        self.stages = STAGES[: self.used_layers[-1]]
        self.conv1 = nn.Conv2d(3, 64, 7, 2, self.padding, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu1 = nn.ReLU(inplace=True)
        widths = [64]
        for index, name in enumerate(STAGES if self.complete else self.stages):
            width, stride, dilation = STAGE_WIDTHS[index], self.strides[index], self.dilations[index]
            channels = width * self.block.expansion
            projected = stride != 1 or widths[-1] != channels
            blocks = [self.block(widths[-1], width, stride, dilation, first=projected)]
            blocks += [self.block(channels, width, 1, dilation) for _ in range(1, self.depths[index])]
            self.add_module(name, nn.Sequential(*blocks))
            widths.append(channels)
        if self.complete:
            self.fc = nn.Linear(widths[-1], CLASSES)
        specs = [IMAGE.after(self.conv1)]
        for name in self.stages:
            before = specs[-1].window(3, stride=2, padding=1) if len(specs) == 1 else specs[-1]
            specs.append(before.after(self.get_submodule(name)))
        self.specs = [specs[level] for level in self.used_layers]
        init_conv_bn(self)

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.levels_of(image)

    def levels_of(self, prepared: Tensor) -> list[Tensor]:
        """The used levels of (B, 3, H, W) images that are in the network's own value range already."""
        levels = [self.relu1(self.bn1(self.conv1(prepared)))]
        x = F.max_pool2d(levels[0], 3, stride=2, padding=1)
        for name in self.stages:
            x = self.get_submodule(name)(x)
            levels.append(x)
        return [levels[level] for level in self.used_layers]


class AtrousResNet(ResNet):
    """Levels 1-4 have strides 4, 8, 8, 8."""

    strides, dilations, padding, complete = (1, 2, 1, 1), (1, 1, 2, 4), 0, False

    def __init__(self, used_layers: Sequence[int] = (2, 3, 4)) -> None:
        super().__init__(used_layers)


@BACKBONES.register("resnet18")
class ResNet18(AtrousResNet):
    """ResNet-18, stride 8."""

    block, depths = BasicBlock, (2, 2, 2, 2)


@BACKBONES.register("resnet34")
class ResNet34(AtrousResNet):
    """ResNet-34, stride 8."""

    block, depths = BasicBlock, (3, 4, 6, 3)


@BACKBONES.register("resnet50")
class ResNet50(AtrousResNet):
    """ResNet-50, stride 8: the backbone of SiamRPN++ and SiamMask."""

    block, depths = Bottleneck, (3, 4, 6, 3)


class StandardResNet(ResNet):
    """Levels 1-4 have strides 4, 8, 16, 32.

    It has every tensor of an ImageNet classifier, so that ImageNet and tracking snapshots load strictly: also `fc`,
    which is never run, and the stages deeper than `used_layers`, which neither run nor learn.
    """

    strides, dilations, padding, complete = (1, 2, 2, 2), (1, 1, 1, 1), 3, True

    def __init__(self, used_layers: Sequence[int] = (2, 3)) -> None:
        super().__init__(used_layers)
        for name in (*STAGES[len(self.stages) :], "fc"):
            self.get_submodule(name).requires_grad_(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.levels_of(normalize_imagenet(image))


@BACKBONES.register("resnet18_std")
class StandardResNet18(StandardResNet):
    """ResNet-18; levels of 64, 64, 128, 256 and 512 channels."""

    block, depths = PaddedBasicBlock, (2, 2, 2, 2)


@BACKBONES.register("resnet50_std")
class StandardResNet50(StandardResNet):
    """ResNet-50; levels of 64, 256, 512, 1024 and 2048 channels."""

    block, depths = PaddedBottleneck, (3, 4, 6, 3)
