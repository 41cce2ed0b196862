"""Convolutions in oneDNN's form equal torch's own."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn
from torch.func import functional_call

from pysot.models.inference import prepare_for_inference
from pysot.models.layers.fused_conv import PACKED_AT, FusedConv2d

CASES = [
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": 3, "stride": 2, "bias": False},
    {"kernel_size": 3, "padding": 2, "dilation": 2},
    {"kernel_size": (1, 3), "padding": (0, 1), "groups": 4},
    {"kernel_size": 5, "padding": 2, "groups": 8},
]


ACTIVATIONS = [None, nn.ReLU(), nn.ReLU6()]


def small_conv(**options: Any) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(8, 16, **options).requires_grad_(False)


@pytest.mark.parametrize("options", CASES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_fused_convolution_equals_the_plain_one(options: dict[str, Any], activation: nn.Module | None) -> None:
    conv = small_conv(**options)
    fused = FusedConv2d(conv, activation)
    sides = (9, 9, 9, 14, 6, 9, 9, *[21] * 5, *[17] * 5, *[14] * 5, *[6] * 41, 9, 30, 5)
    for side in sides:  # more shapes than are kept, packed and not, in any order
        x = 9 * torch.randn(2, 8, side + 1, side)
        for view in (x, x.contiguous(memory_format=torch.channels_last), x[:, :, 1:], x[:0]):
            expected = conv(view) if activation is None else activation(conv(view))
            assert fused(view).shape == expected.shape
            assert torch.allclose(fused(view), expected, atol=2e-5)


def test_fused_convolution_follows_given_weights_precision_and_gradients() -> None:
    conv = small_conv(kernel_size=3)
    fused, x = FusedConv2d(conv, nn.ReLU()), torch.randn(1, 8, 9, 9)
    others = {"weight": torch.randn(16, 8, 3, 3), "bias": torch.randn(16)}
    for _ in range(PACKED_AT + 1):
        fused(x)
    assert torch.equal(functional_call(fused, others, (x,)), functional_call(conv, others, (x,)).relu())
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    grads = [
        torch.autograd.grad(net(y).relu().square().sum(), y)[0] for net, y in zip((fused, conv), inputs, strict=True)
    ]
    assert torch.equal(*grads)
    copied = copy.deepcopy(fused)
    assert torch.equal(copied(x), fused(x))
    assert copied.weight is not fused.weight
    assert torch.equal(fused.double()(x.double()), conv.double()(x.double()).relu())


def test_activations_are_taken_over_only_where_they_follow() -> None:
    branches = nn.Sequential(
        nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 1), nn.Sigmoid(), nn.ReLU()
    )
    model = prepare_for_inference(branches, torch.device("cpu"))
    assert [type(layer) for layer in model] == [
        FusedConv2d, nn.Identity, nn.Identity, FusedConv2d, nn.Sigmoid, nn.ReLU,
    ]  # fmt: skip
    assert [layer.rectifies for layer in model if isinstance(layer, FusedConv2d)] == [True, False]


def test_transposed_reflecting_and_symbolically_padded_convolutions_stay() -> None:
    layers = [nn.ConvTranspose2d(4, 4, 3), nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
              nn.Conv2d(4, 4, 3, padding="same"), nn.Conv1d(4, 4, 3), nn.Conv2d(4, 4, 3)]  # fmt: skip
    assert [FusedConv2d.fits(layer) for layer in layers] == [False, False, False, False, True]


def test_a_weight_that_is_converted_is_packed_anew() -> None:
    fused, x = FusedConv2d(small_conv(kernel_size=3)), torch.randn(1, 8, 9, 9)
    before = [fused(x) for _ in range(PACKED_AT + 1)][-1]
    after = [fused.to(torch.bfloat16)(x.bfloat16()) for _ in range(PACKED_AT + 1)][-1]
    assert after.dtype is torch.bfloat16 and torch.allclose(after.float(), before, atol=0.05)
