"""The two products against torch's convolution and its gradient."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pysot.online.filter_ops import correlate, correlate_transpose


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 3),
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    side=st.integers(1, 5),
    more=st.booleans(),
)
def test_both_products_are_the_convolution_and_its_gradient(
    count: int, height: int, width: int, side: int, more: bool
) -> None:
    samples, kernel = random(count, height, width, 3), random(side, side, 3).requires_grad_()
    extra = int(more and side % 2 == 0)
    out_hw = (height + extra, width + extra)
    expected = F.conv2d(samples.permute(0, 3, 1, 2), kernel.permute(2, 0, 1)[None].contiguous(), padding=side // 2)
    expected = expected[:, 0, : out_hw[0], : out_hw[1]]
    torch.testing.assert_close(correlate(samples, kernel.detach(), out_hw), expected.detach())
    residual = random(count, *out_hw)
    (gradient,) = torch.autograd.grad(expected, kernel, residual)
    torch.testing.assert_close(correlate_transpose(samples, residual, side), gradient)


@pytest.mark.parametrize("side", [3, 4])
def test_one_is_the_transpose_of_the_other(side: int) -> None:
    samples, kernel, residual = random(2, 6, 5, 4), random(side, side, 4) * 0.3, random(2, 6, 5)
    forward = float((correlate(samples, kernel, (6, 5)) * residual).sum())
    backward = float((correlate_transpose(samples, residual, side) * kernel).sum())
    assert forward == pytest.approx(backward)
