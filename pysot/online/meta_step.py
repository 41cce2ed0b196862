"""The one step that turns a learned initialization into a tracker of a target (Park and Berg, Meta-Tracker, ECCV 2018;
docs/systems/lmt.md, Meta-learning), and the losses it descends. Training and tracking take it alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

Params: TypeAlias = Mapping[str, Tensor]
"""Parameters, or their rates, by name."""


def inner_steps(
    loss: Callable[[Params], Tensor], params: Params, rates: Params, steps: int = 1, *, second_order: bool = False
) -> dict[str, Tensor]:
    """Gradient steps params - rates * gradient, each number with its own rate.

    Args:
        loss: scalar loss of given parameters.
        params: those that change, needing gradients.
        rates: of the same names and shapes.
        steps: how many; the rates are the same in each.
        second_order: keep the graph of the gradients, so that the result can be differentiated exactly in `params`,
            also through them. Without, gradients count as constants (first-order approximation).

    Returns the new parameters, connected with `params` and `rates` where those are part of a graph.
    """
    current = dict(params)
    with torch.enable_grad():
        for _ in range(steps):
            names = list(current)
            gradients = torch.autograd.grad(loss(current), [current[name] for name in names], create_graph=second_order)
            current = {
                name: current[name] - rates[name] * gradient for name, gradient in zip(names, gradients, strict=True)
            }
    return current


def binary_loss(positive: Tensor, negative: Tensor, focal: bool = False) -> Tensor:
    """Sum of the cross-entropies of logits (P, 2) that should be class 1 and (N, 2) that should be class 0.

    Args:
        focal: weight each sample by 1 minus the probability of its right class, as VITAL does; the weight counts as a
            constant.

    A sum, not a mean: the published rates belong to it.
    """
    good, bad = F.log_softmax(positive, dim=1)[:, 1], F.log_softmax(negative, dim=1)[:, 0]
    if focal:
        good, bad = good * (1 - good.detach().exp()), bad * (1 - bad.detach().exp())
    return -(good.sum() + bad.sum())


BETA = 0.1
"""Error of an overlap at which its loss turns from quadratic to linear."""
FAR, FAR_WEIGHT = 0.1, 0.3
"""Overlaps below the first count with the second as weight."""


def overlap_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """Weighted sum of the smooth L1 errors of predicted overlaps (N,), 0 to 1 (docs/systems/lmt.md, Overlap head)."""
    errors = F.smooth_l1_loss(predicted, true, reduction="none", beta=BETA)
    return (errors * torch.where(true < FAR, FAR_WEIGHT, 1.0)).sum()


def right_share(positive: Tensor, negative: Tensor) -> Tensor:
    """Share of samples on the right side, counted half and half over targets and background."""
    hits = (positive[:, 1] > positive[:, 0]).float().mean(), (negative[:, 1] < negative[:, 0]).float().mean()
    return (hits[0] + hits[1]) / 2
