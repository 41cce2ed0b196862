"""Scores adjusted by predicted overlaps: the numbers of the paper's figure, and what follows from the rule."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pysot.core.errors import ConfigError
from pysot.tracker.lmt.iou_guide import GuideParams, adjust_scores, best_candidates


def test_the_published_figure() -> None:
    scores, overlaps = torch.tensor([4.89, 4.80], dtype=torch.float64), torch.tensor([0.81, 0.29], dtype=torch.float64)
    assert adjust_scores(scores, overlaps, GuideParams()).tolist() == pytest.approx([3.9609, -5.0], abs=1e-12)
    assert scores.tolist() == [4.89, 4.80]


def test_scores_of_zero_or_less_stay() -> None:
    adjusted = adjust_scores(torch.tensor([-2.0, 0.0, 2.0]), torch.tensor([0.6, 0.9, 0.5]), GuideParams())
    assert adjusted.tolist() == [-2.0, 0.0, 1.0]


def test_all_refused_falls_back_or_not() -> None:
    scores, overlaps = torch.tensor([3.0, 4.0]), torch.tensor([0.1, 0.2])
    assert adjust_scores(scores, overlaps, GuideParams()).tolist() == [3.0, 4.0]
    assert adjust_scores(scores, overlaps, GuideParams(fallback=False)).tolist() == [-5.0, -5.0]
    assert adjust_scores(scores, overlaps, GuideParams(enabled=False)).tolist() == [3.0, 4.0]
    assert adjust_scores(scores, overlaps, GuideParams(thresh=0.15, penalty=-1.0)).tolist() == pytest.approx(
        [-1.0, 0.8]
    )


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(0, 1)), min_size=1, max_size=20))
def test_adjusting_never_raises_a_score_above_itself_or_the_penalty(pairs: list[tuple[float, float]]) -> None:
    scores, overlaps = torch.tensor(pairs, dtype=torch.float64).unbind(1)
    adjusted = adjust_scores(scores, overlaps, GuideParams())
    assert bool((adjusted <= scores.clamp(min=-5.0) + 1e-12).all())


def test_mean_of_the_best() -> None:
    indices, mean = best_candidates(torch.tensor([1.0, 5.0, 3.0, -5.0]), 2)
    assert indices.tolist() == [1, 2] and mean == 4.0
    assert best_candidates(torch.tensor([1.0]), 5)[1] == 1.0


def test_threshold_is_a_share() -> None:
    with pytest.raises(ConfigError, match=r"IOU_GUIDE\.THRESH is 1\.5"):
        GuideParams(thresh=1.5)
