"""What happens around the steps: logs, checkpoints, validation, the progress bar."""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from pysot.core.device import peak_memory_mib
from pysot.core.errors import TrainingError
from pysot.training.checkpoint import BEST, LATEST, epoch_path, keep_last, save_checkpoint
from pysot.training.distributed import barrier
from pysot.training.log import RunLog
from pysot.training.recipes.base import Validation
from pysot.training.trainer import Hook, StepReport, Trainer

logger = logging.getLogger(__name__)

TIMED_STEPS = 10
"""From which the duration of a run is estimated."""


class ProgressHook(Hook):
    """A bar over the whole run, with the time left and the latest loss."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._bar: Any = None

    def before_run(self, trainer: Trainer) -> None:
        total = trainer.params.epochs * trainer.steps_per_epoch
        hidden = self.quiet or not trainer.context.is_main
        self._bar = tqdm(total=total, initial=trainer.step_number, unit="step", disable=hidden, dynamic_ncols=True)

    def after_step(self, trainer: Trainer, report: StepReport) -> None:
        self._bar.set_postfix_str(f"epoch {trainer.epoch + 1} loss {report.total:.3f}", refresh=False)
        self._bar.update()

    def after_run(self, trainer: Trainer) -> None:
        if self._bar is not None:
            self._bar.close()


class DurationHook(Hook):
    """Says early in a run, once, about how long the rest of it takes, without validation, and the most memory it had.

    The first step, which also starts the loader, is not counted; `TIMED_STEPS` after it are.
    """

    def __init__(self) -> None:
        self._steps, self._since = 0, 0.0

    def after_step(self, trainer: Trainer, report: StepReport) -> None:
        self._steps += 1
        if self._steps == 1:
            self._since = time.perf_counter()
        left = trainer.params.epochs * trainer.steps_per_epoch - trainer.step_number
        if self._steps == TIMED_STEPS + 1 and left > 0:
            each = (time.perf_counter() - self._since) / TIMED_STEPS
            peak = peak_memory_mib(trainer.device)
            memory = "" if peak is None else f"; {peak:.0f} MiB at most so far, loader processes not counted"
            logger.info("%d steps are left, about %s at %.2f s a step%s", left, duration(left * each), each, memory)


def duration(seconds: float) -> str:
    """`2 h 05 min`, `7 min` or `40 s`: what a person wants to know of a long time."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


class LogHook(Hook):
    """Averages of the losses and of the speed, every `interval` steps, into `log`.

    Columns: each loss, `total`, `grad_norm`, `lr`, `epoch`, `pairs` seen, `pairs_per_s`, `wait` (share of the time the
    loader kept the loop waiting), `skipped_draws`, `skipped_steps`.
    """

    def __init__(self, log: RunLog, interval: int, batch_size: int) -> None:
        self.log, self.interval, self.batch_size = log, interval, batch_size
        self._reports: list[StepReport] = []
        self._since = time.perf_counter()

    def before_run(self, trainer: Trainer) -> None:
        self._since = time.perf_counter()

    def after_step(self, trainer: Trainer, report: StepReport) -> None:
        report.batch = {}
        self._reports.append(report)
        done = trainer.step_number
        if done % self.interval and trainer.iteration < trainer.steps_per_epoch:
            return
        elapsed, reports = time.perf_counter() - self._since, self._reports
        pairs_per_step = self.batch_size * trainer.context.world
        names = dict.fromkeys(name for r in reports for name in r.losses)  # those that learn in turn have their own
        values = {name: _mean([r.losses[name] for r in reports if name in r.losses]) for name in names}
        values |= {
            "total": _mean([r.total for r in reports]),
            "grad_norm": _mean([r.grad_norm for r in reports]),
            "lr": trainer.optimizer.param_groups[-1]["lr"],
            "epoch": trainer.epoch + trainer.iteration / trainer.steps_per_epoch,
            "pairs": done * pairs_per_step,
            "pairs_per_s": len(reports) * pairs_per_step / elapsed,
            "wait": sum(r.waited_s for r in reports) / elapsed,
            "skipped_draws": sum(r.skipped_draws for r in reports),
            "skipped_steps": sum(not r.stepped for r in reports),
        }
        self.log.scalars(done, values)
        self._reports, self._since = [], time.perf_counter()

    def after_run(self, trainer: Trainer) -> None:
        self.log.close()


def _mean(values: list[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan


class GradientHook(Hook):
    """Norms of the gradients, before they are clipped, and of the weights, every `interval` steps, into TensorBoard.

    Curves: `grad_all/NAME` and `weight_all/NAME` of every parameter that has a gradient, `w-g/NAME` their quotient;
    `grad/PART` of everything in a part of the model (`backbone`, `neck`, `rpn_head`, ...), and `grad/tot`.
    """

    def __init__(self, log: RunLog, interval: int) -> None:
        self.log, self.interval = log, interval

    @torch.no_grad()
    def after_backward(self, trainer: Trainer) -> None:
        step = trainer.step_number + 1  # the step that is going on
        if step % self.interval and trainer.iteration + 1 < trainer.steps_per_epoch:
            return
        curves: dict[str, float] = {}
        squares: dict[str, float] = {"tot": 0.0}
        for key, parameter in trainer.recipe.learner.named_parameters():
            if parameter.grad is None:
                continue
            name = key if trainer.recipe.learner is trainer.recipe.model else key.removeprefix("model.")
            gradient, weight = float(parameter.grad.norm()), float(parameter.norm())
            dotless = name.replace(".", "/")
            curves |= {f"grad_all/{dotless}": gradient, f"weight_all/{dotless}": weight}
            curves[f"w-g/{dotless}"] = weight / (gradient + 1e-20)
            part = name.partition(".")[0]
            for sum_of in (part, "tot"):
                squares[sum_of] = squares.get(sum_of, 0.0) + gradient**2
        curves |= {f"grad/{part}": math.sqrt(square) for part, square in squares.items()}
        self.log.curves(step, curves)


class CheckpointHook(Hook):
    """Writes `latest.pth` every `interval` steps, and `checkpoint_e%d.pth` after each epoch, of which `keep` stay.

    Args:
        extra: put into every checkpoint beside the trainer's state.
    """

    def __init__(self, folder: Path, interval: int, keep: int, extra: dict[str, Any]) -> None:
        self.folder, self.interval, self.keep, self.extra = folder, interval, keep, extra

    def after_step(self, trainer: Trainer, report: StepReport) -> None:
        if self.interval > 0 and trainer.iteration % self.interval == 0 and trainer.iteration < trainer.steps_per_epoch:
            self._write(trainer, self.folder / LATEST)

    def after_epoch(self, trainer: Trainer) -> None:
        self._write(trainer, epoch_path(self.folder, trainer.epoch))
        if trainer.context.is_main:
            keep_last(self.folder, self.keep)

    def _write(self, trainer: Trainer, path: Path) -> None:
        if trainer.context.is_main:
            save_checkpoint(path, {**trainer.state(), **self.extra})
        barrier()


class ValidationHook(Hook):
    """Scores the model as it is after every `interval`-th epoch and the last; keeps the best as `best.pth`.

    Args:
        validation: scores the model in its present state.
        folder: for `best.pth`.
        pictures: for what else the validation leaves.
        extra: put into `best.pth` beside the trainer's state.
    """

    def __init__(
        self,
        validation: Validation,
        folder: Path,
        pictures: Path,
        interval: int,
        log: RunLog,
        extra: dict[str, Any],
    ) -> None:
        self.validation, self.folder, self.pictures = validation, folder, pictures
        self.interval, self.log, self.extra = interval, log, extra

    def after_epoch(self, trainer: Trainer) -> None:
        due = trainer.epoch % self.interval == 0 or trainer.epoch == trainer.params.epochs
        if due and trainer.context.is_main:
            scores, key = self.validation(), self.validation.key
            self.log.scalars(trainer.step_number, {f"val/{name}": value for name, value in scores.items()})
            whole = ", ".join(f"{name} {value:.3f}" for name, value in scores.items() if "/" not in name)
            logger.info("epoch %d: validation %s", trainer.epoch, whole)
            if scores[key] > trainer.best:
                trainer.best = scores[key]
                save_checkpoint(self.folder / BEST, {**trainer.state(), **self.extra})
        if trainer.context.is_main:
            self.validation.after_epoch(trainer.epoch, self.pictures)
        barrier()


class FailureHook(Hook):
    """Stops a run whose weights have become useless without any loss saying so."""

    def after_epoch(self, trainer: Trainer) -> None:
        broken = [name for name, value in trainer.recipe.model.state_dict().items() if not value.isfinite().all()]
        if broken:
            raise TrainingError(
                f"After epoch {trainer.epoch} the weights {broken[:3]} are not finite. Lower TRAIN.BASE_LR, and go on "
                "from an earlier checkpoint with --resume PATH."
            )
