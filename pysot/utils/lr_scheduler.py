"""PySOT's learning-rate schedulers at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from pysot.compat.schedule import (
    CosStepScheduler,
    LinearStepScheduler,
    LogScheduler,
    LRs,
    LRScheduler,
    MultiStepScheduler,
    StepScheduler,
    WarmUPScheduler,
    build_lr_scheduler,
)

__all__ = [
    "CosStepScheduler",
    "LRScheduler",
    "LRs",
    "LinearStepScheduler",
    "LogScheduler",
    "MultiStepScheduler",
    "StepScheduler",
    "WarmUPScheduler",
    "build_lr_scheduler",
]
