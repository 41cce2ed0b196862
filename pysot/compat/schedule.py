"""PySOT's learning-rate schedulers: the courses of `pysot.training.schedule`, stepped by epoch."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch.optim import Optimizer, lr_scheduler

from pysot.compat.config import cfg
from pysot.training.schedule import course


class LRScheduler(lr_scheduler.LRScheduler):
    """Each group's initial rate, times the course of the epoch over its start.

    Attributes:
        lr_spaces: (epochs,) the course.
        start_lr: its value that belongs to the initial rates.
    """

    kind: ClassVar[str] = "log"

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1, *, epochs: int = 50, **options: Any) -> None:
        self._begin(optimizer, course("TRAIN.LR", self.kind, epochs, options), 0, last_epoch)

    def _begin(self, optimizer: Optimizer, rates: NDArray[np.float64], start: int, last_epoch: int) -> None:
        self.lr_spaces, self.start_lr = rates, float(rates[start])
        super().__init__(optimizer, last_epoch)

    def get_cur_lr(self) -> float:
        """The course at the present epoch."""
        return float(self.lr_spaces[self.last_epoch])

    def get_lr(self) -> list[float | Any]:
        factor = self.get_cur_lr() / self.start_lr
        return [group["initial_lr"] * factor for group in self.optimizer.param_groups]

    def step(self, epoch: int | None = None) -> None:
        """Goes to `epoch`, 0-based; to the next one without it."""
        if epoch is not None:
            self.last_epoch = epoch - 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch wants a step of the optimizer before the first epoch
            super().step()

    def __repr__(self) -> str:
        return f"({type(self).__name__}) lr spaces: \n{self.lr_spaces}"


class LogScheduler(LRScheduler):
    """Equal ratios."""


class StepScheduler(LRScheduler):
    """A factor after every so many epochs."""

    kind = "step"


class MultiStepScheduler(LRScheduler):
    """A factor at chosen epochs."""

    kind = "multi-step"


class LinearStepScheduler(LRScheduler):
    """Equal differences."""

    kind = "linear"


class CosStepScheduler(LRScheduler):
    """Half a cosine."""

    kind = "cos"


class WarmUPScheduler(LRScheduler):
    """The course of one scheduler after that of another; the initial rates belong to the first epoch of the former."""

    def __init__(
        self, optimizer: Optimizer, warmup: LRScheduler, normal: LRScheduler, epochs: int = 50, last_epoch: int = -1
    ) -> None:
        rates = np.concatenate([warmup.lr_spaces, normal.lr_spaces])
        self._begin(optimizer, rates, len(warmup.lr_spaces), last_epoch)


LRs = {
    kind.kind: kind for kind in (LogScheduler, StepScheduler, MultiStepScheduler, LinearStepScheduler, CosStepScheduler)
}


def build_lr_scheduler(optimizer: Optimizer, epochs: int = 50, last_epoch: int = -1) -> LRScheduler:
    """The scheduler that TRAIN.LR and TRAIN.LR_WARMUP of `pysot.core.config.cfg` describe. Raises `ConfigError`."""
    warm, normal = cfg.TRAIN.LR_WARMUP, cfg.TRAIN.LR
    if not warm.WARMUP:
        return LRs[normal.TYPE](optimizer, last_epoch, epochs=epochs, **normal.KWARGS)
    before = LRs[warm.TYPE](optimizer, last_epoch, epochs=warm.EPOCH, **warm.KWARGS)
    after = LRs[normal.TYPE](optimizer, last_epoch, epochs=epochs - warm.EPOCH, **normal.KWARGS)
    return WarmUPScheduler(optimizer, before, after, epochs, last_epoch)
