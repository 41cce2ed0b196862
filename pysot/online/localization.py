"""Where the target is in a score map, and how far to trust it (ATOM and DiMP; docs/systems/atom.md, Localization)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray


class Finding(Enum):
    """What a score map says.

    NOT_FOUND: no score is high enough. UNCERTAIN: two places are alike, and neither is preferred. HARD_NEGATIVE: one
    place is the target, another one resembles it and should be learned from. NORMAL: one clear peak.
    """

    NOT_FOUND = "not_found"
    UNCERTAIN = "uncertain"
    HARD_NEGATIVE = "hard_negative"
    NORMAL = "normal"


@dataclass(frozen=True)
class LocalizationParams:
    """Thresholds of `locate_peak`.

    Attributes:
        not_found_thr: a highest score below this is NOT_FOUND.
        distractor_thr: a second peak above this share of the first may be the target.
        hard_negative_thr: a second peak above this share of the first is a hard negative.
        neighborhood_scale: size of the area around the first peak that belongs to it, in target sizes.
        displacement_scale: what counts as a large displacement, in half score maps.
        uncertain_thr: a highest score below this is UNCERTAIN.
        hard_sample_thr: a highest score below this is a HARD_NEGATIVE: worth learning from at once.
    """

    not_found_thr: float = 0.25
    distractor_thr: float = 0.8
    hard_negative_thr: float = 0.5
    neighborhood_scale: float = 2.2
    displacement_scale: float = 0.8
    uncertain_thr: float = -math.inf
    hard_sample_thr: float = -math.inf


@dataclass(frozen=True)
class Peak:
    """The chosen place.

    Attributes:
        offset_xy: from the position that means "not moved", cells of the score map, right and down.
        score: the highest score of the map.
        finding: how far to trust it.
    """

    offset_xy: tuple[float, float]
    score: float
    finding: Finding


def locate_peak(
    scores: NDArray[np.floating],
    zero_xy: tuple[float, float],
    target_wh: tuple[float, float],
    params: LocalizationParams,
    *,
    previous_xy: tuple[float, float] = (0.0, 0.0),
    unwindowed: NDArray[np.floating] | None = None,
) -> Peak:
    """The place of the target in `scores`.

    Args:
        scores: (H, W). Where one is not finite the target is not found.
        zero_xy: the cell that means "not moved".
        target_wh: target size, cells.
        previous_xy: the target's last offset; how far a peak is displaced is measured from there.
        unwindowed: (H, W) scores for the second peak, where `scores` favors the middle.
    """
    if not np.isfinite(scores).all():
        return Peak((0.0, 0.0), 0.0, Finding.NOT_FOUND)
    first = _highest(scores)
    best = float(scores[first])
    first_xy = (first[1] - zero_xy[0], first[0] - zero_xy[1])
    if best < params.not_found_thr:
        return Peak(first_xy, best, Finding.NOT_FOUND)
    if best < params.uncertain_thr:
        return Peak(first_xy, best, Finding.UNCERTAIN)
    if best < params.hard_sample_thr:
        return Peak(first_xy, best, Finding.HARD_NEGATIVE)
    others = np.array(scores if unwindowed is None else unwindowed)
    extents = [params.neighborhood_scale * side / 2 for side in reversed(target_wh)]
    rows, columns = (
        slice(max(round(middle - half), 0), min(round(middle + half + 1), limit))
        for middle, half, limit in zip(first, extents, scores.shape, strict=True)
    )
    others[rows, columns] = 0
    second = _highest(others)
    second_best = float(others[second])
    second_xy = (second[1] - zero_xy[0], second[0] - zero_xy[1])
    if second_best > params.distractor_thr * best:
        limit = params.displacement_scale * math.sqrt(scores.size) / 2
        first_far, second_far = (math.dist(place, previous_xy) > limit for place in (first_xy, second_xy))
        if first_far == second_far:
            return Peak(first_xy, best, Finding.UNCERTAIN)
        return Peak(second_xy if first_far else first_xy, best, Finding.HARD_NEGATIVE)
    if second_best > params.hard_negative_thr * best and second_best > params.not_found_thr:
        return Peak(first_xy, best, Finding.HARD_NEGATIVE)
    return Peak(first_xy, best, Finding.NORMAL)


def _highest(scores: NDArray[np.floating]) -> tuple[int, int]:
    row, column = divmod(int(scores.argmax()), scores.shape[1])
    return row, column
