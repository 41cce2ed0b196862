"""Boxes around a target: in the wanted range, inside the bounds, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pysot.core.box_sampling import Spread, boxes_in_range, fit_inside, in_range, stratified_boxes
from pysot.core.geometry import iou_xywh

NEAR = Spread("gaussian", trans=0.1, scale=1.2, aspect=1.1)
AROUND = Spread("uniform", trans=1.0, scale=2.0, aspect=1.1)
ANYWHERE = Spread("whole", scale=1.2, aspect=1.1)
BOUNDS = (0.0, 0.0, 320.0, 240.0)
sides = st.floats(12, 120)


def check_inside(boxes: np.ndarray, bounds: tuple[float, ...]) -> None:
    assert (boxes[:, :2] >= np.array(bounds[:2]) - 1e-9).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= np.array(bounds[2:]) + 1e-9).all()


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 200), st.floats(0, 120), sides, sides, st.integers(0, 1000))
def test_ranges_counts_and_bounds(x: float, y: float, width: float, height: float, seed: int) -> None:
    target = np.array([x, y, width, height])
    rng = np.random.default_rng(seed)
    for spread, overlap in ((NEAR, (0.7, 1.0)), (AROUND, (0.0, 0.5)), (ANYWHERE, (0.0, 0.5))):
        boxes = boxes_in_range(target, 40, spread, overlap, BOUNDS, rng)
        shares = iou_xywh(boxes, target)
        assert len(boxes) <= 40 and ((shares >= overlap[0]) & (shares <= overlap[1])).all()
        check_inside(boxes, BOUNDS)


@pytest.mark.parametrize("spread", [NEAR, AROUND, ANYWHERE])
def test_a_well_placed_target_gets_all_it_asks_for(spread: Spread) -> None:
    overlap = (0.7, 1.0) if spread is NEAR else (0.0, 0.5)
    boxes = boxes_in_range((120, 90, 60, 40), 96, spread, overlap, BOUNDS, np.random.default_rng(0))
    assert boxes.shape == (96, 4)


def test_equal_seeds_give_equal_boxes() -> None:
    first, second = (AROUND.draw((20, 30, 40, 50), 64, BOUNDS, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, AROUND.draw((20, 30, 40, 50), 64, BOUNDS, np.random.default_rng(6)))


def test_area_ratio_limits_both_ways() -> None:
    boxes = boxes_in_range((100, 80, 50, 50), 200, AROUND, (0.0, 1.0), BOUNDS, np.random.default_rng(1), (1.0, 1.2))
    ratio = boxes[:, 2:].prod(axis=1) / 2500
    assert ratio.max() <= 1.2 and ratio.min() >= 1 / 1.2 and ratio.max() > 1.1 and ratio.min() < 0.9
    assert in_range(np.array([[100.0, 80, 50, 50]]), (100, 80, 50, 50), (0.9, 1.0)).all()


def test_small_targets_stay_small_and_large_ones_fit() -> None:
    tiny = Spread("gaussian", 0.1, 1.05).draw((50, 50, 4, 6), 20, BOUNDS, np.random.default_rng(0))
    assert tiny[:, 2].max() < 5 and tiny[:, 3].max() < 7
    huge = Spread("gaussian", 0.1, 1.05).draw((-100, -100, 600, 600), 20, BOUNDS, np.random.default_rng(0))
    check_inside(huge, BOUNDS)


def test_without_room_boxes_are_finite() -> None:
    boxes = fit_inside(np.array([[5.0, 5, 20, 20]]), (400, 300, 400, 300), (20, 20))
    assert np.isfinite(boxes).all() and (boxes[:, 2:] > 0).all()


def test_stratified_overlaps_are_even() -> None:
    boxes, shares = stratified_boxes((120, 90, 60, 40), 60, 10, BOUNDS, np.random.default_rng(2))
    np.testing.assert_allclose(iou_xywh(boxes, (120, 90, 60, 40)), shares)
    assert np.histogram(shares, bins=10, range=(0, 1))[0].tolist() == [6] * 10
    check_inside(boxes, BOUNDS)


def test_stratified_boxes_take_the_nearest_where_a_bin_is_out_of_reach() -> None:
    boxes, shares = stratified_boxes((0, 0, 320, 240), 20, 10, BOUNDS, np.random.default_rng(2))
    assert len(boxes) == 20 and shares.min() > 0.05  # nothing inside the image is apart from a target that fills it
