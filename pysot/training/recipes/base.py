"""What is particular to a system's training: its losses, which weights learn when, and how it is validated."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import torch
from torch import Tensor, nn
from yacs.config import CfgNode

from pysot.config.parts import PartRegistry
from pysot.core.errors import ConfigError
from pysot.tracker.builder import build_tracker
from pysot.training.losses import Mean
from pysot.training.optim import Group, learnable
from pysot.training.validation import inference_copy, validate
from toolkit.datasets.sequence import Sequence as Recording
from toolkit.protocols.tracker import TrackerLike

Batch: TypeAlias = Mapping[str, Any]
MeanOf: TypeAlias = Callable[[Mean], Tensor]
"""Turns a (total, count) pair into the mean that is minimized: of this process, or over all of them."""


class Validation(ABC):
    """How good a model in training is on sequences that were held out. It does not change the model.

    Attributes:
        key: the score that decides which state of the model is best; the larger the better.
    """

    key: ClassVar[str] = "auc"

    @classmethod
    @abstractmethod
    def from_config(cls, cfg: CfgNode, recipe: Any, sequences: Sequence[Recording]) -> Validation:
        """What TRAIN.VALIDATE of `cfg` asks for, of the model of `recipe`."""

    @abstractmethod
    def __call__(self) -> dict[str, float]:
        """Scores of the model as it is, by name, `key` among them."""

    def after_epoch(self, epoch: int, folder: Path) -> None:  # noqa: B027  (optional)
        """Called after every epoch, also without validation: may write pictures, say, below `folder`."""


class TrackingValidation(Validation):
    """Tracks the sequences with the model; see `validate`.

    Args:
        model: in training.
        make_tracker: makes a tracker of its `inference_copy`.
        sequences: with frames and ground truth.
        max_frames: of each; None for all.
    """

    def __init__(
        self,
        model: Any,
        make_tracker: Callable[[Any], TrackerLike],
        sequences: Sequence[Recording],
        max_frames: int | None = None,
    ) -> None:
        self.model, self.make_tracker = model, make_tracker
        self.sequences, self.max_frames = sequences, max_frames

    def __call__(self) -> dict[str, float]:
        copied = inference_copy(self.model)
        return validate(lambda: self.make_tracker(copied), self.sequences, self.max_frames)

    @classmethod
    def from_config(cls, cfg: CfgNode, recipe: Any, sequences: Sequence[Recording]) -> TrackingValidation:
        frames = cfg.TRAIN.VALIDATE.MAX_FRAMES or None
        return cls(recipe.model, lambda model: build_tracker(cfg, model), sequences, frames)


class Recipe(ABC):
    """Couples a model with the way it is trained. The loop knows only this.

    Attributes:
        validation: how the model is validated.
        model: what a snapshot holds.
        learner: `model` and everything else that learns beside it; the same object where there is nothing else.
        weights: factor of each loss in the total.
        config_keys: keys that `from_config` reads beside those of the loop.
        turns: who learns in turn, where adversaries do; each has an optimizer of its own, over the groups of its name.
    """

    config_keys: ClassVar[tuple[str, ...]] = ()
    validation: ClassVar[type[Validation]] = TrackingValidation
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

    @classmethod
    def from_config(cls, cfg: CfgNode, model: Any, device: torch.device) -> Recipe:
        """The recipe that `cfg` describes for `model`, which goes to `device`; a recipe in `RECIPES` must have it."""
        raise NotImplementedError


RECIPES: PartRegistry[type[Recipe]] = PartRegistry("training recipe", key="HEAD.TYPE", optional=True)
"""How the systems are trained: recipes by the HEAD.TYPE of the config, built with `from_config`."""


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

    @classmethod
    def from_config(cls, cfg: CfgNode) -> BackbonePlan:
        """What the group BACKBONE says."""
        return cls(cfg.BACKBONE.TRAIN_LAYERS, cfg.BACKBONE.TRAIN_EPOCH, cfg.BACKBONE.LAYERS_LR)


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
