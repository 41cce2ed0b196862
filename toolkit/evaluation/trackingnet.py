"""TrackingNet's variant of one-pass evaluation (docs/evaluation.md, The others).

Müller et al., "TrackingNet: A Large-Scale Dataset and Benchmark for Object Tracking in the Wild" (ECCV 2018). Boxes are
rounded to whole pixels, the first result is the truth, success counts overlaps that reach the threshold, and curves of
21 points are summed up as the trapezoid area.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.sequence import Benchmark
from toolkit.evaluation.base import SCORERS, BoxScorer, Scored
from toolkit.evaluation.kernels import overlap_boxes
from toolkit.evaluation.metrics import Metric
from toolkit.evaluation.ope import NORM_PRECISION, PRECISION, SUCCESS
from toolkit.evaluation.statistics import mean_over_sequences
from toolkit.regions.boxes import bounding_boxes
from toolkit.results.layout import TrackerFiles

SUCCESS_THRESHOLDS = np.linspace(0, 1, 21)
PRECISION_THRESHOLDS = np.linspace(0, 50, 21)
NORM_PRECISION_THRESHOLDS = np.linspace(0, 0.5, 21)
AT_20 = 8
"""Index of 20 px in the precision thresholds."""


@dataclass(frozen=True)
class TrackingNetCurves:
    """(21,) shares of one sequence's frames, as fractions."""

    success: NDArray[np.float64]
    precision: NDArray[np.float64]
    norm_precision: NDArray[np.float64]

    def scores(self) -> dict[str, float]:
        """Success and normalized precision are areas, precision is the value at 20 px; fractions, not per cent."""
        return {
            "success": area(self.success),
            "precision": float(self.precision[AT_20]),
            "norm_precision": area(self.norm_precision),
            "precision_auc": area(self.precision),
        }


def score_sequence(truth: NDArray[np.float64], result: NDArray[np.float64]) -> TrackingNetCurves:
    """Curves of one sequence of (N, 4) xywh boxes; a missing result (NaN) fails, except at overlap 0."""
    truth, result = np.rint(truth), np.rint(result)
    result[0] = truth[0]
    overlaps = np.nan_to_num(overlap_boxes(truth, result))
    offset = (result[:, :2] + (result[:, 2:] + 1) / 2) - (truth[:, :2] + (truth[:, 2:] + 1) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        distances = np.hypot(*offset.T)
        normalized = np.hypot(*(offset / truth[:, 2:]).T)
    return TrackingNetCurves(
        (overlaps[:, None] >= SUCCESS_THRESHOLDS).mean(axis=0),
        (distances[:, None] <= PRECISION_THRESHOLDS).mean(axis=0),
        (normalized[:, None] <= NORM_PRECISION_THRESHOLDS).mean(axis=0),
    )


def area(curve: NDArray[np.float64]) -> float:
    """Trapezoid area below (..., 21) equally spaced values on [0, 1]."""
    return float((curve[1:] + curve[:-1]).sum() / 2 / (len(curve) - 1))


@SCORERS.register("trackingnet")
class TrackingNetScorer(BoxScorer):
    """TrackingNet's variant of success and precision, for splits whose truth is known."""

    metrics = (
        Metric("success", "Success"),
        Metric("norm_precision", "Norm Precision"),
        Metric("precision", "Precision"),
        Metric("precision_auc", "Precision AUC"),
    )
    headline = "success"
    per_sequence = ("success",)
    curves = (SUCCESS, PRECISION, replace(NORM_PRECISION, legend=SUCCESS.legend, read_at=None))
    benchmarks = ("TrackingNet",)
    rules = "TrackingNet: whole pixels, areas below 21-point curves, precision at 20 px"
    axes: Mapping[str, NDArray[np.float64]] = {
        "success": SUCCESS_THRESHOLDS,
        "precision": PRECISION_THRESHOLDS,
        "norm_precision": NORM_PRECISION_THRESHOLDS,
    }

    def __init__(self, benchmark: Benchmark, boxes: str = "xywh") -> None:
        super().__init__(benchmark, boxes)
        self.truths = [bounding_boxes(sequence.ground_truth) for sequence in self.sequences]

    def measure(self, files: TrackerFiles) -> Scored:
        runs, warnings = self.read(files)
        most = max(len(run.runs) for run in runs)
        if most > 1:
            warnings += (f"{files.location}: there are up to {most} repetitions; only the first counts.",)
        curves = [score_sequence(truth, run.runs[0]) for truth, run in zip(self.truths, runs, strict=True)]
        scores = [one.scores() for one in curves]
        return Scored(
            {key: mean_over_sequences(np.array([one[key] for one in scores])) for key in scores[0]},
            curves={name: np.mean([getattr(one, name) for one in curves], axis=0) for name in self.axes},
            warnings=warnings,
        )
