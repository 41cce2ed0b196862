"""How the regression's kernel is found, and what it says of each channel (docs/systems/tasiamrpn.md, Solvers)."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pysot.models.target_aware.params import SelectionParams
from pysot.models.target_aware.regression import Regression

logger = logging.getLogger(__name__)

START_SCALE = 1e8
"""The first kernel is this much smaller than unit noise: it ends as the sum of all gradients."""
POWER_STEPS = 5
SAFE_SHARE = 0.9
"""Of (1 + momentum) / largest curvature, which is half of where heavy-ball steps diverge."""


@dataclass(frozen=True, eq=False)
class Fit:
    """What a solver found.

    Attributes:
        importance: (C,) float32.
        loss: mean square error of the label, plus the penalty.
        iterations: steps; 0 for a closed form.
    """

    importance: Tensor
    loss: float
    iterations: int


def descend(problem: Regression, params: SelectionParams, level: int = 0) -> Fit | None:
    """Gradient descent with momentum on the mean square error, from almost zero; None when the loss is not finite.

    Kernel and bias learn, both with weight decay.

    Args:
        params: `by_gradient` measures importance by a gradient for the features (`Regression.gap_taps`) instead of the
            kernel's sum.
        level: number of the feature map, which has its own `lr` and `momentum`.
    """
    lr, momentum = params.of_level("lr", level), params.of_level("momentum", level)
    kernel, bias = first_kernel(problem, params.seed), problem.label.new_zeros(())
    velocity, bias_velocity = torch.zeros_like(kernel), torch.zeros_like(bias)
    rate = safe_rate(problem, lr, momentum, params.seed) if params.lr_auto else lr
    residual = problem.respond(kernel) - problem.label
    steps = 0
    while True:
        loss = float(residual.square().mean() + params.weight_decay * kernel.square().sum())
        if not math.isfinite(loss):
            return None
        if loss < params.early_stop or steps == params.iters:
            break
        steps += 1
        gradient = problem.back(residual).mul_(2 / problem.cells).add_(kernel, alpha=params.weight_decay)
        velocity.mul_(momentum).add_(gradient)
        bias_gradient = 2 * residual.mean() + params.weight_decay * bias
        bias_velocity.mul_(momentum).add_(bias_gradient)
        kernel.sub_(velocity, alpha=rate)
        bias.sub_(bias_velocity, alpha=rate)
        residual = problem.respond(kernel) + bias - problem.label
    importance = problem.gap_taps(residual) @ kernel if params.by_gradient else kernel.sum(0)
    return Fit(importance, loss, steps) if importance.isfinite().all() else None


def first_kernel(problem: Regression, seed: int) -> Tensor:
    """(taps, C) noise so small that only the order of rounding could tell it from zero; the same for equal seeds."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(problem.taps, problem.channels, generator=generator)
    fan = problem.channels * max(1, problem.padding[0]) * max(1, problem.padding[1])
    return (noise / (math.sqrt(fan) * START_SCALE)).to(problem.flat)


def safe_rate(problem: Regression, rate: float, momentum: float, seed: int) -> float:
    """`rate`, lowered where it would diverge, which is logged: curvature by a few power iterations."""
    generator = torch.Generator().manual_seed(seed)
    response = torch.randn(problem.label.shape, generator=generator).to(problem.flat)
    largest = 0.0
    for _ in range(POWER_STEPS):
        response = response / response.norm().clamp_min(torch.finfo(response.dtype).tiny)
        image = problem.respond(problem.back(response)) + response.sum()
        largest = float((response * image).sum()) * 2 / problem.cells
        response = image
    limit = SAFE_SHARE * (1 + momentum) / largest if largest > 0 else math.inf
    if limit < rate:
        logger.info("Channel selection: LR %.3g would diverge on these features; %.3g is used.", rate, limit)
    return min(rate, limit)


def solve_ridge(problem: Regression, penalty: float, by_gradient: bool) -> Fit:
    """The kernel of least squares with a penalty, in closed form.

    There are far more taps than cells, so that the problem is solved for one number per cell: with A the matrix of
    patches, (A A' + r I) a = label, and the kernel is A' a. A channel's importance is then the sum over cells of its
    features, weighted by `a` blurred with the kernel's shape: the kernel itself is never needed. There is no bias, as
    that of the descent hardly moves: the label's mean in its place would ask for negative values around the target.

    Args:
        penalty: r in units of the mean of A A's diagonal.
    """
    # in double precision on the CPU: not every accelerator has it, and there are only as many unknowns as cells
    gram = problem.gram().cpu().double()
    label = problem.label.cpu().double().flatten()
    scale = max(penalty * float(gram.diagonal().mean()), torch.finfo(gram.dtype).eps)  # above 0 for a dead map, too
    damped = gram.clone()
    damped.diagonal().add_(scale)
    factor, failed = torch.linalg.cholesky_ex(damped)  # rounding may rob it of its positive eigenvalues
    weights = torch.linalg.solve(damped, label) if failed else torch.cholesky_solve(label[:, None], factor)[:, 0]
    response = gram @ weights
    residual = response - label
    loss = float(residual.square().mean() + scale / problem.cells * (weights @ response))
    taps = problem.flat.new_ones(problem.taps)
    if by_gradient:
        taps = problem.gap_taps(residual.reshape(problem.label.shape).to(problem.flat))
    cells = taps @ problem.shifts(weights.reshape(problem.label.shape).to(problem.flat))
    return Fit(problem.flat @ cells, loss, 0)
