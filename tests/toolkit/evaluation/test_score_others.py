"""Long-term, GOT-10k, TrackingNet and multi-start scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.golden import recorded
from toolkit import Sequence
from toolkit.evaluation import got10k, longterm, multistart, trackingnet
from toolkit.evaluation.multistart import AnchorRun, anchor_run, true_regions
from toolkit.regions import Mask, Rectangle, Special

NAN_ROW = [np.nan] * 4


def test_longterm_golden() -> None:
    """The three arrays of the golden file are F, precision and recall, from low thresholds to high."""
    golden = recorded("pysot_units.npz")
    truth = recorded("pysot_units.json")["f1_gt"]
    thresholds = longterm.confidence_thresholds(golden["f1_scores"])
    np.testing.assert_array_equal(thresholds[::-1], golden["f1_thr"])
    present = np.array([len(row) > 1 for row in truth])
    precision, recall = longterm.precision_recall(golden["f1_overlaps"], golden["f1_scores"], present, thresholds)
    np.testing.assert_allclose(longterm.f_score(precision, recall)[::-1], golden["f1_precision"], atol=1e-9)
    np.testing.assert_allclose(precision[::-1], golden["f1_recall"], atol=1e-9)
    np.testing.assert_allclose(recall[::-1], golden["f1"], atol=1e-9)


@given(hnp.arrays(np.float64, 50, elements=st.floats(0, 1)), hnp.arrays(np.float64, 50, elements=st.floats(0, 1)))
def test_longterm_curves_are_the_definition(overlaps: np.ndarray, scores: np.ndarray) -> None:
    thresholds = longterm.confidence_thresholds(scores)
    present = np.ones(50, dtype=bool)
    precision, recall = longterm.precision_recall(overlaps, scores, present, thresholds)
    for threshold, p, r in zip(thresholds, precision, recall, strict=True):
        answered = scores > 0 if np.isneginf(threshold) else scores >= threshold
        assert p == pytest.approx(overlaps[answered].mean() if answered.any() else 1.0)
        assert r == pytest.approx(overlaps[answered].sum() / 50, abs=1e-12)


def test_longterm_headline_is_the_best_f() -> None:
    precision, recall = [np.array([1.0, 0.8, 0.2])] * 2, [np.array([0.0, 0.4, 0.6])] * 2
    values = {key: statistic.value() for key, statistic in longterm.longterm_statistics(precision, recall).items()}
    assert values == pytest.approx({"f1": 2 * 0.8 * 0.4 / 1.2, "precision": 0.8, "recall": 0.4})


def test_got10k_leaves_out_first_and_covered_frames() -> None:
    truth = np.array([[0.0, 0, 10, 10]] * 4)
    sequence = Sequence("s", truth, cover=np.array([1.0, 1.0, 0.0, 0.5]))
    half = np.array([[50.0, 50, 1, 1], [0, 0, 10, 5], [50, 50, 1, 1], [0, 0, 10, 10]])
    overlaps = got10k.frame_overlaps(sequence, [half, truth], None)
    assert overlaps.tolist() == [0.5, 1.0, 1.0, 1.0]
    values = {key: one.value() for key, one in got10k.got10k_statistics([overlaps]).items()}
    assert values == pytest.approx({"ao": 0.875, "sr50": 0.75, "sr75": 0.75})
    assert got10k.success_statistic([overlaps]).curve()[[0, 49, 50, 100]].tolist() == [1.0, 1.0, 0.75, 0.0]


def test_got10k_frames_weigh_the_same() -> None:
    statistics = got10k.got10k_statistics([np.ones(9), np.zeros(1)])
    assert statistics["ao"].value() == pytest.approx(0.9)


def test_got10k_absence_clipping_and_missing_results() -> None:
    truth = np.array([[0.0, 0, 10, 10]] * 3)
    sequence = Sequence("s", truth, visible=np.array([True, True, False]))
    assert got10k.frame_overlaps(sequence, [truth + np.array([0, 0, 90, 0])], (20, 20)).tolist() == [0.5]
    assert got10k.frame_overlaps(sequence, [np.array([NAN_ROW] * 3)], None).tolist() == [0.0]
    assert got10k.clip(np.array([[-5.0, 15, 30, 30]]), (20, 20)).tolist() == [[0, 15, 20, 5]]


def test_trackingnet() -> None:
    truth = np.array([[10.0, 10, 20, 20]] * 2)
    curves = trackingnet.score_sequence(truth, truth + np.array([[99, 99, 0, 0], [0.4, -0.4, 0, 0]]))
    scores = curves.scores()
    assert scores == pytest.approx({"success": 1, "precision": 1, "norm_precision": 1, "precision_auc": 1})
    missing = trackingnet.score_sequence(truth, np.array([[10.0, 10, 20, 20], NAN_ROW]))
    assert missing.success[0] == 1.0  # an overlap of 0 reaches the threshold 0
    assert missing.success[1] == missing.precision[20] == missing.norm_precision[20] == 0.5
    assert trackingnet.area(np.linspace(1, 0, 21)) == pytest.approx(0.5)


def run(overlaps: list[float]) -> AnchorRun:
    return AnchorRun(np.array(overlaps), np.ones(len(overlaps), dtype=bool))


def test_multistart_failure_needs_ten_bad_frames_in_a_row() -> None:
    assert run([1.0] * 5 + [0.05] * 9 + [1.0]).progress() == 15
    assert run([1.0] * 5 + [0.05] * 10 + [1.0]).progress() == 5
    hidden = AnchorRun(np.array([1.0] * 5 + [0.0] * 12), np.array([True] * 5 + [False] * 12))
    assert hidden.progress() == 17


def test_multistart_scores() -> None:
    perfect, failed = run([1.0] * 800), run([1.0] * 100 + [0.0] * 700)
    values = {
        key: s.value() for key, s in multistart.multistart_statistics([multistart.sum_runs([perfect], 800)]).items()
    }
    assert values == pytest.approx({"accuracy": 1, "robustness": 1, "eao": 1})
    sums = [multistart.sum_runs([perfect], 800), multistart.sum_runs([failed], 800)]
    values = {key: s.value() for key, s in multistart.multistart_statistics(sums).items()}
    assert values["accuracy"] == pytest.approx(1.0)
    assert values["robustness"] == pytest.approx((800 + 100) / 1600)
    lengths = np.arange(115, 756)
    assert values["eao"] == pytest.approx(((1 + 99 / lengths) / 2).mean())


def test_multistart_after_the_end() -> None:
    """A failed run stays known beyond its end, a finished one does not."""
    failed = multistart.sum_runs([run([1.0] * 20 + [0.0] * 30)], 50)
    assert failed.curve[49] == pytest.approx(19 / 49)
    assert failed.curve[60] == pytest.approx(19 / 59)
    assert failed.active[[0, 1, 755]].tolist() == [0, 1, 1]
    finished = multistart.sum_runs([run([1.0] * 50)], 50)
    assert finished.active[[49, 50]].tolist() == [1, 0]


def test_multistart_overlaps() -> None:
    mask = Mask(np.ones((10, 10), dtype=bool), 5, 5)
    sequence = Sequence("s", np.ones((2, 4)), masks=(mask, Mask(np.zeros((1, 1), dtype=bool))))
    truth = true_regions(sequence)
    assert truth[1] is None
    result = anchor_run([mask, mask, None], [Special(1), Rectangle(5, 5, 10, 10), Rectangle(5, 5, 10, 10)], (50, 50))
    assert result.overlaps.tolist() == [0, 1, 0]
    assert result.present.tolist() == [True, True, False]
