"""PySOT's functions of overlaps, errors, failures and thresholds, with its signatures and this package's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toolkit.evaluation.kernels import overlap_boxes
from toolkit.evaluation.longterm import RESOLUTION, confidence_thresholds, f_score, precision_recall
from toolkit.evaluation.ope import SUCCESS_THRESHOLDS
from toolkit.evaluation.statistics import mean_known
from toolkit.evaluation.supervised import burn_in_mask
from toolkit.protocols.vot import FAILED, REGION
from toolkit.utils.region import Numbers, vot_overlap_traj

Floats: TypeAlias = NDArray[np.float64]
Trajectory: TypeAlias = Sequence[Numbers]
"""A region, 4 or 8 numbers, or a code, one number, for each frame."""


def overlap_ratio(rect1: ArrayLike, rect2: ArrayLike) -> Floats:
    """(N,) overlaps of two (N, 4) arrays of x, y, w, h boxes; NaN where neither has an area."""
    a, b = (np.ascontiguousarray(boxes, np.float64) for boxes in (rect1, rect2))
    return overlap_boxes(a, b)


def success_overlap(gt_bb: ArrayLike, result_bb: ArrayLike, n_frame: int) -> Floats:
    """(21,) share of `n_frame` frames whose overlap is above 0, 0.05, ..., 1; frames without a true area are misses."""
    truth = np.asarray(gt_bb, np.float64)
    overlaps = np.where((truth[:, 2:] > 0).all(axis=1), overlap_ratio(truth, result_bb), -1.0)
    return np.asarray((overlaps[:, None] > SUCCESS_THRESHOLDS).sum(axis=0) / n_frame, np.float64)


def success_error(gt_center: ArrayLike, result_center: ArrayLike, thresholds: ArrayLike, n_frame: int) -> Floats:
    """(T,) share of `n_frame` frames whose centers, (N, 2), lie at most each threshold apart.

    A frame whose true center is not positive counts as a hit.
    """
    truth = np.asarray(gt_center, np.float64)
    errors = np.hypot(*(truth - np.asarray(result_center, np.float64)).T)
    errors = np.where((truth > 0).all(axis=1), errors, -1.0)
    return np.asarray((errors[:, None] <= np.asarray(thresholds)).sum(axis=0) / n_frame, np.float64)


def codes_of(trajectory: Trajectory) -> NDArray[np.int64]:
    """(N,) the code of every frame, `REGION` where there is a region."""
    return np.array([int(row[0]) if len(row) == 1 else REGION for row in trajectory], np.int64)


def calculate_failures(trajectory: Trajectory) -> tuple[int, list[int]]:
    """How many failures a run with restarts has, and in which frames."""
    frames = np.flatnonzero(codes_of(trajectory) == FAILED).tolist()
    return len(frames), frames


def calculate_accuracy(
    pred_trajectory: Trajectory,
    gt_trajectory: Trajectory,
    burnin: int = 0,
    ignore_unknown: bool = True,
    bound: Sequence[float] | None = None,
) -> tuple[float, list[float]]:
    """Mean overlap of a run with restarts, and the overlap of every frame: NaN where there is a code.

    Args:
        burnin: frames from a start on that do not count, the start included.
        ignore_unknown: False counts frames without a region as 0.
        bound: (width, height) of the image.
    """
    count = min(len(pred_trajectory), len(gt_trajectory))
    overlaps = np.array(vot_overlap_traj(pred_trajectory[:count], gt_trajectory[:count], bound))
    if burnin:
        codes = codes_of(pred_trajectory[:count])[None]
        overlaps[burn_in_mask(codes, np.array([0, count]), burnin)[0]] = np.nan
    if not ignore_unknown:
        overlaps = np.nan_to_num(overlaps, nan=0.0)
    return float(mean_known(overlaps)), overlaps.tolist()


def determine_thresholds(scores: ArrayLike, resolution: int = RESOLUTION) -> Floats:
    """(`resolution`,) ascending thresholds, the infinite ones included, at equal steps through `scores`."""
    return confidence_thresholds(np.asarray(scores, np.float64), resolution)[::-1]


def calculate_f1(
    overlaps: ArrayLike, score: ArrayLike, bound: Any, thresholds: ArrayLike, N: int
) -> tuple[Floats, Floats, Floats]:
    """(T,) F, precision and recall of one sequence in which the target is in view in `N` frames.

    `bound` has no effect, as in PySOT; `thresholds` descend.
    """
    precision, recall = precision_recall(
        np.asarray(overlaps, np.float64), np.asarray(score, np.float64), np.ones(N, np.bool_), np.asarray(thresholds)
    )
    return f_score(precision, recall), precision, recall


def calculate_expected_overlap(fragments: Floats, fweights: Floats) -> NDArray[np.float32]:
    """(L,) expected overlap after each number of frames.

    Args:
        fragments: (F, L) overlaps of pieces between restarts; NaN where a piece is over.
        fweights: (F,) what each counts.
    """
    known = ~np.isnan(fragments)
    known[:, 0] = False
    length = np.arange(fragments.shape[1])
    means = np.cumsum(np.where(known, fragments, 0.0), axis=1) / np.maximum(length, 1)
    total = fweights @ known
    expected = np.divide(fweights @ np.where(known, means, 0.0), total, out=np.zeros(len(length)), where=total > 0)
    expected[0] = 1.0
    return expected.astype(np.float32)


def confidence_steps(confidence: ArrayLike, resolution: int = 100) -> Floats:
    """PySOT's other `determine_thresholds`, that of `toolkit.utils.misc`: steps counted from the first score on.

    Raises `ValueError` when there are not more scores than thresholds.
    """
    ordered = np.sort(np.asarray(confidence, np.float64).ravel())
    ordered = ordered[~np.isnan(ordered)]
    if not len(ordered) > resolution > 2:
        raise ValueError(
            f"{len(ordered)} scores for {resolution} thresholds; expected more scores than thresholds, and at least "
            "three of these. Lower `resolution`."
        )
    step = len(ordered) // (resolution - 2)
    inner = ordered[np.linspace(step, len(ordered) - step, resolution - 2, dtype=np.int32)]
    return np.concatenate([[-np.inf], inner, [np.inf]])
