"""Compiled loops over all frames of all sequences at once. Callers check shapes; these only count."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
Counts = NDArray[np.int64]


@njit(cache=True, nogil=True)
def overlap_boxes(truth: Boxes, result: Boxes) -> NDArray[np.float64]:
    """IoU of (N, 4) xywh boxes with continuous areas, in [0, 1]; NaN where a result is NaN or both areas are zero."""
    overlaps = np.empty(len(truth))
    for i in range(len(truth)):
        overlaps[i] = _overlap(truth, result, i)
    return overlaps


@njit(cache=True, nogil=True)
def _overlap(truth: Boxes, result: Boxes, i: int) -> float:
    left = max(truth[i, 0], result[i, 0])
    right = min(truth[i, 0] + truth[i, 2], result[i, 0] + result[i, 2])
    top = max(truth[i, 1], result[i, 1])
    bottom = min(truth[i, 1] + truth[i, 3], result[i, 1] + result[i, 3])
    inside = max(0.0, right - left) * max(0.0, bottom - top)
    area_truth, area_result = truth[i, 2] * truth[i, 3], result[i, 2] * result[i, 3]
    total = area_truth + area_result - inside
    if not total > 0.0:  # NaN, or no area at all
        return np.nan
    return min(1.0, max(0.0, inside / total))


@njit(cache=True, nogil=True)
def success_counts(
    truth: Boxes, result: Boxes, counted: NDArray[np.bool_], offsets: Counts, thresholds: NDArray[np.float64]
) -> Counts:
    """(S, T) number of frames per sequence whose overlap is strictly above each of the T ascending thresholds.

    Sequence s is frames offsets[s]:offsets[s + 1]. A frame that is not `counted`, or whose true box has no area, is a
    failure.
    """
    n_thresholds = len(thresholds)
    counts = np.zeros((len(offsets) - 1, n_thresholds), dtype=np.int64)
    step = thresholds[1]
    for s in range(len(offsets) - 1):
        for i in range(offsets[s], offsets[s + 1]):
            if not (counted[i] and truth[i, 2] > 0.0 and truth[i, 3] > 0.0):
                continue
            overlap = _overlap(truth, result, i)
            if not overlap > 0.0:
                continue
            passed = min(n_thresholds, int(overlap / step) + 1)  # a guess one off at most, then made exact
            while passed < n_thresholds and thresholds[passed] < overlap:
                passed += 1
            while passed > 0 and thresholds[passed - 1] >= overlap:
                passed -= 1
            if passed > 0:
                counts[s, passed - 1] += 1
        for k in range(n_thresholds - 2, -1, -1):
            counts[s, k] += counts[s, k + 1]
    return counts


@njit(cache=True, nogil=True)
def precision_counts(
    truth: Boxes,
    result: Boxes,
    counted: NDArray[np.bool_],
    offsets: Counts,
    thresholds: NDArray[np.float64],
    normalized: bool,
    invalid_counts: bool,
) -> Counts:
    """(S, T) frames per sequence whose center error is at most each ascending threshold.

    `normalized` divides both centers by the true size of the frame. A counted frame whose true center is not positive
    (or NaN) is a hit at every threshold when `invalid_counts`, else a miss.
    """
    n_thresholds = len(thresholds)
    counts = np.zeros((len(offsets) - 1, n_thresholds), dtype=np.int64)
    step = thresholds[1]
    for s in range(len(offsets) - 1):
        for i in range(offsets[s], offsets[s + 1]):
            if not counted[i]:
                continue
            valid, distance = _center_error(truth, result, i, normalized)
            if not valid:
                if invalid_counts:
                    counts[s, 0] += 1
                continue
            if not distance <= thresholds[n_thresholds - 1]:
                continue
            first = min(n_thresholds - 1, int(distance / step))
            while first > 0 and distance <= thresholds[first - 1]:
                first -= 1
            while distance > thresholds[first]:
                first += 1
            counts[s, first] += 1
        for k in range(1, n_thresholds):
            counts[s, k] += counts[s, k - 1]
    return counts


@njit(cache=True, nogil=True)
def _center_error(truth: Boxes, result: Boxes, i: int, normalized: bool) -> tuple[bool, float]:
    scale_x = scale_y = 1.0
    if normalized:
        scale_x, scale_y = truth[i, 2] + 1e-16, truth[i, 3] + 1e-16
        if scale_x == 0.0 or scale_y == 0.0:
            return False, np.nan
    x = (truth[i, 0] + (truth[i, 2] - 1.0) / 2.0) / scale_x
    y = (truth[i, 1] + (truth[i, 3] - 1.0) / 2.0) / scale_y
    if not (x > 0.0 and y > 0.0):
        return False, np.nan
    dx = x - (result[i, 0] + (result[i, 2] - 1.0) / 2.0) / scale_x
    dy = y - (result[i, 1] + (result[i, 3] - 1.0) / 2.0) / scale_y
    return True, np.sqrt(dx * dx + dy * dy)
