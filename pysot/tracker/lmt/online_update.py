"""Learning a classifier from remembered features while tracking: plain SGD on mini-batches with the hardest negatives
(Nam and Han, MDNet, CVPR 2016, section 4; docs/systems/lmt.md, Tracking).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pysot.online.meta_step import binary_loss


@dataclass(frozen=True)
class UpdateParams:
    """A run of SGD.

    Attributes:
        iters: steps.
        lr: rate of all layers but the last.
        last_layer_mult: factor of the last layer's rate.
        batch_pos, batch_neg: samples of a step.
        neg_cand: random negatives of a step, of which the hardest become the batch.
        grad_clip: largest norm of the gradient.
        momentum, weight_decay: of SGD.
    """

    iters: int = 15
    lr: float = 5e-5
    last_layer_mult: float = 10.0
    batch_pos: int = 32
    batch_neg: int = 96
    neg_cand: int = 1024
    grad_clip: float = 1000.0
    momentum: float = 0.9
    weight_decay: float = 5e-4


def update_classifier(
    classify: Callable[[Tensor, Mapping[str, Tensor]], Tensor],
    params: Mapping[str, Tensor],
    last_layer: str,
    positives: Tensor,
    negatives: Tensor,
    plan: UpdateParams,
    rng: np.random.Generator,
) -> dict[str, Tensor]:
    """`params` after learning from features.

    Args:
        classify: (N, 2) logits of features under given parameters.
        params: those that learn, by name; not changed.
        last_layer: prefix of the names whose rate is raised.
        positives, negatives: (P, ...) and (N, ...) features; every step draws its samples from them in random order,
            going through all before one comes again.
    """
    learned = {name: value.detach().clone().requires_grad_() for name, value in params.items()}
    rates = [plan.lr * (plan.last_layer_mult if name.startswith(last_layer) else 1.0) for name in learned]
    weights = list(learned.values())
    speeds = [torch.zeros_like(weight) for weight in weights]
    good = _Order(len(positives), plan.batch_pos, rng)
    bad = _Order(len(negatives), max(plan.neg_cand, plan.batch_neg), rng)
    for _ in range(plan.iters):
        with torch.no_grad():
            candidates = negatives[bad.next()]
            hardest = classify(candidates, learned)[:, 1].topk(min(plan.batch_neg, len(candidates))).indices
        with torch.enable_grad():
            loss = binary_loss(classify(positives[good.next()], learned), classify(candidates[hardest], learned))
            gradients = torch.autograd.grad(loss, weights)
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        shrink = min(1.0, plan.grad_clip / max(float(norm), 1e-12))
        with torch.no_grad():  # torch.optim would take seconds to import at the first frame
            for weight, speed, gradient, rate in zip(weights, speeds, gradients, rates, strict=True):
                speed.mul_(plan.momentum).add_(gradient, alpha=shrink).add_(weight, alpha=plan.weight_decay)
                weight.sub_(speed, alpha=rate)
    return {name: value.detach() for name, value in learned.items()}


class _Order:
    """Batches of numbers below `count`, reshuffled each time all have come."""

    def __init__(self, count: int, batch: int, rng: np.random.Generator) -> None:
        self.count, self.batch, self.rng = count, batch, rng
        self._left: list[int] = []

    def next(self) -> Tensor:
        while len(self._left) < self.batch:
            self._left += self.rng.permutation(self.count).tolist()
        taken, self._left = self._left[: self.batch], self._left[self.batch :]
        return torch.tensor(taken)


class FrameMemory:
    """Features of the last frames, those of the oldest forgotten.

    Args:
        frames: how many frames are kept.
    """

    def __init__(self, frames: int) -> None:
        self._frames: deque[Tensor] = deque(maxlen=frames)

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, features: Tensor) -> None:
        """Remembers the features (n, ...) of a frame; n may be 0."""
        self._frames.append(features)

    def last(self, frames: int | None = None) -> Tensor:
        """(n, ...) features of the last `frames` frames, of all by default."""
        kept = list(self._frames) if frames is None else list(self._frames)[-frames:]
        return torch.cat(kept)
