"""Adversarial features: the planted cell is found, in every mode, and taken away."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pysot.core.errors import ConfigError
from pysot.training.recipes.lmt_adversarial import (
    AdversarialParams,
    Adversary,
    MaskGenerator,
    draw_mask,
    gradient_importance,
    score_drops,
)

torch.set_num_threads(1)
PLANTED = 5


def features(count: int = 16) -> Tensor:
    return torch.rand(count, 4, 3, 3, generator=torch.Generator().manual_seed(0)) + 0.5


def classify(x: Tensor) -> Tensor:
    """The target's logit is the mean of one cell, and a little of all."""
    cells = x.flatten(2).mean(1)
    target = 2 * cells[:, PLANTED] + 0.05 * cells.sum(1) - 1
    return torch.stack([-target, target], 1)


def test_search_finds_the_planted_cell() -> None:
    drops = score_drops(features(), classify)
    assert drops.shape == (16, 9) and (drops.argmax(1) == PLANTED).all()
    x = features(1)
    without = x.clone()
    without[..., PLANTED // 3, PLANTED % 3] = 0
    expected = classify(x).softmax(1)[0, 1] - classify(without).softmax(1)[0, 1]
    torch.testing.assert_close(drops[0, PLANTED], expected)


def test_search_is_of_each_sample_and_leaves_features_alone() -> None:
    """Two samples that rely on different cells; and no cell stays zeroed while the next is tried."""
    x = torch.zeros(2, 1, 3, 3)
    x[0, 0, 0, 1], x[1, 0, 2, 2] = 3.0, 3.0
    before = x.clone()

    def total(y: Tensor) -> Tensor:
        return torch.stack([-y.sum((1, 2, 3)), y.sum((1, 2, 3))], 1)

    assert score_drops(x, total).argmax(1).tolist() == [1, 8]
    assert torch.equal(x, before)


def test_gradient_finds_it_in_one_pass() -> None:
    importance = gradient_importance(features(), classify)
    assert (importance.argmax(1) == PLANTED).all()
    torch.testing.assert_close(importance.sum(1), torch.ones(16))


@pytest.mark.parametrize("count", [1, 3])
def test_masks_drop_the_asked_number_and_the_strong_cell(count: int) -> None:
    importance = torch.zeros(200, 9)
    importance[:, PLANTED] = 0.5
    mask = draw_mask(importance, count, 0.1, torch.Generator().manual_seed(0))
    assert (mask == 0).sum(1).tolist() == [count] * 200
    assert float((mask[:, PLANTED] == 0).float().mean()) > 0.9
    hot = draw_mask(importance, count, 100.0, torch.Generator().manual_seed(0))
    assert float((hot[:, PLANTED] == 0).float().mean()) < 0.6
    assert torch.equal(mask, draw_mask(importance, count, 0.1, torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("mode", ["search", "gradient", "random"])
def test_the_task_decides_the_mask(mode: str) -> None:
    adversary = Adversary(AdversarialParams(mode=mode, num_cells=2))
    first, none = adversary.mask(features(), classify, task=4)
    assert first.shape == (16, 1, 3, 3) and none is None and (first == 0).flatten(1).sum(1).tolist() == [2] * 16
    assert torch.equal(first, adversary.mask(features(), classify, task=4)[0])
    assert not torch.equal(first, adversary.mask(features(), classify, task=5)[0])


def test_the_generator_learns_what_searches_find() -> None:
    torch.manual_seed(0)
    net = MaskGenerator(4, 3, hidden=32)
    adversary = Adversary(AdversarialParams(mode="gnet", num_cells=1), net)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(60):
        _, loss = adversary.mask(features(), classify, task=0)
        assert loss is not None
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    mask, nothing = adversary.mask(features(), classify, task=1)
    assert nothing is None
    assert (mask.flatten(1).argmin(1) == PLANTED).all() and (mask == 0).flatten(1).sum(1).tolist() == [1] * 16


def test_bad_choices_are_named() -> None:
    with pytest.raises(ConfigError, match=r"ADV\.MODE is 'vital'.*search"):
        AdversarialParams(mode="vital")
    with pytest.raises(ConfigError, match=r"NUM_CELLS is 0"):
        AdversarialParams(num_cells=0)
