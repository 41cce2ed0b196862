"""The filter operators against torch's convolution and its gradient."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pysot.models.layers.filter import correlate, correlate_transpose, score_size


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 3),
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    side=st.integers(1, 5),
    less=st.booleans(),
)
def test_both_products_are_the_convolution_and_its_gradient(
    count: int, height: int, width: int, side: int, less: bool
) -> None:
    samples, kernel = random(count, height, width, 3), random(side, side, 3).requires_grad_()
    expected = F.conv2d(samples.permute(0, 3, 1, 2), kernel.permute(2, 0, 1)[None].contiguous(), padding=side // 2)[
        :, 0
    ]
    assert expected.shape[1:] == score_size(height, width, side)
    torch.testing.assert_close(correlate(samples, kernel.detach()), expected.detach())
    if less:  # scores as large as the map: an even filter's last row and column do not count
        expected = expected[:, :height, :width]
    residual = random(*expected.shape)
    (gradient,) = torch.autograd.grad(expected, kernel, residual)
    torch.testing.assert_close(correlate_transpose(samples, residual, side), gradient)


@pytest.mark.parametrize("side", [3, 4])
def test_a_batch_of_sequences_is_a_grouped_convolution(side: int) -> None:
    samples, kernels = random(5, 2, 6, 7, 3), random(5, side, side, 3).requires_grad_()
    images = samples.permute(1, 0, 4, 2, 3).reshape(2, 15, 6, 7)
    expected = F.conv2d(images, kernels.permute(0, 3, 1, 2), padding=side // 2, groups=5).transpose(0, 1)
    torch.testing.assert_close(correlate(samples, kernels), expected)
    (gradient,) = torch.autograd.grad(expected, kernels, residual := random(*expected.shape))
    torch.testing.assert_close(correlate_transpose(samples, residual, side), gradient)


@pytest.mark.parametrize("side", [3, 4])
def test_one_is_the_transpose_of_the_other(side: int) -> None:
    samples, kernel = random(2, 6, 5, 4), random(side, side, 4) * 0.3
    residual = random(2, *score_size(6, 5, side))
    forward = float((correlate(samples, kernel) * residual).sum())
    backward = float((correlate_transpose(samples, residual, side) * kernel).sum())
    assert forward == pytest.approx(backward)


@pytest.mark.parametrize("side", [3, 4])
def test_both_have_exact_gradients(side: int) -> None:
    samples, kernel = random(2, 1, 4, 3, 2).requires_grad_(), random(2, side, side, 2).requires_grad_()
    residual = random(2, 1, *score_size(4, 3, side)).requires_grad_()
    assert torch.autograd.gradcheck(correlate, (samples, kernel))
    assert torch.autograd.gradcheck(lambda x, r: correlate_transpose(x, r, side), (samples, residual))
