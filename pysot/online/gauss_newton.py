"""Gauss-Newton with conjugate gradient for small least-squares problems learned while tracking (ATOM, CVPR 2019,
section 3.2; docs/systems/atom.md, Gauss-Newton).

Each step linearizes the residual vector, r(x + d) = r + J d, and solves (J^T J) d = -J^T r by conjugate gradient. A
problem supplies the products; all unknowns are one flat vector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True)
class NormalEquations:
    """The linear problem (J^T J) d = -J^T r at one point.

    Attributes:
        loss: r^T r there.
        descent: (P,) the right-hand side, -J^T r.
        product: (P,) p to (P,) J^T J p.
        diagonal: (P,) of a diagonal preconditioner, or None.
    """

    loss: float
    descent: Tensor
    product: Callable[[Tensor], Tensor]
    diagonal: Tensor | None = None


class LeastSquares(Protocol):
    """A sum of squared residuals of a flat vector of unknowns."""

    def linearize(self, unknowns: Tensor) -> NormalEquations:
        """The normal equations at `unknowns` (P,)."""


class ConjugateGradient:
    """Solves normal equations approximately, by a fixed number of iterations from zero.

    Args:
        fletcher_reeves: beta = rho / rho_old; else Polak-Ribiere, (rho - <r_old, z>) / rho_old. Never below 0.
        forget_factor: how much of the last solve's direction the next one starts with, in [0, 1]: 0 begins anew.

    Attributes:
        residual_norms: |r| before the first and after every iteration of the last solve; kept when `record` is set.
    """

    def __init__(self, *, fletcher_reeves: bool = False, forget_factor: float = 0.0, record: bool = False) -> None:
        self.fletcher_reeves, self.forget_factor, self.record = fletcher_reeves, forget_factor, record
        self.residual_norms: list[float] = []
        self._memory: tuple[Tensor, Tensor, Tensor] | None = None

    def solve(self, equations: NormalEquations, iterations: int) -> Tensor:
        """(P,) the step d. Stops early where the residual is zero, or where a number is no longer finite."""
        residual = equations.descent
        step = torch.zeros_like(residual)
        direction, rho_old, residual_old = residual, None, residual
        if self._memory is not None and self.forget_factor > 0:  # the last solve, faded
            direction, rho_old, residual_old = self._memory
            rho_old = rho_old / self.forget_factor
        self.residual_norms = [float(residual.norm())] if self.record else []
        for iteration in range(iterations):
            scaled = residual if equations.diagonal is None else residual / equations.diagonal
            rho = torch.dot(residual, scaled)
            if rho_old is None:
                direction = scaled
            else:
                change = rho if self.fletcher_reeves else rho - torch.dot(residual_old, scaled)
                direction = torch.add(scaled, direction, alpha=max(float(change / rho_old), 0.0))
            product = equations.product(direction)
            curvature = torch.dot(direction, product)
            length = float(rho / curvature)
            if not (float(rho) > 0 and 0 < length < float("inf")):
                rho_old = None
                break
            residual_old, rho_old = residual, rho
            step.add_(direction, alpha=length)
            if iteration < iterations - 1 or self.record:
                residual = torch.sub(residual, product, alpha=length)
            if self.record:
                self.residual_norms.append(float(residual.norm()))
        self._memory = None if rho_old is None else (direction, rho_old, residual_old)
        return step


def gauss_newton(
    problem: LeastSquares, unknowns: Tensor, solver: ConjugateGradient, *, steps: int, iterations: int
) -> Tensor:
    """(P,) unknowns after `steps` linearizations, each solved by `iterations` of conjugate gradient."""
    for _ in range(steps):
        unknowns = unknowns + solver.solve(problem.linearize(unknowns), iterations)
    return unknowns
