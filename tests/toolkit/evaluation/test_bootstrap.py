from __future__ import annotations

import numpy as np
import pytest

from toolkit.evaluation.bootstrap import compare, confidence_interval, resample_weights
from toolkit.evaluation.statistics import SequenceStatistic, mean_known, mean_over_sequences


def test_weights_are_resamples_and_repeatable() -> None:
    weights = resample_weights(30, 500, seed=3)
    assert (weights.sum(axis=1) == 30).all()
    np.testing.assert_array_equal(weights, resample_weights(30, 500, seed=3))
    assert (weights != resample_weights(30, 500, seed=4)).any()


def test_interval_of_a_mean_is_the_normal_one() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.1, 400)
    interval = confidence_interval(mean_over_sequences(values), resamples=4000)
    margin = 1.96 * values.std() / 20
    assert interval.low == pytest.approx(values.mean() - margin, abs=0.001)
    assert interval.high == pytest.approx(values.mean() + margin, abs=0.001)


def test_resampling_a_ratio_equals_scoring_the_drawn_sequences() -> None:
    random = np.random.default_rng(1)
    statistic = SequenceStatistic(random.random((20, 3)), random.random((20, 3)))
    weights = resample_weights(20, 1, seed=5)
    drawn = np.repeat(np.arange(20), weights[0].astype(int))
    subset = SequenceStatistic(statistic.numerator[drawn], statistic.denominator[drawn])
    assert statistic.values(weights)[0] == pytest.approx(subset.value())


def test_paired_comparison_sees_what_intervals_do_not() -> None:
    easy = np.random.default_rng(2).random(60)
    a, b = mean_over_sequences(easy + 0.02), mean_over_sequences(easy)
    assert confidence_interval(a).low < confidence_interval(b).high
    result = compare(a, b)
    assert result.difference == pytest.approx(0.02)
    assert result.interval.low == pytest.approx(result.interval.high)
    assert result.p_value < 0.01
    assert compare(a, a).p_value == 1.0
    with pytest.raises(ValueError, match="same sequences"):
        compare(a, mean_over_sequences(easy[:5]))


def test_undefined_scores() -> None:
    nothing = SequenceStatistic(np.zeros((3, 1)), np.zeros((3, 1)))
    assert np.isnan(nothing.value())
    assert np.isnan(confidence_interval(nothing).low)
    assert mean_over_sequences(np.array([1.0, np.nan])).value() == 1.0
    assert mean_known(np.array([[1.0, np.nan], [np.nan, np.nan]]))[0] == 1.0


def test_totals_are_not_divided() -> None:
    total = SequenceStatistic(np.array([[2.0], [3.0]]), None)
    assert total.value() == 5
    assert total.per_sequence().tolist() == [2, 3]
