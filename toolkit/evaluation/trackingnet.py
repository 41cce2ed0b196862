"""TrackingNet's variant of one-pass evaluation (specs/evaluation.md section 2).

Müller et al., "TrackingNet: A Large-Scale Dataset and Benchmark for Object Tracking in the Wild" (ECCV 2018). Boxes are
rounded to whole pixels, the first result is the truth, success counts overlaps that reach the threshold, and curves of
21 points are summed up as the trapezoid area.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolkit.evaluation.kernels import overlap_boxes

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
        """Success and normalised precision are areas, precision is the value at 20 px; fractions, not per cent."""
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
        normalised = np.hypot(*(offset / truth[:, 2:]).T)
    return TrackingNetCurves(
        (overlaps[:, None] >= SUCCESS_THRESHOLDS).mean(axis=0),
        (distances[:, None] <= PRECISION_THRESHOLDS).mean(axis=0),
        (normalised[:, None] <= NORM_PRECISION_THRESHOLDS).mean(axis=0),
    )


def area(curve: NDArray[np.float64]) -> float:
    """Trapezoid area below (..., 21) equally spaced values on [0, 1]."""
    return float((curve[1:] + curve[:-1]).sum() / 2 / (len(curve) - 1))
