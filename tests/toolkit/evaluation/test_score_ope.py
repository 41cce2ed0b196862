from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.golden import recorded
from toolkit.datasets import Benchmark, Sequence
from toolkit.evaluation import evaluate
from toolkit.evaluation.ope import RULES, OpeRules, OpeTruth, mean_curves, repeat_bad_results
from toolkit.results.writer import format_boxes, write_files

NAN_ROW = [np.nan] * 4
BOX = hnp.arrays(np.float64, (12, 4), elements=st.floats(1, 500))
ANY = hnp.arrays(np.float64, (12, 4), elements=st.floats(allow_nan=True, allow_infinity=True))


def score_sequence(
    truth: np.ndarray, result: np.ndarray, rules: OpeRules = RULES["pysot"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Success, precision and normalized precision of one sequence."""
    curves = OpeTruth([Sequence("sequence", truth)], rules).score([result])
    return curves.success[0], curves.precision[0], curves.norm_precision[0]


def reference_curves(truth: np.ndarray, result: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Success and precision as the definitions read, one comparison per frame and threshold."""
    corner = np.minimum(truth[:, :2] + truth[:, 2:], result[:, :2] + result[:, 2:])
    width, height = np.maximum(0, corner - np.maximum(truth[:, :2], result[:, :2])).T
    inside = width * height
    overlaps = inside / (truth[:, 2] * truth[:, 3] + result[:, 2] * result[:, 3] - inside)
    apart = (truth[:, :2] + (truth[:, 2:] - 1) / 2) - (result[:, :2] + (result[:, 2:] - 1) / 2)
    errors = np.sqrt((apart**2).sum(axis=1))
    success = [np.mean(overlaps > t) for t in np.arange(0, 1.05, 0.05)]
    return np.array(success), np.array([np.mean(errors <= t) for t in range(51)])


def test_golden_sequence() -> None:
    golden = recorded("ope_small.npz")
    success, precision, norm = score_sequence(golden["gt"], golden["pred"])
    np.testing.assert_allclose(success, golden["success"], atol=1e-9)
    np.testing.assert_allclose(precision, golden["precision"], atol=1e-9)
    np.testing.assert_allclose(norm, golden["norm_precision"], atol=1e-9)


def synthetic(n_trackers: int) -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
    """The generator that the golden file describes (its recipe)."""
    random = np.random.RandomState(1)
    truths, results = [], [[] for _ in range(10)]
    for _ in range(100):
        center = np.cumsum(random.standard_normal((590, 2)) * 3, 0) + random.uniform(200, 400, 2)
        size = random.uniform(20, 120, 2) * np.exp(np.cumsum(random.standard_normal((590, 2)) * 0.005, 0))
        truths.append(np.concatenate([center - size / 2, size], 1).round(4))
        for tracker in range(10):
            noise = random.standard_normal((590, 4)) * np.array([4, 4, 3, 3]) * (1 + tracker * 0.5)
            result = truths[-1] + noise
            result[:, 2:] = np.maximum(result[:, 2:], 4)
            results[tracker].append(result.round(4))
    return truths, results[:n_trackers]


def test_golden_benchmark() -> None:
    golden = recorded("ope_synth_scores.json")
    truths, results = synthetic(10)
    truth = OpeTruth([Sequence(str(k), one) for k, one in enumerate(truths)], RULES["pysot"])
    for k, result in enumerate(results):
        statistics = truth.score(result).statistics()
        expected = golden[f"t{k}"]
        assert statistics["success"].value() == pytest.approx(expected["success_auc"], abs=1e-9)
        assert statistics["precision"].value() == pytest.approx(expected["precision20"], abs=1e-9)
        assert statistics["norm_precision"].value() == pytest.approx(expected["norm_precision20"], abs=1e-9)


@given(BOX)
def test_the_truth_scores_twenty_of_twenty_one(truth: np.ndarray) -> None:
    success, precision, norm = score_sequence(truth, truth)
    assert success.mean() == pytest.approx(20 / 21)
    assert precision.tolist() == [1.0] * 51
    assert norm.tolist() == [1.0] * 51


@given(BOX, BOX)
def test_curves_are_the_definition(truth: np.ndarray, result: np.ndarray) -> None:
    success, precision, _ = score_sequence(truth, result)
    expected_success, expected_precision = reference_curves(truth, result)
    np.testing.assert_allclose(success[:-1], expected_success[:-1])
    np.testing.assert_allclose(precision, expected_precision)


@given(ANY, ANY)
def test_any_numbers_give_monotone_shares(truth: np.ndarray, result: np.ndarray) -> None:
    for rules in RULES.values():
        success, precision, norm = score_sequence(truth, result, rules)
        for curve in (success, precision, norm):
            assert ((curve >= 0) & (curve <= 1)).all()
        assert (np.diff(success) <= 0).all()
        assert (np.diff(precision) >= 0).all()
        assert success[-1] == 0


def test_overlap_exactly_at_a_threshold_fails_and_distance_passes() -> None:
    success, precision, _ = score_sequence(np.array([[10.0, 10, 20, 10]]), np.array([[20.0, 10, 10, 10]]))
    assert success[:10].tolist() == [1.0] * 10
    assert success[10:].tolist() == [0.0] * 11
    assert precision[4] == 0
    assert precision[5] == 1


def test_absent_truth_counts_as_precise_unless_strict() -> None:
    truth, result = np.array([[10.0, 10, 20, 10], NAN_ROW]), np.array([[10.0, 10, 20, 10], [0, 0, 5, 5]])
    assert score_sequence(truth, result)[1][20] == 1.0
    assert score_sequence(truth, result, RULES["strict"])[1][20] == 0.5
    assert score_sequence(truth, result)[0][0] == 0.5


def test_invisible_frames_stay_in_the_denominator() -> None:
    truth = np.array([[10.0, 10, 20, 10]] * 4)
    sequence = Sequence("s", truth, visible=np.array([True, True, True, False]))
    curves = OpeTruth([sequence], RULES["pysot"]).score([truth])
    assert curves.success[0, 0] == curves.precision[0, 20] == curves.norm_precision[0, 20] == 0.75


def test_missing_results_are_failures_under_every_rule() -> None:
    truth = np.array([[10.0, 10, 20, 10]] * 2)
    result = np.array([[10.0, 10, 20, 10], NAN_ROW])
    for name in ("pysot", "strict"):
        success, precision, norm = score_sequence(truth, result, RULES[name])
        assert success[0] == precision[50] == norm[50] == 0.5


def test_lasot_repair() -> None:
    truth = np.array([[1.0, 1, 2, 2], [2, 2, 2, 2], NAN_ROW, [5, 5, 5, 5], [6, 6, 6, 6]])
    result = np.array([NAN_ROW, [2, 2, 0, 2], [3, 3, 0, 3], NAN_ROW, [6, 6, 1, 1]])
    repaired = repeat_bad_results(result, truth, np.array([0, 3, 5]))
    np.testing.assert_array_equal(repaired, [truth[0], truth[0], result[2], truth[3], result[4]])


def test_repetitions_are_averaged() -> None:
    truth = np.array([[10.0, 10, 20, 10]])
    both = OpeTruth([Sequence("s", truth)], RULES["pysot"])
    mean = mean_curves([both.score([truth]), both.score([truth + 100])])
    assert mean.precision[0, 20] == 0.5


def test_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="2 frames, the ground truth 1"):
        OpeTruth([Sequence("s", np.ones((1, 4)))], RULES["pysot"]).score([np.ones((2, 4))])


def test_polygon_truth_is_its_bounding_box() -> None:
    polygon = np.array([[10.0, 10, 30, 10, 30, 20, 10, 20]])
    benchmark = Benchmark("mine", "ope", (Sequence("s", polygon),))
    curves = OpeTruth(benchmark.sequences, RULES["pysot"]).score([np.array([[10.0, 10, 20, 10]])])
    assert curves.success[0].mean() == pytest.approx(20 / 21)


def test_nfs_scores_frames_that_are_flagged_lost(tmp_path: Path) -> None:
    truth = np.array([[10.0, 10, 5, 5]] * 4)
    sequence = Sequence("s", truth, visible=np.array([True, True, True, False]))
    for name in ("NFS30", "LaSOT"):
        write_files({tmp_path / name / "perfect" / "s.txt": format_boxes(truth)})
    precision = {
        name: evaluate(Benchmark(name, "ope", (sequence,)), tmp_path)["perfect"].scores["precision"]
        for name in ("NFS30", "LaSOT")
    }
    assert precision == {"NFS30": 1.0, "LaSOT": 0.75}
