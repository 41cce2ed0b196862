"""A score as a function of which sequences count, and what that is good for: attributes and confidence intervals.

Every headline number of every protocol is a reduction of ratios of sums over sequences: success is a mean of curves,
accuracy is overlap per valid frame, EAO is a mean over a curve whose points are weighted means. Keeping the sums per
sequence instead of the number makes a score on any subset or resample of the sequences one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Reduction = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""(..., K) ratios to (...) scores."""


def mean_known(ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the last axis of the entries that are not NaN; NaN where none is."""
    known = ~np.isnan(ratios)
    count = known.sum(axis=-1)
    total = np.where(known, ratios, 0.0).sum(axis=-1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


@dataclass(frozen=True)
class SequenceStatistic:
    """One score of one tracker, kept as sums per sequence.

    Attributes:
        numerator: (S, K) float64.
        denominator: (S, K) or (S, 1) float64; 0 where a sequence says nothing about point k. None for a plain total.
        reduce: from the K ratios to the score.
    """

    numerator: NDArray[np.float64]
    denominator: NDArray[np.float64] | None
    reduce: Reduction = mean_known

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.numerator)

    def curve(self, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """(K,) ratios over all sequences; with `weights` (S,) over the weighted ones, with (B, S) as (B, K)."""
        if weights is None:
            weights = np.ones(len(self))
        total = weights @ self.numerator
        return total if self.denominator is None else _divide(total, weights @ self.denominator)

    def value(self, weights: NDArray[np.float64] | None = None) -> float:
        """The score; NaN when no sequence says anything."""
        return float(self.reduce(self.curve(weights)))

    def values(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """(B,) scores, one for each row of (B, S) sequence weights."""
        return self.reduce(self.curve(weights))

    def per_sequence(self) -> NDArray[np.float64]:
        """(S,) the score of each sequence alone."""
        return self.reduce(self.numerator if self.denominator is None else _divide(self.numerator, self.denominator))


def mean_over_sequences(values: NDArray[np.float64]) -> SequenceStatistic:
    """The plain mean of (S,) or (S, K) values per sequence; a NaN sequence is left out of the mean."""
    table = values.reshape(len(values), -1).astype(np.float64)
    known = ~np.isnan(table)
    return SequenceStatistic(np.where(known, table, 0.0), known.astype(np.float64))


def _divide(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    denominator = np.broadcast_to(denominator, numerator.shape)
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)
