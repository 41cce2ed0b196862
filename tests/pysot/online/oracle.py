"""The slow, generic way: residual vectors as published, Jacobian products by automatic differentiation."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Residuals = Callable[[list[Tensor]], list[Tensor]]


def mlu(scores: Tensor, parameter: float = 0.05) -> Tensor:
    """The response as it is published: an ELU of a leaky ReLU."""
    return F.elu(F.leaky_relu(scores, 1 / parameter), parameter)


def same_convolution(samples: Tensor, kernel: Tensor) -> Tensor:
    """(N, 1, H, W) of (N, C, H, W) and (1, C, k, k); for an even k the last row and column are dropped."""
    side = kernel.shape[-1]
    scores = F.conv2d(samples, kernel, padding=side // 2)
    return scores[:, :, : samples.shape[2], : samples.shape[3]]


def classifier_residuals(
    samples: Tensor, labels: Tensor, weights: Tensor, filter_reg: float, projection_reg: float | None
) -> Residuals:
    """The residual vector of (w, P), or of (w,) without a projection. `samples` (N, C, H, W), `labels` (N, H, W)."""

    def residuals(unknowns: list[Tensor]) -> list[Tensor]:
        kernel, *rest = unknowns
        projected = samples if not rest else F.conv2d(samples, rest[0])
        error = mlu(same_convolution(projected, kernel))[:, 0] - labels
        found = [weights.sqrt()[:, None, None] * error, math.sqrt(filter_reg) * kernel]
        if rest:
            assert projection_reg is not None
            found.append(math.sqrt(projection_reg) * rest[0])
        return found

    return residuals


class Linearized:
    """A residual function at one point: J p and J^T J p through two backward passes."""

    def __init__(self, residuals: Residuals, unknowns: list[Tensor]) -> None:
        self.unknowns = [value.detach().requires_grad_() for value in unknowns]
        self.values = residuals(self.unknowns)
        self.duals = [value.detach().clone().requires_grad_() for value in self.values]
        self.gradient = torch.autograd.grad(self.values, self.unknowns, self.duals, create_graph=True)

    @property
    def loss(self) -> float:
        return sum(float(value.detach().square().sum()) for value in self.values)

    @property
    def descent(self) -> list[Tensor]:
        return [-value.detach() for value in self.gradient]

    def normal_product(self, direction: list[Tensor]) -> list[Tensor]:
        forward = torch.autograd.grad(self.gradient, self.duals, direction, retain_graph=True)
        return list(torch.autograd.grad(self.values, self.unknowns, forward, retain_graph=True))
