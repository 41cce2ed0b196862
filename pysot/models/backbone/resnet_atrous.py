"""ResNet-18/34/50 with total stride 8: layers 3 and 4 are dilated instead of strided (SiamRPN++, CVPR 2019, section 3;
docs/systems/siamrpn.md, Backbones). Stride-2 convolutions use no padding, and the shortcuts of layers 2-4 are 3x3.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from pysot.models.backbone.base import BACKBONES, Backbone, check_levels, init_conv_bn

STAGE_STRIDES, STAGE_DILATIONS, STAGE_WIDTHS = (1, 2, 1, 1), (1, 1, 2, 4), (64, 128, 256, 512)


def _conv3x3(channels_in: int, channels_out: int, stride: int, dilation: int) -> nn.Conv2d:
    """A 3x3 convolution: padding = dilation when dilated, else 2 - stride (none for stride 2)."""
    padding = dilation if dilation > 1 else 2 - stride
    return nn.Conv2d(channels_in, channels_out, 3, stride, padding, dilation, bias=False)


def _shortcut(channels_in: int, channels_out: int, stride: int, dilation: int) -> nn.Sequential:
    """Projection of a stage's first block: 1x1 in the plain stage, 3x3 in strided or dilated ones."""
    if stride == 1 and dilation == 1:
        conv = nn.Conv2d(channels_in, channels_out, 1, bias=False)
    else:
        half = max(dilation // 2, 1)
        padding = half if dilation > 1 else 0
        conv = nn.Conv2d(channels_in, channels_out, 3, stride, padding, half, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels_out))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions (ResNet-18/34). In a stage's first block the first convolution has half the dilation."""

    expansion = 1
    conv_bn_pairs = (("conv1", "bn1"), ("conv2", "bn2"))
    conv_relu_pairs = (("conv1", "relu1"),)

    def __init__(self, channels_in: int, width: int, stride: int, dilation: int, first: bool) -> None:
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
    conv_bn_pairs = (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3"))
    conv_relu_pairs = (("conv1", "relu1"), ("conv2", "relu2"))

    def __init__(self, channels_in: int, width: int, stride: int, dilation: int, first: bool) -> None:
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


class AtrousResNet(Backbone):
    """The common body. Level 0 is the stem (stride 2), levels 1-4 the stages (strides 4, 8, 8, 8).

    Args:
        used_layers: which levels to return, increasing; stages deeper than the last one are not built.
    """

    block: type[BasicBlock] | type[Bottleneck]
    depths: tuple[int, int, int, int]
    conv_bn_pairs = (("conv1", "bn1"),)
    conv_relu_pairs = (("conv1", "relu1"),)

    def __init__(self, used_layers: Sequence[int] = (2, 3, 4)) -> None:
        super().__init__()
        self.used_layers = check_levels(used_layers, deepest=4)
        self.conv1 = nn.Conv2d(3, 64, 7, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu1 = nn.ReLU(inplace=True)
        self.stages = tuple(f"layer{level}" for level in range(1, self.used_layers[-1] + 1))
        widths = [64]
        for index, name in enumerate(self.stages):
            self.add_module(name, self._stage(widths[-1], index))
            widths.append(STAGE_WIDTHS[index] * self.block.expansion)
        self.out_channels = [widths[level] for level in self.used_layers]
        init_conv_bn(self)

    def _stage(self, channels_in: int, index: int) -> nn.Sequential:
        width, stride, dilation = STAGE_WIDTHS[index], STAGE_STRIDES[index], STAGE_DILATIONS[index]
        channels_out = width * self.block.expansion
        projected = stride != 1 or channels_in != channels_out
        blocks = [self.block(channels_in, width, stride, dilation, first=projected)]
        blocks += [self.block(channels_out, width, 1, dilation, first=False) for _ in range(1, self.depths[index])]
        return nn.Sequential(*blocks)

    def forward(self, image: Tensor) -> list[Tensor]:
        levels = [self.relu1(self.bn1(self.conv1(image)))]
        x = F.max_pool2d(levels[0], 3, stride=2, padding=1)
        for name in self.stages:
            x = self.get_submodule(name)(x)
            levels.append(x)
        return [levels[level] for level in self.used_layers]


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
