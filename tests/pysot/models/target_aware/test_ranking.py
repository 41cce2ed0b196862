"""The ranking loss against its written-out gradient, and the channels it calls sensitive to scale."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pysot.models.target_aware.ranking import ranked_pairs, ranking_loss, scale_importance, scale_samples
from pysot.models.target_aware.selector import TargetAwareSelector
from tests.pysot.models.target_aware.test_selector import ON, replace, view_of

RATIOS = torch.tensor([0.5, 0.75, 1.0, 1.25, 1.5])
SCORES = st.lists(st.floats(-3, 3), min_size=5, max_size=5)


def test_pairs_are_all_on_one_side_with_the_better_one_first() -> None:
    pairs = ranked_pairs(RATIOS).tolist()
    assert sorted(map(tuple, pairs)) == [(1, 0), (2, 0), (2, 1), (2, 3), (2, 4), (3, 4)]


@settings(max_examples=15, deadline=None)
@given(SCORES)
def test_gradient_is_the_written_out_one(values: list[float]) -> None:
    scores = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    pairs = ranked_pairs(RATIOS)
    loss = ranking_loss(scores, pairs)
    terms = [torch.exp(scores[worse] - scores[better]).detach() for better, worse in pairs.tolist()]
    total = 1 + sum(terms)
    assert float(loss.detach()) == pytest.approx(float(torch.log(torch.as_tensor(total))))
    expected = torch.zeros(5, dtype=torch.float64)
    for (better, worse), term in zip(pairs.tolist(), terms, strict=True):
        expected[better] -= term / total
        expected[worse] += term / total
    (gradient,) = torch.autograd.grad(loss, scores)
    torch.testing.assert_close(gradient, expected)


@settings(deadline=None)
@given(SCORES, st.floats(0.01, 2))
def test_raising_the_best_sample_lowers_the_loss(values: list[float], more: float) -> None:
    scores = torch.tensor(values, dtype=torch.float64)
    raised = scores.clone()
    raised[2] += more
    pairs = ranked_pairs(RATIOS)
    assert float(ranking_loss(raised, pairs)) < float(ranking_loss(scores, pairs))


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 10), st.integers(1, 5), st.integers(1, 5))
def test_samples_show_the_middle_at_sizes_around_the_true_one(half: int, rows: int, columns: int) -> None:
    side, template = 2 * half + 1, (min(2 * rows - 1, 2 * half + 1), min(2 * columns - 1, 2 * half + 1))
    features = torch.randn(3, side, side, generator=torch.Generator().manual_seed(half))
    samples, ratios = scale_samples(features, template)
    assert samples.shape[1:] == (3, *template) and len(samples) == len(ratios)
    assert torch.allclose(ratios + ratios.flip(0), torch.tensor(2.0))
    middle = len(ratios) // 2
    top, left = (side - template[0]) // 2, (side - template[1]) // 2
    own = features[:, top : top + template[0], left : left + template[1]]
    torch.testing.assert_close(samples[middle], own)
    centers = samples[:, :, template[0] // 2, template[1] // 2]
    torch.testing.assert_close(centers, features[:, half, half].expand_as(centers), atol=1e-4, rtol=1e-4)


def rings() -> torch.Tensor:
    """(3, 31, 31): a ring that fits the template at the true scale only; the same upside down; noise-free constant."""
    rows, columns = torch.meshgrid(torch.arange(31) - 15, torch.arange(31) - 15, indexing="ij")
    radius = (rows.square() + columns.square()).float().sqrt()
    ring = torch.exp(-((radius - 4.5) ** 2))
    return torch.stack([ring, 1 - ring, torch.ones(31, 31)])


def test_channels_that_tell_the_scale_have_positive_importance() -> None:
    importance = scale_importance(rings(), (11, 11), iters=50)
    assert float(importance[0]) > 0 > float(importance[1])
    assert abs(float(importance[2])) < 1e-3 * float(importance[0])


def test_nothing_can_be_ranked_when_the_template_fills_the_map() -> None:
    assert not scale_importance(rings(), (31, 31), iters=5).any()


def test_the_selector_drops_channels_that_do_not_tell_the_scale() -> None:
    search = [torch.cat([rings(), rings().flip(0)])[None]]
    params = replace(ON, select="topk", keep_ratio=1.0)
    plain = TargetAwareSelector(params, (6,)).choose(view_of(search), [(11, 11)])
    ranked = TargetAwareSelector(replace(params, rank_loss=True), (6,)).choose(view_of(search), [(11, 11)])
    assert plain.kept == [6]
    (level,) = ranked.levels
    assert level is not None and {0, 5} <= set(level.indices) and not {1, 4} & set(level.indices)
