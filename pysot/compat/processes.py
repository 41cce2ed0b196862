"""PySOT's way to train in several processes, over `pysot.training.distributed`."""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import nn

from pysot.compat.config import cfg
from pysot.core.device import device_of_rank
from pysot.core.errors import TrainingError
from pysot.tracker.builder import device_for
from pysot.training.distributed import (
    DistributedContext,
    all_reduce_gradients,
    all_reduce_mean,
    broadcast_model,
    start,
    world_size,
)

_joined: list[DistributedContext] = []


def dist_init() -> tuple[int, int]:
    """Joins the processes that `torchrun` started, if it did; the number of this one, and how many there are.

    Raises `TrainingError` when they cannot meet.
    """
    _joined[:] = [start(device_for(cfg, "auto"))]
    return _joined[0].rank, _joined[0].world


def get_rank() -> int:
    """The number of this process, 0-based. Raises `TrainingError` before `dist_init`."""
    return _context().rank


def get_world_size() -> int:
    """How many processes there are. Raises `TrainingError` before `dist_init`."""
    return _context().world


def average_reduce(v: float) -> float:
    """The mean of a number over all processes."""
    if get_world_size() == 1:
        return v
    device = device_of_rank(device_for(cfg, "auto"), _context().local_rank)
    return float(all_reduce_mean(torch.tensor(float(v), device=device)))


class DistModule(nn.Module):
    """`module`, the same in all processes; `bn_method` says what becomes of its buffers before each forward pass:
    nothing (0), those of the main process (1), their means (2).
    """

    def __init__(self, module: nn.Module, bn_method: int = 0) -> None:
        super().__init__()
        self.module, self.bn_method = module, bn_method if get_world_size() > 1 else 0
        broadcast_params(module)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        broadcast_buffers(self.module, self.bn_method)
        return self.module(*args, **kwargs)


def broadcast_params(model: nn.Module) -> None:
    """Gives every process the parameters and buffers of the main one."""
    broadcast_model(model)


def broadcast_buffers(model: nn.Module, method: int = 0) -> None:
    """Makes the buffers of all processes the same, as `DistModule` says."""
    if method not in (0, 1, 2):
        raise TrainingError(f"bn_method is {method}; expected 0, 1 or 2.")
    for buffer in model.buffers() if method and world_size() > 1 else ():
        if method == 1:
            dist.broadcast(buffer, 0)
        elif buffer.is_floating_point():
            buffer.copy_(all_reduce_mean(buffer))


def reduce_gradients(model: nn.Module, _type: Literal["sum", "avg"] = "sum") -> None:
    """Adds up, or averages, the gradients of all processes."""
    all_reduce_gradients(model, _type)


def _context() -> DistributedContext:
    if not _joined:
        raise TrainingError("This process has joined no others. Call dist_init() first; it also serves a single one.")
    return _joined[0]
