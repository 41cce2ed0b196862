"""PySOT's ways to fill a model with weights."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor, nn
from torch.optim import Optimizer

from pysot.core.device import device_of
from pysot.core.errors import SnapshotError
from pysot.zoo.loading import compare_keys, load_weights, read_torch_file

logger = logging.getLogger("global")

M = TypeVar("M", bound=nn.Module)


def check_keys(model: nn.Module, pretrained_state_dict: Mapping[str, Tensor]) -> bool:
    """Logs which keys the model and a state_dict do not share; True. Raises `SnapshotError` when they share none."""
    report = compare_keys(model, pretrained_state_dict)
    if len(report.unexpected) == len(pretrained_state_dict):
        raise SnapshotError(f"None of the weights fits this {type(model).__name__}:\n{report}")
    if not report.fits:
        logger.info("The weights fit this %s in part:\n%s", type(model).__name__, report)
    return True


def remove_prefix(state_dict: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The same values; `prefix` removed from the keys that start with it."""
    return {key.removeprefix(prefix): value for key, value in state_dict.items()}


def load_pretrain(model: M, pretrained_path: str) -> M:
    """Fills what it can of `model` from a snapshot, a checkpoint or an ImageNet network, and returns it.

    What does not fit is logged. The file is read without running anything in it. Raises `SnapshotError` when it cannot
    be read, no key fits, or a shape differs.
    """
    load_weights(model, pretrained_path)
    return model


def restore_from(model: M, optimizer: Optimizer, ckpt_path: str) -> tuple[M, Optimizer, int]:
    """`model` and `optimizer` as in a checkpoint of PySOT's training program, and its epoch. Raises `SnapshotError`."""
    checkpoint = read_torch_file(Path(ckpt_path), device_of(model))
    if not isinstance(checkpoint, dict) or not {"epoch", "state_dict", "optimizer"} <= set(checkpoint):
        raise SnapshotError(f"{ckpt_path} is no checkpoint; expected the keys epoch, state_dict and optimizer.")
    state = remove_prefix(checkpoint["state_dict"], "module.")
    check_keys(model, state)
    model.load_state_dict(state, strict=False)
    optimizer.load_state_dict(checkpoint["optimizer"])
    return model, optimizer, int(checkpoint["epoch"])
