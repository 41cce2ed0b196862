"""Labels of anchors and points against recorded ones, and what holds for every box."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pysot.datasets.targets import AnchorTargets, PointTargets
from tests.golden import recorded

BOXES = st.tuples(st.floats(-40, 290), st.floats(-40, 290), st.floats(0.01, 300), st.floats(0.01, 300)).map(
    lambda b: np.array([b[0], b[1], b[0] + b[2], b[1] + b[3]])
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def counts(label: NDArray[Any]) -> tuple[int, int, int]:
    return int((label == 1).sum()), int((label == 0).sum()), int((label == -1).sum())


@pytest.mark.parametrize("case", ["at0", "at1", "at2"])
def test_anchor_targets_equal_pysots(case: str) -> None:
    """Which background anchors are kept is random there and here; everything else is comparable."""
    facts = recorded("pysot_units.json")[case]
    arrays = recorded("pysot_units.npz")
    box, targets = np.array(facts["box"]), AnchorTargets()
    found = targets(box, facts["neg"], rng())
    label, wanted = found["label_cls"], arrays[f"{case}_cls"]
    assert label.dtype == np.int64 and label.shape == wanted.shape
    assert counts(label) == (facts["n_pos"], facts["n_neg"], facts["n_ign"])
    np.testing.assert_array_equal(label == 1, wanted == 1)  # fewer than 16, so none is left to chance
    np.testing.assert_allclose(found["label_loc_weight"], arrays[f"{case}_w"], atol=1e-7)
    np.testing.assert_allclose(found["label_loc"][:, :, ::6, ::6], arrays[f"{case}_delta_slice"], atol=1e-5)
    delta = found["label_loc"].astype(np.float64)
    assert delta.sum() == pytest.approx(facts["delta"]["sum"], rel=1e-5)
    assert np.sqrt((delta**2).sum()) == pytest.approx(facts["delta"]["l2"], rel=1e-5)
    if facts["neg"]:
        assert not found["label_loc_weight"].any()
        rows, columns = np.nonzero((wanted == 0).any(axis=0))  # the recorded choice lies in our 7 x 7 cells
        near_y, near_x = targets._near((box[1] + box[3]) / 2), targets._near((box[0] + box[2]) / 2)
        assert near_y.start <= rows.min() and rows.max() < near_y.stop
        assert near_x.start <= columns.min() and columns.max() < near_x.stop
    else:
        overlap = targets.overlap(box)
        np.testing.assert_allclose(overlap[:, ::4, ::4], arrays[f"{case}_overlap_f16"], atol=1e-5)
        assert overlap.sum() == pytest.approx(facts["overlap"]["sum"], rel=1e-5)
        assert (overlap[wanted == 0] < 0.3).all() and (overlap[label == 0] < 0.3).all()


def test_anchors_before_sampling_equal_the_second_record() -> None:
    models = recorded("second_reference.json")
    facts = models["siamrpn_r50_l234_dwxcorr"]["tracker"]
    targets = AnchorTargets()
    centers = targets.anchors_cxcywh[0, 0, :, 0]
    assert [centers[0], centers[-1]] == facts["train_anchors"]["cx_first_last"]
    record = facts["anchor_target"]
    box = np.array(record["box"], dtype=np.float64)
    overlap, delta = targets.overlap(box), targets(box, False, rng())["label_loc"]
    assert int((overlap > 0.6).sum()) == record["n_pos"] and int((overlap < 0.3).sum()) == record["n_neg"]
    assert overlap.max() == pytest.approx(record["iou_max"], rel=1e-6)
    assert overlap.sum() == pytest.approx(record["iou_sum"], rel=1e-6)
    np.testing.assert_allclose(np.abs(delta).mean(axis=(1, 2, 3)), record["delta_abs_mean"], rtol=1e-5)
    np.testing.assert_allclose(delta[:, 0, 0, 0], record["delta_at_0_0_0"], rtol=1e-6)
    sampled = record["counts_after_sampling"]
    label = targets(box, False, rng())["label_cls"]
    assert counts(label) == (sampled["pos"], sampled["neg"], sampled["ignore"])


@settings(max_examples=40, deadline=None)
@given(BOXES, st.booleans(), st.integers(0, 99))
def test_anchor_targets_hold_for_every_box(box: NDArray[np.float64], negative: bool, seed: int) -> None:
    targets = AnchorTargets()
    found = targets(box, negative, rng(seed))
    label, delta, weight = found["label_cls"], found["label_loc"], found["label_loc_weight"]
    assert label.dtype == np.int64 and delta.dtype == np.float32 and weight.dtype == np.float32
    assert np.isfinite(delta).all() and np.isfinite(weight).all()
    positives, background, _ = counts(label)
    if negative:
        assert positives == 0 and background <= 16 and not delta.any() and not weight.any()
        return
    overlap = targets.overlap(box)
    assert (overlap[label == 1] > 0.6).all() and (overlap[label == 0] < 0.3).all()
    assert positives == min(16, int((overlap > 0.6).sum())) and background == min(48, int((overlap < 0.3).sum()))
    assert weight.sum() == pytest.approx(float(positives > 0), abs=1e-5)
    assert ((weight > 0) == (label == 1)).all()
    if positives:  # decoding gives the box back
        anchors = targets.anchors_cxcywh[label == 1]
        dx, dy, dw, dh = delta[:, label == 1]
        np.testing.assert_allclose(dx * anchors[:, 2] + anchors[:, 0], (box[0] + box[2]) / 2, atol=1e-3)
        np.testing.assert_allclose(dy * anchors[:, 3] + anchors[:, 1], (box[1] + box[3]) / 2, atol=1e-3)
        np.testing.assert_allclose(np.exp(dw) * anchors[:, 2], box[2] - box[0], rtol=1e-4)
        np.testing.assert_allclose(np.exp(dh) * anchors[:, 3], box[3] - box[1], rtol=1e-4)


def test_numbers_of_labels_are_arguments() -> None:
    box = np.array([87.0, 95.0, 167.0, 160.0])  # 11 anchors above 0.6
    targets = AnchorTargets(positives=4, negatives=7, total=10)
    assert counts(targets(box, False, rng())["label_cls"])[:2] == (4, 6)
    assert counts(targets(box, True, rng())["label_cls"])[:2] == (0, 7)
    loose = AnchorTargets(threshold_high=0.5, positives=1000, total=5000)
    label = loose(box, False, rng())["label_cls"]
    assert counts(label)[0] == int((loose.overlap(box) > 0.5).sum()) > 11
    assert counts(label)[1] == 2914


def test_negative_cells_surround_the_object() -> None:
    targets = AnchorTargets(negatives=5 * 49)
    for center, cell in ((127.0, 13), (135.0, 14), (131.0, 13), (132.0, 14)):  # rounded up, half a cell on
        box = np.array([center - 20, center - 30, center + 20, center + 30])
        label = targets(box, True, rng())["label_cls"]
        assert counts(label)[1] == 5 * 49
        rows, columns = np.nonzero((label == 0).all(axis=0))
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (cell - 3, cell + 3, cell - 3, cell + 3)
    corner = targets(np.array([0.0, 0.0, 20.0, 20.0]), True, rng())["label_cls"]
    assert 0 < counts(corner)[1] < 5 * 49
    outside = targets(np.array([900.0, 900.0, 950.0, 950.0]), True, rng())["label_cls"]
    assert counts(outside)[1] == 0


def test_other_grids() -> None:
    """AlexNet's 17 x 17 grid."""
    targets = AnchorTargets(output_size=17)
    assert targets.anchors_cxcywh.shape == (5, 17, 17, 4)
    assert targets.anchors_cxcywh[0, 0, [0, -1], 0].tolist() == [63.0, 191.0]


@pytest.mark.parametrize(("side", "first", "last"), [(16, -1, 239), (15, 15, 239)])
def test_point_grid_of_training(side: int, first: int, last: int) -> None:
    points = PointTargets(output_size=side).points_xy
    assert points[0, [0, -1], 0].tolist() == [first, last] and points[[0, -1], 0, 1].tolist() == [first, last]


@settings(max_examples=20, deadline=None)
@given(BOXES, st.booleans(), st.sampled_from([15, 16]))
def test_point_targets_hold_for_every_box(box: NDArray[np.float64], negative: bool, side: int) -> None:
    """The ellipses of docs/systems/nanotrack.md, Training, point by point."""
    targets = PointTargets(output_size=side)
    found = targets(box, negative, rng())
    label, loc = found["label_cls"], found["label_loc"]
    assert label.shape == (side, side) and label.dtype == np.int64
    assert loc.shape == (4, side, side) and loc.dtype == np.float32
    cx, cy, w, h = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]
    inner = outer = 0
    for row in range(side):
        for column in range(side):
            px, py = 127 + (column - side // 2) * 16, 127 + (row - side // 2) * 16
            rho4 = ((px - cx) / (w / 4)) ** 2 + ((py - cy) / (h / 4)) ** 2
            rho2 = ((px - cx) / (w / 2)) ** 2 + ((py - cy) / (h / 2)) ** 2
            inner, outer = inner + (rho4 < 1), outer + (rho2 > 1)
            place = label[row, column]
            assert (rho4 < 1 or place != (0 if negative else 1)) and (rho2 > 1 or negative or place != 0)
            wanted = [0, 0, 0, 0] if negative else [px - box[0], py - box[1], box[2] - px, box[3] - py]
            np.testing.assert_allclose(loc[:, row, column], wanted, atol=1e-3)
    if negative:
        assert counts(label)[:2] == (0, min(16, inner))
    else:
        assert counts(label)[:2] == (min(16, inner), min(48, outer))


def test_a_small_object_may_have_no_point() -> None:
    box = np.array([132.0, 133.0, 138.0, 137.0])
    found = PointTargets()(box, False, rng())
    assert counts(found["label_cls"])[0] == 0 and np.isfinite(found["label_loc"]).all()


@pytest.mark.parametrize("targets", [AnchorTargets(), PointTargets()])
@pytest.mark.parametrize("box", [[100, 100, 100, 100], [100, 100, 90, 120], [-500, -500, -400, -400]])
@pytest.mark.parametrize("negative", [False, True])
def test_degenerate_boxes_give_finite_targets(
    targets: AnchorTargets | PointTargets, box: list[float], negative: bool
) -> None:
    found = targets(np.array(box, dtype=np.float64), negative, rng())
    assert all(np.isfinite(value).all() for value in found.values())
    assert counts(found["label_cls"])[0] == 0


def test_choice_depends_on_the_generator_alone() -> None:
    box = np.array([60.0, 60.0, 200.0, 190.0])
    for targets in (AnchorTargets(), PointTargets()):
        first, again, other = (targets(box, False, rng(seed))["label_cls"] for seed in (3, 3, 4))
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()
