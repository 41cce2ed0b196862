"""Several processes, one model: what `torchrun` starts, and what they exchange.

A single process needs nothing: no environment variable is read beyond noticing that there is none, no process group is
made, and every function here does what it says for one process.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn

from pysot.core.device import collective_backend, device_of_rank
from pysot.core.errors import TrainingError
from pysot.core.moved import old_names

if not TYPE_CHECKING:
    __getattr__ = old_names(__name__)  # what pickles and scripts may call otherwise

BUCKET_BYTES = 25 * 2**20
"""Gradients are sent in pieces of at most about this size: few messages, little extra memory."""
TIMEOUT = timedelta(minutes=30)
"""How long a process waits for the others; the main one validates and writes checkpoints meanwhile."""


@dataclass(frozen=True)
class DistributedContext:
    """This process among all of a run.

    Attributes:
        rank: its number, 0-based; number 0 is the main one, which logs, validates and writes checkpoints.
        world: how many there are.
        local_rank: its number on its own machine, which picks its CUDA device.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0

    @property
    def is_main(self) -> bool:
        """True for the one process that logs, validates and writes checkpoints."""
        return self.rank == 0


def context_from_environment() -> DistributedContext:
    """What torchrun says of this process in RANK, WORLD_SIZE and LOCAL_RANK; one process where WORLD_SIZE is not set.

    Launchers of one machine may leave LOCAL_RANK out: it is RANK then.

    Raises `TrainingError` when the variables contradict each other.
    """
    if "WORLD_SIZE" not in os.environ:
        return DistributedContext()
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    found = {name: os.environ.get(name, "") for name in names}
    found["LOCAL_RANK"] = os.environ.get("LOCAL_RANK", found["RANK"])
    try:
        context = DistributedContext(*(int(value) for value in found.values()))
    except ValueError:
        context = DistributedContext(-1)
    if not 0 <= context.rank < context.world or context.local_rank < 0:
        listed = ", ".join(f"{name}={value!r}" for name, value in found.items())
        raise TrainingError(
            f"The environment says {listed}; expected three whole numbers with 0 <= RANK < WORLD_SIZE. "
            "Start with torchrun --nproc_per_node=N, or unset WORLD_SIZE."
        )
    return context


def start(device: torch.device, init_method: str = "env://") -> DistributedContext:
    """Joins the other processes of the run, if there are any: nccl between CUDA devices, gloo otherwise.

    Args:
        device: what every process computes on; the device of this one is `device_of_rank(device, context.local_rank)`.
        init_method: where the processes meet; by default at the address torchrun set.

    Raises `TrainingError` when they cannot meet, `DeviceError` when there are fewer CUDA devices than processes.
    """
    context = context_from_environment()
    if context.world == 1:
        return context
    device_of_rank(device, context.local_rank)
    backend = collective_backend(device)
    try:
        dist.init_process_group(
            backend, init_method=init_method, rank=context.rank, world_size=context.world, timeout=TIMEOUT
        )
    except (ValueError, RuntimeError, OSError) as error:
        raise TrainingError(
            f"Process {context.rank} of {context.world} cannot join the others by {backend} at {init_method}: {error}. "
            "Start all of them with one torchrun command, or unset WORLD_SIZE for a single process."
        ) from error
    return context


def stop() -> None:
    """Leaves the other processes."""
    if _joined():
        dist.destroy_process_group()


def world_size() -> int:
    """How many processes share the run; 1 when none was started."""
    return dist.get_world_size() if _joined() else 1


def barrier() -> None:
    """Waits until every process is here."""
    if _joined():
        dist.barrier()


def all_reduce_sum(tensor: Tensor) -> Tensor:
    """The sum of `tensor` over all processes, as a new tensor; shape and type must agree everywhere."""
    total = tensor.detach().clone()
    if _joined():
        dist.all_reduce(total)
    return total


def all_reduce_mean(tensor: Tensor) -> Tensor:
    """The mean of the floating `tensor` over all processes, as a new tensor."""
    return all_reduce_sum(tensor) / world_size()


@torch.no_grad()
def broadcast_model(model: nn.Module) -> None:
    """Gives every process the parameters and buffers of the main one, in place."""
    if _joined():
        for tensor in (*model.parameters(), *model.buffers()):
            whole = tensor.detach().contiguous()
            dist.broadcast(whole, src=0)
            tensor.copy_(whole)


@torch.no_grad()
def all_reduce_gradients(model: nn.Module, reduce: Literal["sum", "avg"] = "sum") -> None:
    """Adds up the gradients of all processes, in place, after `backward` and before they are clipped.

    A parameter that had a gradient in some processes only has one in all of them afterwards; one that had none
    anywhere keeps none.

    Args:
        model: the same parts trainable in every process.
        reduce: `sum`, as PySOT does (docs/systems/siamrpn.md, Schedule), or `avg` to divide by the number of processes.
    """
    if not _joined():
        return
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        return
    present = torch.tensor([parameter.grad is not None for parameter in parameters], dtype=torch.int32)
    somewhere = all_reduce_sum(present.to(parameters[0].device)).tolist()
    gradients = []
    for parameter, count in zip(parameters, somewhere, strict=True):
        if count:
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            gradients.append(parameter.grad)
    divisor = world_size() if reduce == "avg" else 1
    for bucket in _buckets(gradients):
        flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
        dist.all_reduce(flat)
        flat /= divisor
        parts = flat.split([gradient.numel() for gradient in bucket])
        for gradient, part in zip(bucket, parts, strict=True):
            gradient.copy_(part.view(gradient.shape))


def _buckets(tensors: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    """`tensors` of one type and device together, in pieces of about `BUCKET_BYTES`."""
    groups: dict[tuple[torch.dtype, torch.device], list[Tensor]] = {}
    for tensor in tensors:
        group = groups.setdefault((tensor.dtype, tensor.device), [])
        group.append(tensor)
        if sum(member.numel() * member.element_size() for member in group) >= BUCKET_BYTES:
            yield group
            groups[tensor.dtype, tensor.device] = []
    yield from (group for group in groups.values() if group)


def _joined() -> bool:
    return dist.is_available() and dist.is_initialized()
