"""How sure a score is: bootstrap over sequences (Efron and Tibshirani, 1993, chapters 13 and 16).

Sequences are drawn with replacement, because they, not their frames, are the independent samples of a benchmark.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolkit.evaluation.statistics import SequenceStatistic

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """Percentile confidence interval, in the units of the score."""

    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Paired bootstrap of score(a) - score(b) on the same resampled sequences.

    Attributes:
        difference: on the benchmark as it is.
        interval: of the difference.
        p_value: two-sided; how often the resampled difference lies on the other side of zero.
    """

    difference: float
    interval: Interval
    p_value: float


def resample_weights(n_sequences: int, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.float64]:
    """(B, S) how often each sequence occurs in each resample; rows sum to S. The same seed gives the same draw."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(n_sequences, np.full(n_sequences, 1.0 / n_sequences), size=resamples).astype(float)


def confidence_interval(statistic: SequenceStatistic, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Percentile interval of the score over resampled sequences; NaN ends when the score is undefined."""
    return _interval(statistic.values(resample_weights(len(statistic), resamples, seed)))


def compare(a: SequenceStatistic, b: SequenceStatistic, resamples: int = RESAMPLES, seed: int = 0) -> Comparison:
    """Is tracker a better than tracker b? Both statistics must hold the same sequences in the same order.

    Raises `ValueError` when they differ in length.
    """
    if len(a) != len(b):
        raise ValueError(f"paired bootstrap needs the same sequences for both trackers; got {len(a)} and {len(b)}.")
    weights = resample_weights(len(a), resamples, seed)
    differences = a.values(weights) - b.values(weights)
    known = differences[~np.isnan(differences)]
    # One is added to both counts so that a finite number of resamples never claims p = 0.
    tails = [(np.count_nonzero(side) + 1) / (len(known) + 1) for side in (known <= 0, known >= 0)]
    p_value = min(1.0, 2 * min(tails)) if len(known) else float("nan")
    return Comparison(a.value() - b.value(), _interval(differences), p_value)


def _interval(values: NDArray[np.float64]) -> Interval:
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return Interval(float("nan"), float("nan"))
    tail = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(known, [tail, 100.0 - tail])
    return Interval(float(low), float(high))
