"""Peaks and what is said of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from pysot.online.localization import Finding, LocalizationParams, Peak, locate_peak

SIDE, TARGET = 100, (10.0, 6.0)


def find(peaks: dict[tuple[int, int], float], **more: object) -> Peak:
    """`peaks`: (right, down) of the middle to score."""
    return locate_peak(score_map(peaks), (50, 50), TARGET, LocalizationParams(), **more)  # type: ignore[arg-type]


def score_map(peaks: dict[tuple[int, int], float]) -> NDArray[np.float64]:
    scores = np.zeros((SIDE, SIDE))
    for (x, y), score in peaks.items():
        scores[50 + y, 50 + x] = score
    return scores


@pytest.mark.parametrize(
    ("peaks", "offset", "finding"),
    [
        ({(3, -7): 0.9}, (3, -7), Finding.NORMAL),
        ({(3, -7): 0.24}, (3, -7), Finding.NOT_FOUND),
        ({(3, -7): 0.9, (30, 0): 0.5}, (3, -7), Finding.HARD_NEGATIVE),  # above half of the first
        ({(3, -7): 0.9, (30, 0): 0.44}, (3, -7), Finding.NORMAL),
        ({(3, -7): 0.4, (30, 0): 0.24}, (3, -7), Finding.NORMAL),  # above half, but too low to be a target
        ({(3, -7): 0.9, (45, 0): 0.8}, (3, -7), Finding.HARD_NEGATIVE),  # the far one is the distractor
        ({(45, 0): 0.9, (3, -7): 0.8}, (3, -7), Finding.HARD_NEGATIVE),  # the second one is the target
        ({(3, -7): 0.9, (20, 0): 0.8}, (3, -7), Finding.UNCERTAIN),  # both are near
        ({(45, 0): 0.9, (-45, 0): 0.8}, (45, 0), Finding.UNCERTAIN),  # both are far
        ({(3, -7): 0.9, (13, -7): 0.89}, (3, -7), Finding.NORMAL),  # within the target's own neighborhood
        ({(3, -7): 0.9, (3, 1): 0.89}, (3, -7), Finding.UNCERTAIN),  # beyond it: it is less high than wide
    ],
)
def test_the_four_findings(peaks: dict[tuple[int, int], float], offset: tuple[int, int], finding: Finding) -> None:
    peak = find(peaks)
    assert (peak.offset_xy, peak.finding, peak.score) == (offset, finding, max(peaks.values()))


@pytest.mark.parametrize(
    ("score", "finding"),
    [
        (0.24, Finding.NOT_FOUND),
        (0.29, Finding.UNCERTAIN),
        (0.31, Finding.HARD_NEGATIVE),
        (0.41, Finding.NORMAL),
    ],
)
def test_low_scores_may_be_uncertain_or_worth_learning_from(score: float, finding: Finding) -> None:
    params = LocalizationParams(uncertain_thr=0.3, hard_sample_thr=0.4)
    peak = locate_peak(score_map({(3, -7): score}), (50, 50), TARGET, params)
    assert peak == Peak((3, -7), score, finding)


def test_displacement_counts_from_where_the_target_was() -> None:
    peaks = {(45, 0): 0.9, (3, 0): 0.8}
    assert find(peaks).offset_xy == (3, 0)
    assert find(peaks, previous_xy=(40.0, 0.0)).finding is Finding.UNCERTAIN
    assert find(peaks, previous_xy=(46.0, 0.0)).offset_xy == (45, 0)


def test_second_peak_of_the_map_without_window() -> None:
    peak = find({(0, 0): 0.9}, unwindowed=score_map({(0, 0): 1.0, (45, 0): 0.9}))
    assert peak.finding is Finding.HARD_NEGATIVE and peak.offset_xy == (0, 0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_finite_find_nothing(bad: float) -> None:
    peak = find({(0, 0): 0.9, (20, 20): bad})
    assert peak == Peak((0.0, 0.0), 0.0, Finding.NOT_FOUND)


def test_peaks_at_every_border() -> None:
    for x in (-50, 0, 49):
        for y in (-50, 0, 49):
            assert find({(x, y): 0.9}).offset_xy == (x, y)


def test_scores_are_left_alone() -> None:
    scores = score_map({(0, 0): 0.9})
    before = scores.copy()
    locate_peak(scores, (50, 50), TARGET, LocalizationParams())
    np.testing.assert_array_equal(scores, before)
