"""One-pass evaluation: success, precision and normalized precision (docs/evaluation.md, One pass).

Wu et al., "Object Tracking Benchmark" (TPAMI 2015); normalized precision: Müller et al., "TrackingNet" (ECCV 2018).

Frames whose target is flagged absent (`Sequence.visible`) are misses and stay in the denominator, as in LaSOT's toolkit
(docs/evaluation.md, One pass); that goes for every benchmark with such flags but NFS, whose published scores do not
know its flag.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.catalog import find_row
from toolkit.datasets.sequence import Benchmark, Sequence
from toolkit.errors import ProtocolError
from toolkit.evaluation.base import SCORERS, BoxScorer, Scored, common_repetitions
from toolkit.evaluation.kernels import precision_counts, success_counts
from toolkit.evaluation.metrics import Curve, Metric
from toolkit.evaluation.statistics import SequenceStatistic, mean_over_sequences
from toolkit.regions.boxes import bounding_boxes
from toolkit.results.layout import TrackerFiles

SUCCESS_THRESHOLDS = np.arange(0, 1.05, 0.05)
"""(21,) overlaps; a frame succeeds when its overlap is strictly greater."""
PRECISION_THRESHOLDS = np.arange(0, 51, 1).astype(np.float64)
"""(51,) pixels between centers; a frame succeeds when its error is at most this."""
NORM_PRECISION_THRESHOLDS = np.arange(0, 51, 1) / 100.0
"""(51,) center errors in units of the true box."""
AT_20 = 20
"""Index of 20 px and of 0.20 in the precision thresholds: the number tables quote."""
AT_50, AT_75 = 10, 15
"""Indices of overlap 0.50 and 0.75 in the success thresholds."""

SUCCESS = Curve("success", "success", "success", "Overlap threshold", "Success rate", "Area under the curve")
PRECISION = Curve(
    "precision", "precision", "precision", "Center error threshold (pixels)", "Precision", "Precision at 20 pixels", 20
)
NORM_PRECISION = Curve(
    "norm_precision",
    "norm_precision",
    "normalized precision",
    "Normalized center error threshold",
    "Normalized precision",
    "Normalized precision at 0.2",
    0.2,
)


@dataclass(frozen=True)
class OpeRules:
    """What is done with frames and results that are not plain boxes.

    Attributes:
        title: for tables.
        invalid_counts: whether a frame whose true center is NaN or not positive counts as precise.
        repeat_bad_results: results that are NaN or have no area become the previous result, the first one the truth.
    """

    title: str
    invalid_counts: bool
    repeat_bad_results: bool = False


RULES: Mapping[str, OpeRules] = {
    "pysot": OpeRules("PySOT: a frame without a valid true center counts as precise", True),
    "strict": OpeRules("strict: a frame without a valid true center counts as a miss", False),
    "lasot": OpeRules(
        "LaSOT toolkit: as PySOT, and a bad result repeats the one before", True, repeat_bad_results=True
    ),
}


@dataclass(frozen=True)
class OpeCurves:
    """Curves of one run over S sequences.

    Attributes:
        success: (S, 21) share of the sequence's frames above each overlap threshold.
        precision: (S, 51) share within each pixel distance.
        norm_precision: (S, 51) share within each normalized distance.
    """

    success: NDArray[np.float64]
    precision: NDArray[np.float64]
    norm_precision: NDArray[np.float64]

    def statistics(self) -> dict[str, SequenceStatistic]:
        """Headline numbers of a table: all are means over sequences."""
        return {
            "success": mean_over_sequences(self.success),
            "precision": mean_over_sequences(self.precision[:, AT_20]),
            "norm_precision": mean_over_sequences(self.norm_precision[:, AT_20]),
            "norm_precision_auc": mean_over_sequences(self.norm_precision),
            "op50": mean_over_sequences(self.success[:, AT_50]),
            "op75": mean_over_sequences(self.success[:, AT_75]),
        }


def mean_curves(runs: AbstractSequence[OpeCurves]) -> OpeCurves:
    """Curves averaged over repetitions, sequence by sequence."""
    if len(runs) == 1:
        return runs[0]
    kinds = zip(*((run.success, run.precision, run.norm_precision) for run in runs), strict=True)
    return OpeCurves(*(np.mean(kind, axis=0) for kind in kinds))


class OpeTruth:
    """The ground truth of a benchmark, laid out for scoring many trackers.

    With `hidden_counts`, frames flagged absent are scored like any other.
    """

    def __init__(self, sequences: AbstractSequence[Sequence], rules: OpeRules, hidden_counts: bool = False) -> None:
        self.rules = rules
        truths = [bounding_boxes(sequence.ground_truth) for sequence in sequences]
        lengths = [len(truth) for truth in truths]
        self.truth = _stack(truths)
        self.offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        self.frames = np.maximum(np.array(lengths, dtype=np.float64), 1.0)[:, None]
        self.counted = np.ones(len(self.truth), dtype=np.bool_)
        for sequence, start in zip(sequences, self.offsets, strict=False):
            if sequence.visible is not None and not hidden_counts:
                self.counted[start : start + len(sequence.ground_truth)] = sequence.visible

    def score(self, results: AbstractSequence[NDArray[np.float64]]) -> OpeCurves:
        """Curves of one run: one (N, 4) xywh array per sequence, as long as its ground truth; NaN is never a hit."""
        stacked = _stack(results)
        if len(stacked) != len(self.truth):
            raise ValueError(f"results hold {len(stacked)} frames, the ground truth {len(self.truth)}.")
        if self.rules.repeat_bad_results:
            stacked = repeat_bad_results(stacked, self.truth, self.offsets)
        success = success_counts(self.truth, stacked, self.counted, self.offsets, SUCCESS_THRESHOLDS) / self.frames
        return OpeCurves(
            success,
            self._precision(stacked, PRECISION_THRESHOLDS, normalized=False),
            self._precision(stacked, NORM_PRECISION_THRESHOLDS, normalized=True),
        )

    def _precision(
        self, stacked: NDArray[np.float64], thresholds: NDArray[np.float64], normalized: bool
    ) -> NDArray[np.float64]:
        counts = precision_counts(
            self.truth, stacked, self.counted, self.offsets, thresholds, normalized, self.rules.invalid_counts
        )
        return counts / self.frames


def repeat_bad_results(
    results: NDArray[np.float64], truth: NDArray[np.float64], offsets: NDArray[np.int64]
) -> NDArray[np.float64]:
    """LaSOT's repair: a NaN or empty box becomes the one before; the first of a sequence, the truth."""
    repaired = results.copy()
    bad = ~(np.isfinite(results).all(axis=1) & (results[:, 2] > 0) & (results[:, 3] > 0))
    bad &= ~np.isnan(truth).any(axis=1)
    starts = offsets[:-1][np.diff(offsets) > 0]
    repaired[starts] = truth[starts]
    bad[starts] = False
    source = np.maximum.accumulate(np.where(bad, 0, np.arange(len(results))))
    return repaired[source]


def _stack(arrays: AbstractSequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    rows = [np.asarray(array, dtype=np.float64).reshape(-1, 4) for array in arrays]
    return np.ascontiguousarray(np.concatenate(rows)) if rows else np.empty((0, 4))


@SCORERS.register("ope")
class OpeScorer(BoxScorer):
    """Success, precision and normalized precision."""

    metrics = (
        Metric("success", "Success"),
        Metric("norm_precision", "Norm Precision"),
        Metric("precision", "Precision"),
        Metric("norm_precision_auc", "Norm Prec. AUC"),
        Metric("op50", "OP50"),
        Metric("op75", "OP75"),
    )
    headline = "success"
    per_sequence = ("success", "precision")
    curves = (SUCCESS, PRECISION, NORM_PRECISION)
    options = ("rules", "boxes")
    axes: Mapping[str, NDArray[np.float64]] = {
        "success": SUCCESS_THRESHOLDS,
        "precision": PRECISION_THRESHOLDS,
        "norm_precision": NORM_PRECISION_THRESHOLDS,
    }

    def __init__(self, benchmark: Benchmark, rules: str = "pysot", boxes: str = "xywh") -> None:
        super().__init__(benchmark, boxes)
        if rules not in RULES:
            raise ProtocolError(f"Unknown rules '{rules}'. Choose from: {', '.join(RULES)}.")
        self.rules = RULES[rules].title
        row = find_row(benchmark.name)
        self.truth = OpeTruth(self.sequences, RULES[rules], hidden_counts=row is not None and row.hidden_counts)

    def measure(self, files: TrackerFiles) -> Scored:
        runs, warnings = self.read(files)
        repetitions, uneven = common_repetitions([len(run.runs) for run in runs], files)
        singles = [self.truth.score([run.runs[k] for run in runs]) for k in range(repetitions)]
        mean = mean_curves(singles)
        return Scored(
            mean.statistics(),
            tuple(one.statistics() for one in singles) if repetitions > 1 else (),
            {name: getattr(mean, name).mean(axis=0) for name in self.axes},
            {
                attribute: {name: getattr(mean, name)[rows].mean(axis=0) for name in self.axes}
                for attribute, rows in self.carriers().items()
            },
            warnings=warnings + uneven,
        )
