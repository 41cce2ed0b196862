"""Gradient ascent on predicted overlaps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from pysot.core.errors import ConfigError
from pysot.models.head.iounet import TargetOverlap
from pysot.online.box_refinement import BoxParams, Overlap, ascend, best_box, jitter_boxes
from tests.golden import recorded
from tests.golden.recipe import golden_atom

TARGET = torch.tensor([40.0, 50.0, 60.0, 30.0])
FIRST = torch.tensor([44.0, 46.0, 66.0, 33.0])


def likeness(boxes_xywh: Tensor) -> Tensor:
    """(N,) 1 at TARGET, lower the farther its center and the logarithm of its size are."""
    center = boxes_xywh[:, :2] + boxes_xywh[:, 2:] / 2
    offset = (center - TARGET[:2] - TARGET[2:] / 2) / TARGET[2:]
    growth = (boxes_xywh[:, 2:] / TARGET[2:]).log()
    return 1 - (offset.square() + growth.square()).sum(1)


def by_autograd(overlap: Callable[[Tensor], Tensor]) -> Overlap:
    def both(boxes_xywh: Tensor) -> tuple[Tensor, Tensor]:
        variable = boxes_xywh.detach().requires_grad_()
        overlaps = overlap(variable)
        (gradient,) = torch.autograd.grad(overlaps.sum(), variable)
        return overlaps.detach(), gradient

    return both


climb = partial(ascend, by_autograd(likeness))


def test_recorded_refinement() -> None:
    arrays = recorded("pytracking_atom_net.npz")
    boxes, train, expected, history = (
        torch.from_numpy(arrays[key])
        for key in ("proposals_xywh", "train_boxes_xywh", "refined_boxes_5it_step1", "refined_iou_hist")
    )
    model = golden_atom().requires_grad_(False)
    cells = np.random.RandomState(0).uniform(0, 255, (4, 3, 18, 18)).astype(np.float32)[[0, 3]]
    images = torch.from_numpy(np.kron(cells, np.ones((1, 1, 16, 16), np.float32))[:, ::-1].copy())
    with torch.no_grad():
        fine, coarse = model.features(images)
        modulation = model.bb_regressor.modulation([fine[:1], coarse[:1]], train[:1])
        maps = model.bb_regressor.iou_features([fine[1:], coarse[1:]])
    overlap = TargetOverlap(model.bb_regressor, modulation, rows=6)
    moved, overlaps = ascend(partial(overlap, maps), boxes[0], BoxParams())
    assert float((moved - expected.reshape(-1, 4)).abs().max()) < 1e-3 * float(expected.abs().max())
    np.testing.assert_allclose(overlaps, history[-1, 0], atol=2e-3)


@pytest.mark.parametrize(
    "params",
    [BoxParams(iter=60, step=5.0), BoxParams(iter=60, step=0.1, space="relative"), BoxParams(iter=3, step=0.05)],
)
def test_boxes_climb_to_the_target(params: BoxParams) -> None:
    boxes = torch.stack([FIRST, FIRST * 1.1])
    moved, overlaps = climb(boxes, params)
    assert (likeness(moved) >= likeness(boxes)).all()
    if params.iter == 60:
        assert float((moved - TARGET).abs().max()) < 0.5 and float(overlaps.min()) > 0.999


def test_one_step_is_the_published_one() -> None:
    variable = FIRST[None].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(likeness(variable).sum(), variable)
    moved, overlap = climb(FIRST[None], BoxParams(iter=1, step=0.5))
    scale = torch.tensor([66.0, 33.0, 66.0, 33.0])
    torch.testing.assert_close(moved, FIRST[None] + 0.5 * gradient * scale)
    torch.testing.assert_close(overlap, likeness(FIRST[None]))


def test_a_step_in_relative_space_follows_center_and_logarithm() -> None:
    unit = FIRST[2:]
    point = torch.cat([(FIRST[:2] + unit / 2) / unit, unit.log()]).requires_grad_()
    size = point[2:].exp()
    (gradient,) = torch.autograd.grad(likeness(torch.cat([point[:2] * unit - size / 2, size])[None]).sum(), point)
    after = (point + 0.1 * gradient).detach()
    expected = torch.cat([after[:2] * unit - after[2:].exp() / 2, after[2:].exp()])
    moved, _ = climb(FIRST[None], BoxParams(iter=1, step=0.1, space="relative"))
    torch.testing.assert_close(moved[0], expected)


def test_decay_takes_back_steps_that_made_a_box_worse() -> None:
    wild = BoxParams(iter=30, step=60.0)
    without, _ = climb(FIRST[None], wild)
    _, overlaps = climb(FIRST[None], replace(wild, decay=0.5))
    assert float(overlaps) > float(likeness(FIRST[None])) and float(overlaps) > 0.9
    assert not float(likeness(without)) > float(overlaps)


def test_no_iterations_leave_the_boxes() -> None:
    moved, overlaps = climb(FIRST[None], BoxParams(iter=0))
    assert torch.equal(moved, FIRST[None]) and torch.isinf(overlaps).all()


def test_random_boxes_spread_around_the_first() -> None:
    params = BoxParams(num_random=500)
    boxes = jitter_boxes(FIRST, params, np.random.default_rng(0))
    side = math.sqrt(66 * 33)
    assert boxes.shape == (501, 4) and torch.equal(boxes[0], FIRST)
    centers = boxes[:, :2] + boxes[:, 2:] / 2
    assert float((centers - centers[0]).abs().max()) <= 0.05 * side + 1e-4
    assert float((boxes[:, 2:] - FIRST[2:]).abs().max()) <= 0.25 * side + 1e-4
    assert 0.22 < float(boxes[:, 2].std() / side / 0.5) < 0.36
    thin = jitter_boxes(torch.tensor([0.0, 0, 300, 6]), params, np.random.default_rng(0))
    assert float(thin[:, 3].min()) == 2
    assert torch.equal(jitter_boxes(FIRST, params, np.random.default_rng(0)), boxes)


def test_best_boxes_are_averaged() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [2, 2, 12, 12], [4, 4, 14, 14], [90, 90, 10, 10]])
    overlaps = torch.tensor([0.5, 0.9, 0.7, 0.1])
    assert best_box(boxes, overlaps, BoxParams()).tolist() == [2, 2, 12, 12]  # type: ignore[union-attr]
    assert best_box(boxes, overlaps, BoxParams(k=1)).tolist() == [2, 2, 12, 12]  # type: ignore[union-attr]
    assert best_box(boxes[:1], overlaps[:1], BoxParams()).tolist() == [0, 0, 10, 10]  # type: ignore[union-attr]


def test_boxes_that_cannot_be_are_dropped() -> None:
    nan = math.nan
    boxes = torch.tensor([[0.0, 0, 61, 10], [0, 0, 10, 61], [nan, 0, 10, 10], [0, 0, 10, 10], [5, 5, 20, -3]])
    assert best_box(boxes, torch.tensor([0.9, 0.9, 0.9, nan, 0.9]), BoxParams()) is None
    found = best_box(boxes, torch.tensor([0.9, 0.9, 0.9, 0.1, 0.9]), BoxParams())
    assert found is not None and found.tolist() == [0, 0, 10, 10]
    small = best_box(torch.tensor([[0.0, 0, 0.2, -4]]), torch.tensor([0.5]), BoxParams())
    assert small is not None and small.tolist() == [0, 0, 1, 1]


def test_unknown_space_is_named() -> None:
    with pytest.raises(ConfigError, match=r"SPACE is 'log'; expected default or relative"):
        BoxParams(space="log")
