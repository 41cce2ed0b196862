"""The solvers of channel selection against torch's SGD, explicit least squares, and channels planted to be found."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from pysot.models.target_aware.params import SelectionParams
from pysot.models.target_aware.regression import Regression, gaussian_label
from pysot.models.target_aware.solvers import Fit, descend, first_kernel, safe_rate, solve_ridge
from tests.pysot.models.target_aware.test_regression import patches, problem_of

DESCENT = SelectionParams(solver="sgd")


def planted(scale: float = 1.0, channels: int = 24, side: int = 15, mean: float = 0.1) -> Regression:
    """Noise in all channels; the middle one carries the label itself as well."""
    label = gaussian_label((side, side), (1.5, 1.5), 0.2, ((side - 1) / 2, (side - 1) / 2))
    features = mean + 0.2 * (torch.rand(channels, side, side, generator=torch.Generator().manual_seed(0)) - 0.5)
    features[channels // 2] += label.float()
    return Regression(scale * features, label, (5, 5))


def solve(problem: Regression, how: str, descent: SelectionParams = DESCENT) -> Fit:
    if how.startswith("ridge"):
        return solve_ridge(problem, 0.1, by_gradient=how.endswith("gradient"))
    fit = descend(problem, replace(descent, solver=how))
    assert fit is not None
    return fit


@pytest.mark.parametrize("scale", [1.0, 10.0, 0.01])
@pytest.mark.parametrize("mean", [0.0, 0.1])
@pytest.mark.parametrize("how", ["sgd", "ridge", "gradient", "ridge by gradient"])
def test_the_planted_channel_is_found(how: str, mean: float, scale: float) -> None:
    fit = solve(planted(scale, mean=mean), how)
    assert int(fit.importance.argmax()) == 12
    assert np.isfinite(fit.loss)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_descent_is_torchs(momentum: float) -> None:
    """Kernel and bias after 40 steps of `torch.optim.SGD` on a convolution with autograd."""
    problem = planted()
    params = replace(DESCENT, lr=(2e-3,), momentum=(momentum,), weight_decay=0.05)
    params = replace(params, iters=40, early_stop=0.0, lr_auto=False)
    conv = nn.Conv2d(problem.channels, 1, 5, padding=2)
    start = first_kernel(problem, params.seed)
    with torch.no_grad():
        conv.weight.copy_(start.T.reshape(1, problem.channels, 5, 5).flip(2, 3))
        assert conv.bias is not None
        conv.bias.zero_()
    optimizer = torch.optim.SGD(conv.parameters(), lr=2e-3, momentum=momentum, weight_decay=0.05)
    features = problem.flat.reshape(1, problem.channels, 15, 15)
    for _ in range(40):
        optimizer.zero_grad()
        (conv(features)[0, 0] - problem.label).square().mean().backward()
        optimizer.step()
    fit = solve(problem, "sgd", params)
    torch.testing.assert_close(fit.importance, conv.weight.detach().sum((0, 2, 3)), atol=1e-6, rtol=1e-4)
    mse = float((conv(features)[0, 0] - problem.label).square().mean().detach())
    assert fit.loss == pytest.approx(mse + 0.05 * float(conv.weight.detach().square().sum()), rel=1e-4)
    assert fit.iterations == 40


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(1, 6), st.integers(2, 7), st.integers(2, 7)),
    st.sampled_from([(1, 1), (3, 3), (5, 3)]),
    st.sampled_from([0.01, 1.0, 30.0]),
    st.integers(0, 1000),
)
def test_ridge_is_explicit_least_squares(
    size: tuple[int, int, int], kernel_hw: tuple[int, int], penalty: float, seed: int
) -> None:
    """The importance from blurred weights per cell equals the sum of the kernel that least squares finds tap by tap."""
    problem = problem_of(seed, *size, kernel_hw)
    a = patches(problem).double().numpy()
    scale = penalty * np.mean((a**2).sum(1))
    wanted = problem.label.double().numpy().ravel()
    augmented = np.vstack([a, np.sqrt(scale) * np.eye(a.shape[1])])
    kernel = np.linalg.lstsq(augmented, np.concatenate([wanted, np.zeros(a.shape[1])]), rcond=None)[0]
    fit = solve_ridge(problem, penalty, by_gradient=False)
    expected = kernel.reshape(problem.channels, problem.taps).sum(1)
    np.testing.assert_allclose(fit.importance.numpy(), expected, atol=1e-4 * max(1.0, np.abs(expected).max()))
    loss = np.mean((a @ kernel - wanted) ** 2) + scale * (kernel @ kernel) / len(wanted)
    assert fit.loss == pytest.approx(loss, rel=1e-4)
    residual = torch.from_numpy((a @ kernel).reshape(problem.label.shape)).float() - problem.label
    taps = torch.from_numpy(kernel.reshape(problem.channels, problem.taps).T).float().flip(0)
    by_gradient = solve_ridge(problem, penalty, by_gradient=True).importance
    torch.testing.assert_close(by_gradient, problem.gap_taps(residual) @ taps, atol=1e-4, rtol=1e-3)


def test_it_stops_early() -> None:
    fast = solve(planted(), "sgd", replace(DESCENT, lr=(0.05,), early_stop=0.01))
    slow = solve(planted(), "sgd", replace(DESCENT, lr=(0.05,), early_stop=0.0))
    assert fast.loss < 0.01 and fast.iterations < 300 and slow.iterations == 300


def test_a_step_that_would_diverge_is_shortened(caplog: pytest.LogCaptureFixture) -> None:
    problem = planted(100.0)
    wild = replace(DESCENT, lr=(1e-2,))
    assert descend(problem, replace(wild, lr_auto=False)) is None
    with caplog.at_level(logging.INFO):
        fit = solve(problem, "sgd", wild)
    assert "would diverge" in caplog.text and fit.loss < 1.0
    assert int(fit.importance.argmax()) == 12


@settings(max_examples=15, deadline=None)
@given(st.floats(0.01, 100), st.floats(0, 0.98))
def test_the_shortened_step_is_below_the_limit_of_stability(scale: float, momentum: float) -> None:
    """Heavy-ball steps are stable below 2 (1 + momentum) over the largest curvature, here from the whole spectrum."""
    problem = planted(scale, channels=6, side=9)
    a = torch.cat([patches(problem), torch.ones(problem.cells, 1)], dim=1).double()
    largest = float(torch.linalg.eigvalsh(a @ a.T)[-1]) * 2 / problem.cells
    rate = safe_rate(problem, 1e9, momentum, seed=0)
    assert 0.5 * (1 + momentum) / largest < rate < 1.8 * (1 + momentum) / largest
    assert safe_rate(problem, 1e-12, momentum, seed=0) == 1e-12


def test_equal_seeds_give_equal_kernels() -> None:
    def importance(seed: int) -> Tensor:
        return solve(planted(), "sgd", replace(DESCENT, seed=seed, iters=5)).importance

    assert torch.equal(importance(1), importance(1))
    kernels = [first_kernel(planted(), seed) for seed in (1, 1, 2)]
    assert torch.equal(kernels[0], kernels[1]) and not torch.equal(kernels[0], kernels[2])
    assert 0 < float(kernels[0].abs().max()) < 1e-7
