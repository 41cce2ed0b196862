"""What is particular to a system's training: its data, its losses, and which weights learn when."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from pysot.core.errors import ConfigError
from pysot.training.losses import Mean
from pysot.training.optim import Group, learnable

Batch: TypeAlias = Mapping[str, Any]
MeanOf: TypeAlias = Callable[[Mean], Tensor]
"""Turns a (total, count) pair into the mean that is minimized: of this process, or over all of them."""


class Recipe(ABC):
    """Couples a model with the way it is trained. The loop knows only this.

    Attributes:
        model: what a snapshot holds.
        learner: `model` and everything else that learns beside it; the same object where there is nothing else.
        weights: factor of each loss in the total.
        turns: who learns in turn, where adversaries do; each has an optimizer of its own, over the groups of its name.
    """

    turns: tuple[str, ...] = ("",)

    def __init__(self, model: nn.Module, weights: Mapping[str, float]) -> None:
        self.model, self.learner, self.weights = model, model, dict(weights)

    def turn(self, step: int) -> str:
        """Which of `turns` learns in the step of this number, counted from the start of the run."""
        return self.turns[0]

    def losses_of(self, turn: str, batch: Batch, mean: MeanOf) -> dict[str, Tensor]:
        """What `turn` learns from, as `losses` returns it."""
        return self.losses(batch, mean)

    @abstractmethod
    def losses(self, batch: Batch, mean: MeanOf) -> dict[str, Tensor]:
        """Every loss by name, unweighted, as scalars. `batch` is what the data set returns, collated, on the device."""

    @abstractmethod
    def stage(self, epoch: int) -> int:
        """Number of the stage that `epoch` (from 0) belongs to. A new stage starts with a new optimizer."""

    @abstractmethod
    def enter(self, stage: int) -> list[Group]:
        """Freezes and unfreezes for `stage`, sets train and eval modes, and returns the groups that learn."""

    def total(self, losses: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum that is minimized."""
        return torch.stack([self.weights[name] * value for name, value in losses.items()]).sum()


@dataclass(frozen=True)
class BackbonePlan:
    """When the backbone learns.

    Attributes:
        layers: its children that learn; the others keep the weights they were given.
        unfreeze_epoch: epoch (from 0) at which they start.
        factor: their learning rate relative to the head's.
    """

    layers: Sequence[str]
    unfreeze_epoch: int
    factor: float


class PlannedRecipe(Recipe):
    """Everything beside the backbone learns from the first epoch, the backbone's chosen layers from a later one.

    Args:
        model: to be trained, in train form; its child `backbone` is what `plan` is about.
        weights: factor of each loss.
        plan: when the backbone learns.
        factors: learning rate of parts of the model (dotted names) relative to the schedule's; 1 for what is not named.

    Raises `ConfigError` when the backbone lacks a layer of the plan, or the model a part that `factors` names.
    """

    model: Any

    def __init__(
        self,
        model: nn.Module,
        weights: Mapping[str, float],
        plan: BackbonePlan,
        factors: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(model, weights)
        self.plan, self.factors = plan, dict(factors or {})
        names = {name for name, _ in model.named_modules()}
        if strangers := [name for name in self.factors if name not in names]:
            raise ConfigError(
                f"TRAIN.LR_GROUPS: {type(model).__name__} has no part {strangers}. Name modules such as "
                f"{[name for name, _ in model.named_children()]}, or parts of them with dots."
            )
        children = [name for name, _ in self.model.backbone.named_children()]
        if unknown := [name for name in plan.layers if name not in children]:
            raise ConfigError(
                f"BACKBONE.TRAIN_LAYERS: {type(self.model.backbone).__name__} has no layer {unknown}. It has: "
                f"{children}."
            )

    def stage(self, epoch: int) -> int:
        return int(epoch >= self.plan.unfreeze_epoch)

    def enter(self, stage: int) -> list[Group]:
        unfreeze(self.learner)
        freeze(self.model.backbone)
        groups = []
        if stage == 1:
            for name in self.plan.layers:
                unfreeze(self.model.backbone.get_submodule(name))
            groups.append(Group("backbone", learnable(self.model.backbone), self.plan.factor))
        taken: set[int] = set()
        for name in sorted(self.factors, key=len, reverse=True):  # the innermost part decides
            own = [p for p in learnable(self.model.get_submodule(name)) if id(p) not in taken]
            groups.append(Group(name, own, self.factors[name]))
            taken.update(map(id, own))
        for name, child in self.learner_parts():
            if name not in self.factors:
                groups.append(Group(name, [p for p in learnable(child) if id(p) not in taken]))
        return groups

    def learner_parts(self) -> list[tuple[str, nn.Module]]:
        """Everything beside the backbone, by name."""
        return [(name, child) for name, child in self.model.named_children() if name != "backbone"]


def freeze(module: nn.Module) -> None:
    """No gradients, and batch norms that keep their statistics."""
    module.requires_grad_(False).eval()


def unfreeze(module: nn.Module) -> None:
    """Gradients and train mode, for everything in `module`."""
    module.requires_grad_(True).train()
