"""The regression behind channel selection: its label; its operators against convolutions and explicit patches."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pysot.models.target_aware.regression import Regression, gaussian_label, kernel_side


@pytest.mark.parametrize(
    ("template", "shrink", "side"),
    [(15, 8, 9), (7, 8, 1), (6, 8, 1), (6, 2, 5), (15, 0, 17), (15, -1, 9), (6, -1, 5), (8, -1, 5), (1, -1, 3)],
)
def test_kernel_side(template: int, shrink: int, side: int) -> None:
    assert kernel_side(template, shrink) == side


def test_label_has_the_published_values() -> None:
    label = gaussian_label((31, 31), (1.5, 1.5), 0.2, (15, 15))
    assert float(label[15, 15]) == 1.0
    assert float(label[15, 16]) == pytest.approx(0.914947, abs=1e-6)
    assert float(label[13, 18]) == pytest.approx(math.exp(-0.2 * (4 + 9) / 2.25))


@settings(deadline=None)
@given(st.integers(2, 20), st.integers(2, 20), st.floats(0.3, 3), st.floats(0.3, 3))
def test_label_is_symmetric_also_for_even_sizes(height: int, width: int, sigma_y: float, sigma_x: float) -> None:
    label = gaussian_label((height, width), (sigma_y, sigma_x), 0.2, ((height - 1) / 2, (width - 1) / 2))
    torch.testing.assert_close(label, label.flip(0))
    torch.testing.assert_close(label, label.flip(1))
    assert float(label[: height // 2].sum()) == pytest.approx(float(label[-(height // 2) :].sum()))
    assert (float(label.max()) == 1.0) == (height % 2 == width % 2 == 1)


def test_label_may_peak_elsewhere() -> None:
    label = gaussian_label((16, 16), (0.8, 0.8), 0.2, (7.9375, 7.9375))
    assert divmod(int(label.argmax()), 16) == (8, 8)
    assert float(label[8, 9]) < float(label[8, 7])


def problem_of(seed: int, channels: int, height: int, width: int, kernel_hw: tuple[int, int]) -> Regression:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(channels, height, width, generator=generator)
    return Regression(features, torch.rand(height, width, generator=generator), kernel_hw)


def patches(problem: Regression) -> Tensor:
    """(cells, channels * taps) every zero-padded patch of the map, by torch's own unfolding."""
    height, width = problem.label.shape
    features = problem.flat.reshape(1, problem.channels, height, width)
    return F.unfold(features, problem.kernel_hw, padding=problem.padding)[0].T


SIZES = st.tuples(st.integers(1, 5), st.integers(1, 8), st.integers(1, 8))
KERNELS = st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 7]))


@settings(max_examples=30, deadline=None)
@given(SIZES, KERNELS, st.integers(0, 100))
def test_operators_are_a_convolution_and_its_transpose(
    size: tuple[int, int, int], kernel_hw: tuple[int, int], seed: int
) -> None:
    problem = problem_of(seed, *size, kernel_hw)
    generator = torch.Generator().manual_seed(seed + 1)
    kernel = torch.randn(problem.taps, problem.channels, generator=generator)
    weight = kernel.T.reshape(1, problem.channels, *kernel_hw).flip(2, 3)
    features = problem.flat.reshape(1, *size)
    expected = F.conv2d(features, weight, padding=problem.padding)[0, 0]
    torch.testing.assert_close(problem.respond(kernel), expected, atol=1e-4, rtol=1e-4)
    other = torch.randn(problem.label.shape, generator=generator)
    left, right = (problem.respond(kernel) * other).sum(), (kernel * problem.back(other)).sum()
    torch.testing.assert_close(left, right, atol=1e-3, rtol=1e-4)


@settings(max_examples=30, deadline=None)
@given(SIZES, KERNELS, st.integers(0, 100))
def test_gram_is_that_of_all_patches(size: tuple[int, int, int], kernel_hw: tuple[int, int], seed: int) -> None:
    problem = problem_of(seed, *size, kernel_hw)
    a = patches(problem)
    torch.testing.assert_close(problem.gram(), a @ a.T, atol=1e-4, rtol=1e-4)


@settings(max_examples=20, deadline=None)
@given(SIZES, KERNELS, st.integers(0, 100))
def test_gradient_importance_is_autograds(size: tuple[int, int, int], kernel_hw: tuple[int, int], seed: int) -> None:
    problem = problem_of(seed, *size, kernel_hw)
    kernel = torch.randn(problem.taps, problem.channels, generator=torch.Generator().manual_seed(seed + 1))
    features = problem.flat.reshape(1, *size).requires_grad_()
    weight = kernel.T.reshape(1, problem.channels, *kernel_hw).flip(2, 3)
    residual = F.conv2d(features, weight, padding=problem.padding)[0, 0] - problem.label
    (gradient,) = torch.autograd.grad(F.relu(-residual).square().mean(), features)
    found = problem.gap_taps(residual.detach()) @ kernel
    torch.testing.assert_close(found, -gradient[0].mean((1, 2)), atol=1e-4, rtol=1e-3)
