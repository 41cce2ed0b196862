"""Learning rates over epochs (docs/systems/siamrpn.md, Schedule). Names and options are those of TRAIN.LR and
TRAIN.LR_WARMUP.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pysot.core.checks import check
from pysot.core.errors import ConfigError
from pysot.core.registry import closest

logger = logging.getLogger(__name__)


def learning_rates(
    epochs: int,
    kind: str = "log",
    options: Mapping[str, Any] | None = None,
    *,
    base_lr: float = 0.005,
    warmup_epochs: int = 0,
    warmup_kind: str = "step",
    warmup_options: Mapping[str, Any] | None = None,
) -> NDArray[np.float64]:
    """The learning rate of every epoch.

    Args:
        epochs: of the whole run, warm-up included.
        kind: log, step, multi-step, linear or cos: the course after the warm-up.
        options: arguments of `kind`: start_lr, end_lr and, for the steps, step, steps, mult.
        base_lr: rate of the first epoch after the warm-up; the whole curve is scaled to it, as PySOT does.
        warmup_epochs: length of the warm-up; 0 for none. One that leaves no epoch is shortened, with a warning.
        warmup_kind, warmup_options: its course, before the scaling.

    Returns:
        (epochs,) float64, all positive.

    Raises:
        ConfigError: an unknown kind or option, a value out of its range.
    """
    check(epochs >= 1, "TRAIN.EPOCH", epochs, "1 or more")
    check(warmup_epochs >= 0, "TRAIN.LR_WARMUP.EPOCH", warmup_epochs, "0 or more")
    if warmup_epochs >= epochs:
        logger.warning(
            "A warm-up of %d epochs leaves none of TRAIN.EPOCH %d; it is shortened to %d. TRAIN.LR_WARMUP sets it.",
            warmup_epochs,
            epochs,
            epochs - 1,
        )
        warmup_epochs = epochs - 1
    main = course("TRAIN.LR", kind, epochs - warmup_epochs, options or {})
    warmup = course("TRAIN.LR_WARMUP", warmup_kind, warmup_epochs, warmup_options or {}) if warmup_epochs else main[:0]
    return np.concatenate([warmup, main]) * (base_lr / main[0])


def course(key: str, kind: str, epochs: int, options: Mapping[str, Any]) -> NDArray[np.float64]:
    """The rates of one part of the run; messages name the config group `key`."""
    if kind not in _COURSES:
        raise ConfigError(
            f"{key}.TYPE: there is no schedule '{kind}'.{closest(kind, _COURSES)} Known: {', '.join(_COURSES)}."
        )
    try:
        rates = _COURSES[kind](epochs, **options)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ConfigError(f"{key}.KWARGS {dict(options)} do not fit TYPE {kind}: {error}.") from error
    if not (np.isfinite(rates).all() and (rates > 0).all()):
        raise ConfigError(
            f"{key}.KWARGS {dict(options)} with TYPE {kind} give the rates {rates.tolist()}; all must be positive."
        )
    return rates


def _log(epochs: int, start_lr: float = 0.03, end_lr: float = 5e-4) -> NDArray[np.float64]:
    """Equal ratios from the first epoch to the last."""
    if start_lr <= 0 or end_lr <= 0:
        raise ValueError(f"start_lr {start_lr} and end_lr {end_lr} must be positive")
    return np.logspace(np.log10(start_lr), np.log10(end_lr), epochs)


def _step(
    epochs: int, start_lr: float = 0.01, end_lr: float | None = None, step: int = 10, mult: float = 0.1
) -> NDArray[np.float64]:
    """Times `mult` after every `step` epochs; `end_lr` sets `mult` so that epoch number `epochs` would have it."""
    if step < 1 or (end_lr is not None and epochs < step):
        raise ValueError(f"step is {step}; expected 1 or more, and with end_lr at most the {epochs} epochs")
    if end_lr is not None:
        mult = (end_lr / start_lr) ** (1 / (epochs // step))
    return start_lr * np.power(float(mult), np.arange(epochs) // step)


def _multi_step(
    epochs: int,
    start_lr: float = 0.01,
    end_lr: float | None = None,
    steps: Sequence[int] = (10, 20, 30, 40),
    mult: float = 0.5,
) -> NDArray[np.float64]:
    """Times `mult` from each of the epochs in `steps` on; `end_lr` sets `mult` so that the last step reaches it."""
    if end_lr is not None:
        if not steps:
            raise ValueError("steps is empty, so that end_lr cannot be reached")
        mult = (end_lr / start_lr) ** (1 / len(steps))
    passed = (np.arange(epochs)[:, None] >= np.asarray(steps, dtype=np.int64)[None, :]).sum(axis=1)
    return start_lr * np.power(float(mult), passed)


def _linear(epochs: int, start_lr: float = 0.01, end_lr: float = 0.005) -> NDArray[np.float64]:
    """Equal differences from the first epoch to the last."""
    return np.linspace(start_lr, end_lr, epochs)


def _cos(epochs: int, start_lr: float = 0.01, end_lr: float = 0.005) -> NDArray[np.float64]:
    """Half a cosine that would reach `end_lr` one epoch after the last."""
    return end_lr + (start_lr - end_lr) * (1 + np.cos(np.pi * np.arange(epochs) / epochs)) / 2


_COURSES = {"log": _log, "step": _step, "multi-step": _multi_step, "linear": _linear, "cos": _cos}
