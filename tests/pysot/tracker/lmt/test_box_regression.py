"""Ridge regression against the normal equations, and what it does to boxes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pysot.core.errors import SotError
from pysot.tracker.lmt.box_regression import BoxRegressor, corrected, corrections, fit_ridge


def doubles(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def primal(x: Tensor, y: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Least squares on rows of sqrt(alpha) added below, with a column of ones that is not penalized."""
    count, width = x.shape
    rows = torch.cat([torch.cat([x, torch.ones(count, 1).double()], 1), torch.zeros(width, width + 1).double()])
    rows[count:, :width] = torch.eye(width).double() * alpha**0.5
    solved = torch.linalg.lstsq(rows, torch.cat([y, torch.zeros(width, y.shape[1]).double()])).solution
    return solved[:width], solved[width]


@pytest.mark.parametrize("shape", [(12, 30), (30, 12), (20, 20)])
@pytest.mark.parametrize("alpha", [0.1, 10.0])
def test_dual_equals_primal(shape: tuple[int, int], alpha: float) -> None:
    x, y = doubles(*shape) + 3, doubles(shape[0], 4, seed=1) + 1
    for found, expected in zip(fit_ridge(x, y, alpha), primal(x, y, alpha), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)


def test_targets_of_zero_leave_boxes_alone() -> None:
    boxes = torch.tensor([[10.0, 20, 30, 40]]).repeat(8, 1)
    regressor = BoxRegressor(doubles(8, 5).float(), boxes, boxes[0], alpha=1.0)
    moved = regressor(doubles(3, 5, seed=2).float(), boxes[:3] + 1)
    np.testing.assert_allclose(moved, boxes[:3] + 1, atol=1e-4)


def test_corrections_lead_to_the_target() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 20], [5.0, 5, 40, 10]], dtype=torch.float64)
    target = torch.tensor([3.0, 4, 20, 10], dtype=torch.float64)
    assert corrections(boxes, target)[0].tolist() == pytest.approx([0.8, -0.05, np.log(2), -np.log(2)])
    np.testing.assert_allclose(corrected(boxes, corrections(boxes, target)), target.expand(2, 4))


def test_it_learns_where_features_say_the_displacement() -> None:
    target = torch.tensor([50.0, 50, 20, 30], dtype=torch.float64)
    boxes = torch.cat([target[:2] + 3 * doubles(60, 2), target[2:] * torch.exp(0.1 * doubles(60, 2, seed=1))], 1)
    features = corrections(boxes, target) @ doubles(4, 9, seed=3)
    regressor = BoxRegressor(features, boxes, target, alpha=1e-6)
    np.testing.assert_allclose(regressor(features, boxes), target.expand(60, 4), atol=1e-3)


@pytest.mark.parametrize("shape", [(30, 200), (200, 30)])
def test_features_that_are_too_large_for_single_precision(shape: tuple[int, int]) -> None:
    """Equal columns, far larger than usual: single precision finds negative eigenvalues."""
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(shape[0], 1, generator=generator).expand(shape) * 1e4
    targets = features[:, :1] / 1e5
    weights, intercept = fit_ridge(features, targets, 1e-3)
    torch.testing.assert_close(features @ weights + intercept, targets, rtol=0, atol=1e-3)
    with pytest.raises(SotError, match=r"the features of \d+ boxes reach 9\.\d+e\+1[89]"):
        fit_ridge(features * 1e15, targets, 1e-3)
