"""Learning from remembered features: what SGD is given, and what it forgets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from pysot.online.meta_step import binary_loss
from pysot.tracker.lmt.online_update import FrameMemory, UpdateParams, update_classifier

torch.set_num_threads(1)


def classify(features: Tensor, params: Mapping[str, Tensor]) -> Tensor:
    return torch.relu(features @ params["a.weight"]) @ params["b.weight"]


def start() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        "a.weight": torch.randn(6, 8, generator=generator) / 3,
        "b.weight": torch.randn(8, 2, generator=generator) / 3,
    }


def samples(seed: int, shift: float, count: int) -> Tensor:
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(seed)) + shift


def test_one_step_is_sgd_on_all_samples() -> None:
    """With every sample in the batch, it is theta - lr (gradient + decay theta), ten times that at the end."""
    plan = UpdateParams(iters=1, lr=1e-3, batch_pos=5, batch_neg=7, neg_cand=7, grad_clip=1e9)
    params, good, bad = start(), samples(1, 1.0, 5), samples(2, -1.0, 7)
    learned = update_classifier(classify, params, "b.", good, bad, plan, np.random.default_rng(0))
    leaves = {name: value.clone().requires_grad_() for name, value in params.items()}
    binary_loss(classify(good, leaves), classify(bad, leaves)).backward()
    for name, rate in (("a.weight", 1e-3), ("b.weight", 1e-2)):
        gradient = leaves[name].grad
        assert gradient is not None
        torch.testing.assert_close(learned[name], params[name] - rate * (gradient + 5e-4 * params[name]))


def test_only_the_hardest_negatives_count() -> None:
    """Easy negatives among the candidates, far on the right side, change nothing."""
    plan = UpdateParams(iters=1, lr=1e-3, batch_pos=5, batch_neg=7, neg_cand=14, grad_clip=1e9)
    params, good, bad = start(), samples(1, 1.0, 5), samples(2, 0.0, 14)
    scores = classify(bad, params)[:, 1]
    hardest = bad[scores.topk(7).indices]
    both = [
        update_classifier(classify, params, "b.", good, negatives, replaced, np.random.default_rng(0))["a.weight"]
        for negatives, replaced in ((bad, plan), (hardest, UpdateParams(1, 1e-3, 10.0, 5, 7, 7, 1e9)))
    ]
    torch.testing.assert_close(both[0], both[1])


def test_it_learns_and_leaves_the_start_alone() -> None:
    params, good, bad = start(), samples(1, 1.0, 40), samples(2, -1.0, 200)
    before = {name: value.clone() for name, value in params.items()}
    plan = UpdateParams(iters=30, lr=1e-3)
    first, again = (
        update_classifier(classify, params, "b.", good, bad, plan, np.random.default_rng(3)) for _ in range(2)
    )
    assert float(binary_loss(classify(good, first), classify(bad, first))) < 0.5 * float(
        binary_loss(classify(good, params), classify(bad, params))
    )
    for name, value in params.items():
        assert torch.equal(value, before[name]) and torch.equal(first[name], again[name])
        assert not first[name].requires_grad


def test_gradients_are_clipped() -> None:
    plan = UpdateParams(iters=1, lr=1.0, last_layer_mult=1.0, grad_clip=1e-3, weight_decay=0.0)
    params = start()
    learned = update_classifier(
        classify, params, "b.", samples(1, 1, 9), samples(2, 0, 9), plan, np.random.default_rng(0)
    )
    moved = torch.cat([(learned[name] - params[name]).flatten() for name in params])
    assert float(moved.norm()) == pytest.approx(1e-3, rel=1e-2)


def test_memory_forgets_the_oldest_frames() -> None:
    memory = FrameMemory(3)
    for number in range(5):
        memory.add(torch.full((2, 1), float(number)))
    assert memory.last().flatten().tolist() == [2, 2, 3, 3, 4, 4]
    assert memory.last(1).flatten().tolist() == [4, 4]
    memory.add(torch.empty(0, 1))
    assert memory.last(2).flatten().tolist() == [4, 4] and len(memory) == 3


def test_several_steps_are_torchs_sgd() -> None:
    """With every sample in every batch, whatever their order."""
    plan = UpdateParams(iters=4, lr=1e-3, batch_pos=5, batch_neg=7, neg_cand=7, grad_clip=5.0)
    params, good, bad = start(), samples(1, 1.0, 5), samples(2, -1.0, 7)
    learned = update_classifier(classify, params, "b.", good, bad, plan, np.random.default_rng(0))
    leaves = {name: value.clone().requires_grad_() for name, value in params.items()}
    groups = [{"params": [leaves["a.weight"]], "lr": 1e-3}, {"params": [leaves["b.weight"]], "lr": 1e-2}]
    optimizer = torch.optim.SGD(groups, momentum=0.9, weight_decay=5e-4)
    for _ in range(4):
        optimizer.zero_grad()
        binary_loss(classify(good, leaves), classify(bad, leaves)).backward()
        torch.nn.utils.clip_grad_norm_(list(leaves.values()), 5.0)
        optimizer.step()
    for name, value in leaves.items():
        torch.testing.assert_close(learned[name], value.detach())
