"""Long-term tracking: precision, recall and F at the best confidence threshold (docs/evaluation.md, The others).

Lukežič et al., "Performance Evaluation Methodology for Long-Term Single-Object Tracking" (IEEE T. Cybernetics 2021),
as PySOT computes it: curves are averaged over sequences, then F is taken.
"""

from __future__ import annotations

from collections.abc import Sequence as AbstractSequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.sequence import Benchmark
from toolkit.evaluation.base import SCORERS, Scored, Scorer, read_all
from toolkit.evaluation.metrics import Metric
from toolkit.evaluation.statistics import SequenceStatistic
from toolkit.evaluation.supervised import SupervisedTruth
from toolkit.results.layout import TrackerFiles
from toolkit.results.reader import read_longterm

RESOLUTION = 100
"""Number of confidence thresholds, the two infinite ones included."""


def confidence_thresholds(scores: NDArray[np.float64], resolution: int = RESOLUTION) -> NDArray[np.float64]:
    """(`resolution`,) thresholds from +inf down to -inf, at equal steps through the pooled finite `scores`.

    With fewer scores than thresholds every score is one.
    """
    ordered = np.sort(scores[np.isfinite(scores)])
    inner = resolution - 2
    if len(ordered) > inner:
        step = len(ordered) // inner
        ordered = ordered[np.floor(np.linspace(step - 1, len(ordered) - step, inner) + 0.5).astype(np.int64)]
    return np.concatenate([[np.inf], ordered[::-1], [-np.inf]])


def precision_recall(
    overlaps: NDArray[np.float64],
    scores: NDArray[np.float64],
    present: NDArray[np.bool_],
    thresholds: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(T,) precision and (T,) recall of one sequence.

    `overlaps` and `scores` (N,), NaN counts as 0; `present` (N,) frames whose target is in view; `thresholds` (T,)
    descending. A frame is answered when its score reaches the threshold; at -inf, when its score is above 0. Precision
    is the mean overlap of answered frames (1 when there is none), recall their summed overlap per present frame.
    """
    overlaps, scores = np.nan_to_num(overlaps, nan=0.0), np.nan_to_num(scores, nan=0.0)
    order = np.argsort(-scores, kind="stable")
    cumulated = np.concatenate([[0.0], np.cumsum(overlaps[order])])
    answered = np.searchsorted(-scores[order], -thresholds, side="right")
    answered[np.isneginf(thresholds)] = np.count_nonzero(scores > 0)
    total = cumulated[answered]
    precision = np.where(answered > 0, total / np.maximum(answered, 1), 1.0)
    return precision, total / max(1, np.count_nonzero(present))


def longterm_statistics(
    precision: AbstractSequence[NDArray[np.float64]], recall: AbstractSequence[NDArray[np.float64]]
) -> dict[str, SequenceStatistic]:
    """F, precision and recall at the threshold where F of the mean curves is largest."""
    both = np.concatenate([np.stack(precision), np.stack(recall)], axis=1)
    ones = np.ones((len(both), 1))
    return {
        key: SequenceStatistic(both, ones, partial(_at_best_f, column=column))
        for column, key in enumerate(("f1", "precision", "recall"))
    }


def f_score(precision: NDArray[np.float64], recall: NDArray[np.float64]) -> NDArray[np.float64]:
    """Harmonic mean; 0 where both are 0."""
    total = precision + recall
    return np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)


def _at_best_f(curves: NDArray[np.float64], column: int) -> NDArray[np.float64]:
    """(..., 2 T) precision and recall -> (...) F (column 0), precision (1) or recall (2) where F is largest."""
    precision, recall = np.split(curves, 2, axis=-1)
    f1 = f_score(precision, recall)
    best = f1.argmax(axis=-1)[..., None]
    return np.take_along_axis((f1, precision, recall)[column], best, axis=-1)[..., 0]


@SCORERS.register("longterm")
class LongtermScorer(Scorer):
    """Precision, recall and F."""

    metrics = (Metric("precision", "Precision"), Metric("recall", "Recall"), Metric("f1", "F1"))
    headline = "f1"
    per_sequence = ("f1",)
    figures = ("precision_recall", "f1")
    rules = "VOT-LT: curves averaged over sequences, then F"

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        self.truth = SupervisedTruth(self.sequences, benchmark.name)
        self.present = [np.asarray(np.isfinite(s.ground_truth).all(axis=1)) for s in self.sequences]

    def measure(self, files: TrackerFiles) -> Scored:
        runs = read_all(files, self.sequences, lambda s: read_longterm(files, s.name, len(s.ground_truth)))
        overlaps = self.truth.overlaps([(run,) for run in runs]).accuracy[0]
        thresholds = confidence_thresholds(np.concatenate([run.scores for run in runs]))
        parts = zip(np.split(overlaps, self.truth.offsets[1:-1]), runs, self.present, strict=True)
        curves = [precision_recall(part, run.scores, present, thresholds) for part, run, present in parts]
        precision, recall = (list(kind) for kind in zip(*curves, strict=True))
        mean_precision, mean_recall = np.mean(precision, axis=0), np.mean(recall, axis=0)
        return Scored(
            longterm_statistics(precision, recall),
            curves={
                "precision": mean_precision,
                "recall": mean_recall,
                "f1": f_score(mean_precision, mean_recall),
                "threshold": thresholds,
            },
            warnings=tuple(warning for run in runs for warning in run.warnings),
        )
