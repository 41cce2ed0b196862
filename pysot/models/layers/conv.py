"""The convolution that most networks here are made of."""

from __future__ import annotations

from torch import nn


def conv_bn(
    channels_in: int,
    channels_out: int,
    kernel: int = 1,
    stride: int = 1,
    padding: int = 0,
    *,
    dilation: int = 1,
    groups: int = 1,
    bias: bool = False,
    act: type[nn.ReLU | nn.ReLU6 | nn.Hardswish] | None = None,
) -> nn.Sequential:
    """Convolution, batch norm and, where given, an activation in place; `*` puts them into a longer sequence."""
    layers: list[nn.Module] = [
        nn.Conv2d(channels_in, channels_out, kernel, stride, padding, dilation, groups, bias),
        nn.BatchNorm2d(channels_out),
    ]
    return nn.Sequential(*layers, act(inplace=True)) if act is not None else nn.Sequential(*layers)
