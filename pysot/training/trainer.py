"""The training loop. What a system learns is in its recipe, what happens around the steps is in the hooks."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader
from yacs.config import CfgNode

from pysot.core.checks import check_choice
from pysot.core.device import device_of
from pysot.core.errors import SnapshotError, TrainingError
from pysot.training.checkpoint import rng_state, set_rng_state
from pysot.training.distributed import DistributedContext, all_reduce_gradients, all_reduce_mean, all_reduce_sum
from pysot.training.losses import Mean
from pysot.training.optim import build_optimizer, set_learning_rate
from pysot.training.recipes.base import Batch, Recipe
from pysot.training.schedule import learning_rates
from pysot.zoo.loading import compare_keys

DESCRIBED = 8
"""How many pairs of a bad batch a message tells the origin of."""
DIVERGED = 1e4
"""A finite loss above this is passed over without a step (docs/systems/siamrpn.md, Schedule)."""


@dataclass(frozen=True)
class TrainParams:
    """The numbers of a run.

    Attributes:
        epochs: when to stop.
        rates: (epochs,) learning rate of each epoch.
        optimizer, momentum, weight_decay: see `build_optimizer`.
        grad_clip: largest norm of all gradients together; 0 for no limit.
        grad_reduce: over processes, "sum" (PySOT) or "avg"; with "avg" every mean in the losses is over all processes.
        amp: precision of the autocast regions, or None for float32 throughout.
    """

    epochs: int
    rates: NDArray[np.float64]
    optimizer: str = "sgd"
    momentum: float = 0.9
    weight_decay: float = 1e-4
    grad_clip: float = 10.0
    grad_reduce: Literal["sum", "avg"] = "sum"
    amp: torch.dtype | None = None

    @classmethod
    def from_config(cls, cfg: CfgNode) -> TrainParams:
        """What the group TRAIN says."""
        train, warmup = cfg.TRAIN, cfg.TRAIN.LR_WARMUP
        precisions = {"bf16": torch.bfloat16, "fp16": torch.float16}
        check_choice("TRAIN.AMP_DTYPE", train.AMP_DTYPE, precisions)
        check_choice("TRAIN.GRAD_REDUCE", train.GRAD_REDUCE, ("sum", "avg"))
        rates = learning_rates(
            train.EPOCH,
            train.LR.TYPE,
            dict(train.LR.KWARGS),
            base_lr=train.BASE_LR,
            warmup_epochs=warmup.EPOCH if warmup.WARMUP else 0,
            warmup_kind=warmup.TYPE,
            warmup_options=dict(warmup.KWARGS),
        )
        return cls(
            epochs=train.EPOCH,
            rates=rates,
            optimizer=train.OPTIMIZER,
            momentum=train.MOMENTUM,
            weight_decay=train.WEIGHT_DECAY,
            grad_clip=train.GRAD_CLIP,
            grad_reduce=train.GRAD_REDUCE,
            amp=precisions[train.AMP_DTYPE] if train.AMP else None,
        )


@dataclass
class StepReport:
    """What one step did: its losses (means over processes), the gradient's norm before clipping, draws passed over,
    and the seconds it waited for its batch."""

    losses: dict[str, float]
    total: float
    grad_norm: float = math.nan
    skipped_draws: int = 0
    waited_s: float = 0.0
    stepped: bool = True
    batch: Batch = field(default_factory=dict, repr=False)


class Hook:
    """Something that happens around the steps. Every method may be left out."""

    def before_run(self, trainer: Trainer) -> None: ...

    def after_backward(self, trainer: Trainer) -> None:
        """Called when the gradients of all processes are added up, and not yet clipped."""

    def after_step(self, trainer: Trainer, report: StepReport) -> None: ...

    def after_epoch(self, trainer: Trainer) -> None: ...

    def after_run(self, trainer: Trainer) -> None:
        """Called however the run ends."""


class Trainer:
    """Runs a recipe to its last epoch, from wherever it stands.

    Attributes:
        epoch: finished epochs; while a step runs, the number (from 0) of the current one.
        iteration: finished steps of the current epoch.

    Args:
        recipe: model and losses.
        loader: yields one batch per step, from the current step to the end of the run.
        steps_per_epoch: optimizer steps of one epoch.
        params: the numbers.
        context: the processes that train together, and which of them this is.
        hooks: called in order.
    """

    def __init__(
        self,
        recipe: Recipe,
        loader: DataLoader[dict[str, Any]],
        steps_per_epoch: int,
        params: TrainParams,
        context: DistributedContext,
        hooks: Sequence[Hook] = (),
    ) -> None:
        self.recipe, self.loader, self.params = recipe, loader, params
        self.steps_per_epoch, self.context, self.hooks = steps_per_epoch, context, list(hooks)
        self.epoch, self.iteration = 0, 0
        self.best: float = -math.inf
        self._stage = -1
        self.optimizers: dict[str, Optimizer] = {}
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=params.amp == torch.float16)

    @property
    def device(self) -> torch.device:
        """Where the model lives."""
        return device_of(self.recipe.model)

    @property
    def optimizer(self) -> Optimizer:
        """Of those that learn in turn, the first one's."""
        return self.optimizers[self.recipe.turns[0]]

    @property
    def step_number(self) -> int:
        """Finished steps of the whole run."""
        return self.epoch * self.steps_per_epoch + self.iteration

    def run(self) -> None:
        """Trains to the last epoch."""
        self.enter_epoch()
        try:
            self._call("before_run")
            asked = time.perf_counter()
            for batch in self.batches():
                waited = time.perf_counter() - asked
                report = self.step(batch)
                report.waited_s = waited
                self._call("after_step", report)
                if self.iteration == self.steps_per_epoch:
                    self.epoch, self.iteration = self.epoch + 1, 0
                    self._call("after_epoch")
                    self.enter_epoch()
                asked = time.perf_counter()
        finally:
            self._call("after_run")

    def _call(self, event: str, *arguments: Any) -> None:
        for hook in self.hooks:
            getattr(hook, event)(self, *arguments)

    def batches(self) -> Iterator[Batch]:
        """The batches of the rest of the run, on the model's device."""
        left = self.params.epochs * self.steps_per_epoch - self.step_number
        if left <= 0:
            return
        for _, batch in zip(range(left), self.loader, strict=False):
            yield {
                key: value.to(self.device, non_blocking=True) if isinstance(value, Tensor) else value
                for key, value in batch.items()
            }

    def enter_epoch(self) -> None:
        """Sets what the current epoch trains, with which rates; a new stage gets a new optimizer."""
        if self.epoch >= self.params.epochs:
            return
        stage = self.recipe.stage(self.epoch)
        if stage != self._stage:
            self._stage = stage
            params = self.params
            groups = self.recipe.enter(stage)
            rate = float(params.rates[self.epoch])
            self.optimizers = {
                turn: build_optimizer(
                    params.optimizer,
                    [group for group in groups if group.turn == turn],
                    rate,
                    params.momentum,
                    params.weight_decay,
                )
                for turn in self.recipe.turns
            }
        for optimizer in self.optimizers.values():
            set_learning_rate(optimizer, float(self.params.rates[self.epoch]))

    def step(self, batch: Batch) -> StepReport:
        """One forward, backward and optimizer step.

        Raises `TrainingError` when a loss or a gradient is not finite, before the weights are touched.
        """
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        turn = self.recipe.turn(self.step_number)
        with torch.autocast(self.device.type, self.params.amp, enabled=self.params.amp is not None):
            losses = self.recipe.losses_of(turn, batch, self.mean)
        total = self.recipe.total(losses)
        report = self._report(losses, total, batch)
        if not math.isfinite(report.total):
            raise TrainingError(self._not_finite("The loss", report))
        if report.total > DIVERGED:
            report.stepped = False
        else:
            self._update(self.optimizers[turn], total, report)
        self.iteration += 1
        return report

    def _update(self, optimizer: Optimizer, total: Tensor, report: StepReport) -> None:
        self.scaler.scale(total).backward()
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        all_reduce_gradients(self.recipe.learner, self.params.grad_reduce)
        self.scaler.unscale_(optimizer)
        self._call("after_backward")
        limit = self.params.grad_clip if self.params.grad_clip > 0 else math.inf
        report.grad_norm = float(torch.nn.utils.clip_grad_norm_(parameters, limit))
        report.stepped = math.isfinite(report.grad_norm)
        if not report.stepped and not self.scaler.is_enabled():
            raise TrainingError(self._not_finite("The gradient", report))
        self.scaler.step(optimizer)  # passes over a step whose float16 gradients overflowed
        self.scaler.update()

    def mean(self, part: Mean) -> Tensor:
        """The mean that is minimized. With GRAD_REDUCE avg, divides by the count over all processes, so that the
        averaged gradient is that of one process with the whole batch."""
        if self.context.world == 1 or self.params.grad_reduce == "sum":
            return part.value()
        count = all_reduce_sum(part.count)
        return part.total * self.context.world / count.clamp(min=1)

    def _report(self, losses: Mapping[str, Tensor], total: Tensor, batch: Batch) -> StepReport:
        """Losses averaged over processes, so that all of them decide alike."""
        skipped = batch["skipped"].sum().to(total) if "skipped" in batch else total.new_zeros(())
        values = torch.stack([*(value.detach().float() for value in losses.values()), total.detach(), skipped])
        *parts, mean_total, draws = all_reduce_mean(values).tolist()
        named = dict(zip(losses, parts, strict=True))
        return StepReport(named, mean_total, skipped_draws=round(draws * self.context.world), batch=batch)

    def _not_finite(self, what: str, report: StepReport) -> str:
        where = f"epoch {self.epoch + 1}, step {self.iteration + 1}"
        losses = ", ".join(f"{name} {value:g}" for name, value in report.losses.items())
        positions = [int(index) for index in report.batch["index"]] if "index" in report.batch else []
        describe, origins = getattr(getattr(self.loader, "dataset", None), "describe", None), ""
        if describe is not None and positions:
            origins = ":\n  " + "\n  ".join(describe(position) for position in positions[:DESCRIBED]) + "\n"
        return (
            f"{what} is not finite at {where} ({losses}; gradient norm {report.grad_norm:g}). Batch of the training "
            f"pairs {positions}{origins}. The weights were not changed. Look at the pairs, lower "
            "TRAIN.BASE_LR or TRAIN.GRAD_CLIP, then go on from the last checkpoint with --resume auto."
        )

    def state(self) -> dict[str, Any]:
        """Everything from which the run goes on exactly."""
        optimizers = {turn: optimizer.state_dict() for turn, optimizer in self.optimizers.items()}
        return {
            "epoch": self.epoch,
            "iteration": self.iteration,
            "state_dict": self.recipe.model.state_dict(),
            "learner": {} if self.recipe.learner is self.recipe.model else self.recipe.learner.state_dict(),
            "optimizer": optimizers.get("", optimizers),  # the one without turns is stored as PySOT does
            "stage": self._stage,
            "scaler": self.scaler.state_dict(),
            "rng": rng_state(),
            "best": self.best,
            "steps_per_epoch": self.steps_per_epoch,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Goes back to what `state` returned.

        Raises `SnapshotError` when it is of another architecture or was made with other batches.
        """
        report = compare_keys(self.recipe.model, state["state_dict"])
        if not report.fits:
            raise SnapshotError(
                f"The checkpoint is of another architecture than the config:\n{report}\nResume with the config the "
                "run was started with, or start anew with TRAIN.PRETRAINED."
            )
        if state["steps_per_epoch"] != self.steps_per_epoch:
            raise SnapshotError(
                f"The checkpoint is of a run with {state['steps_per_epoch']} steps an epoch, this one has "
                f"{self.steps_per_epoch}. Resume with the same TRAIN.BATCH_SIZE, DATASET and number of processes."
            )
        self.recipe.model.load_state_dict(state["state_dict"])
        if self.recipe.learner is not self.recipe.model:
            self.recipe.learner.load_state_dict(state["learner"])
        self.epoch, self.iteration, self.best = state["epoch"], state["iteration"], state["best"]
        self.enter_epoch()
        if self._stage == state["stage"]:  # else a stage starts with this epoch, and with a new optimizer
            for turn, optimizer in self.optimizers.items():
                optimizer.load_state_dict(state["optimizer"][turn] if turn else state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        set_rng_state(state["rng"])
