"""What is particular to a system's training: its data, its losses, and which weights learn when."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from pysot.training.losses import Mean
from pysot.training.optim import Group

Batch: TypeAlias = Mapping[str, Any]
MeanOf: TypeAlias = Callable[[Mean], Tensor]
"""Turns a (total, count) pair into the mean that is minimised: of this process, or over all of them."""


class Recipe(ABC):
    """Couples a model with the way it is trained. The loop knows only this.

    Attributes:
        model: what a snapshot holds.
        learner: `model` and everything else that learns beside it; the same object where there is nothing else.
        weights: factor of each loss in the total.
    """

    def __init__(self, model: nn.Module, weights: Mapping[str, float]) -> None:
        self.model, self.learner, self.weights = model, model, dict(weights)

    @abstractmethod
    def losses(self, batch: Batch, mean: MeanOf) -> dict[str, Tensor]:
        """Every loss by name, unweighted, as scalars. `batch` is what the data set returns, collated, on the device."""

    @abstractmethod
    def stage(self, epoch: int) -> int:
        """Number of the stage that `epoch` (from 0) belongs to. A new stage starts with a new optimiser."""

    @abstractmethod
    def enter(self, stage: int) -> list[Group]:
        """Freezes and unfreezes for `stage`, sets train and eval modes, and returns the groups that learn."""

    def total(self, losses: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum that is minimised."""
        return torch.stack([self.weights[name] * value for name, value in losses.items()]).sum()


def freeze(module: nn.Module) -> None:
    """No gradients, and batch norms that keep their statistics."""
    module.requires_grad_(False).eval()


def unfreeze(module: nn.Module) -> None:
    """Gradients and train mode, for everything in `module`."""
    module.requires_grad_(True).train()
