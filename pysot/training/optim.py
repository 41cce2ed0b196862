"""Optimizers over named groups of weights, each with its own learning rate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from pysot.core.errors import ConfigError
from pysot.core.registry import closest


@dataclass(frozen=True)
class Group:
    """Weights that share a learning rate: `factor` times that of the schedule. Each `turn` has an optimizer of its own
    (`Recipe.turns`).
    """

    name: str
    parameters: list[nn.Parameter]
    factor: float = 1.0
    turn: str = ""


def build_optimizer(
    kind: str, groups: Iterable[Group], base_lr: float, momentum: float, weight_decay: float
) -> Optimizer:
    """An optimizer over all groups that hold something to learn.

    Args:
        kind: sgd, adam, adamw or adagrad.
        momentum: SGD's momentum, or the first beta of the Adams.

    Each param group carries `name` and `factor`, from which `set_learning_rate` works.
    Raises `ConfigError` for another kind, or when no group has a weight.
    """
    param_groups = [
        {"params": group.parameters, "name": group.name, "factor": group.factor, "lr": base_lr * group.factor}
        for group in groups
        if group.parameters
    ]
    if not param_groups:
        raise ConfigError("There is nothing to train: every part is frozen. Check BACKBONE.TRAIN_LAYERS, TRAIN.PARTS.")
    if kind == "sgd":
        return torch.optim.SGD(param_groups, lr=base_lr, momentum=momentum, weight_decay=weight_decay)
    if kind == "adagrad":
        return torch.optim.Adagrad(param_groups, lr=base_lr, weight_decay=weight_decay)
    adams = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    if kind not in adams:
        known = ["sgd", "adagrad", *adams]
        raise ConfigError(
            f"TRAIN.OPTIMIZER: there is no optimizer '{kind}'.{closest(kind, known)} Known: {', '.join(known)}."
        )
    return adams[kind](param_groups, lr=base_lr, betas=(momentum, 0.999), weight_decay=weight_decay)


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Gives every group its share of the schedule's `rate`."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]


def learnable(module: nn.Module) -> list[nn.Parameter]:
    """The parameters of `module` that are not frozen."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]
