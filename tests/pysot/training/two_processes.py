"""What two gloo processes do for the tests of distributed.py and sync_batchnorm.py; each leaves a file of results."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pysot.training import distributed
from pysot.training.distributed import (
    DistributedContext,
    all_reduce_gradients,
    all_reduce_mean,
    all_reduce_sum,
    barrier,
    broadcast_model,
    start,
    stop,
)
from pysot.training.sync_batchnorm import convert

WORLD = 2
SHARES = (3, 5)
"""Samples of each process: unequal, as at the end of an epoch."""


class Branches(nn.Module):
    """Process 0 does not reach `late`; nobody reaches `never`."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3)
        self.late = nn.Linear(4, 3)
        self.never = nn.Linear(2, 2)
        self.wide = nn.Parameter(torch.ones(4, dtype=torch.float64))

    def forward(self, image: Tensor, rank: int) -> Tensor:
        hidden = self.first(image).mean((2, 3)) * self.wide.float()
        return self.late(hidden).sum() if rank else hidden.sum()


def image_of(rank: int) -> Tensor:
    return torch.randn(2, 2, 6, 6, generator=torch.Generator().manual_seed(rank))


def seeded_branches() -> Branches:
    torch.manual_seed(7)
    return Branches()


def normed_net(kind: str) -> nn.Sequential:
    """Two batch norms, one inside another module; `kind` picks what they are like."""
    torch.manual_seed(3)
    options: dict[str, Any] = {"cumulative": {"momentum": None}, "plain": {"affine": False}}.get(kind, {})
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, bias=False),
        nn.BatchNorm2d(6, **options),
        nn.ReLU(),
        nn.Sequential(nn.BatchNorm2d(6, **options)),
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    net.double() if kind == "double" else net.float()
    if kind == "frozen":
        net[3].eval()
    if kind == "channels_last":
        net.to(memory_format=torch.channels_last)
    return net


KINDS = ("float", "double", "cumulative", "plain", "frozen", "channels_last")


def batches(kind: str, step: int) -> list[Tensor]:
    """One batch per process, in double precision far from zero mean, so that sums of squares would lose digits."""
    generator = torch.Generator().manual_seed(step)
    scale = torch.tensor([1.0, 5.0, 0.2])[:, None, None]
    offset = 1000.0 if kind == "double" else 1.0
    made = [scale * (torch.randn(n, 3, 7, 6, generator=generator, dtype=torch.float64) + offset) for n in SHARES]
    layout = torch.channels_last if kind == "channels_last" else torch.contiguous_format
    return [batch.to(torch.float64 if kind == "double" else torch.float32, memory_format=layout) for batch in made]


def loss_of(output: Tensor) -> Tensor:
    """A sum over samples, so that the losses of the parts add up to that of the whole; not symmetric in position."""
    ramp = torch.linspace(-1, 1, output[0].numel(), dtype=output.dtype).view(output[0].shape)
    return ((output * ramp).sin() + 0.1 * output**2 * ramp).sum()


def two_steps(net: nn.Sequential, kind: str, share: int | None) -> dict[str, Any]:
    """Forward and backward twice on one process's share of the batch, or (`share` None) exactly, on the whole batch."""
    net = net.double() if share is None else net
    outputs, input_gradients = [], []
    for step in range(2):
        parts = batches(kind, step)
        batch = (torch.cat(parts).double() if share is None else parts[share]).requires_grad_()
        output = net(batch)
        loss_of(output).backward()
        outputs.append(output.detach())
        input_gradients.append(batch.grad)
    all_reduce_gradients(net)
    return {
        "outputs": outputs,
        "input_gradients": input_gradients,
        "gradients": {name: parameter.grad for name, parameter in net.named_parameters()},
        "state": net.state_dict(),
    }


def _gradients(rank: int, reduce: Any, bucket_bytes: int) -> dict[str, Tensor | None]:
    model = seeded_branches()
    model(image_of(rank), rank).backward()
    usual, distributed.BUCKET_BYTES = distributed.BUCKET_BYTES, bucket_bytes
    all_reduce_gradients(model, reduce)
    distributed.BUCKET_BYTES = usual
    return {name: parameter.grad for name, parameter in model.named_parameters()}


def _identity_kept(kind: str) -> bool:
    """`convert` keeps keys, their order, the very parameters, modes and modules used twice."""
    net = normed_net(kind)
    net.add_module("again", net[1])
    before, parameters, modes = list(net.state_dict()), list(net.parameters()), [m.training for m in net.modules()]
    converted = convert(net)
    same = all(a is b for a, b in zip(parameters, converted.parameters(), strict=True))
    types = {type(module).__name__ for module in converted.modules()}
    kept = converted is net and before == list(net.state_dict()) and modes == [m.training for m in net.modules()]
    return same and kept and net[1] is net.again and "SyncBatchNorm2d" in types and "BatchNorm2d" not in types


def worker(rank: int, folder: Path) -> None:
    """The life of one process."""
    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(WORLD), LOCAL_RANK=str(rank))
    context = start(torch.device("cpu"), f"file://{folder / 'meeting'}")
    torch.manual_seed(rank)
    fresh = Branches().to(memory_format=torch.channels_last)
    broadcast_model(fresh)
    results: dict[str, Any] = {
        "context": [context.rank, context.world, context.local_rank, context == DistributedContext(rank, WORLD, rank)],
        "main": context.is_main,
        "sum": all_reduce_sum(torch.tensor([rank + 1.0, 5.0])),
        "mean": all_reduce_mean(torch.tensor(rank + 1.0)),
        "broadcast": fresh.state_dict(),
        "grad_sum": _gradients(rank, "sum", 2**20),
        "grad_avg": _gradients(rank, "avg", 64),
        "identity": [_identity_kept(kind) for kind in KINDS],
    }
    for kind in KINDS:
        results[kind] = two_steps(convert(normed_net(kind)), kind, rank)
    evaluating = convert(normed_net("float")).eval()
    results["eval"] = evaluating(batches("float", 0)[rank]).detach() if context.is_main else None
    barrier()
    stop()
    torch.save(results, folder / f"rank{rank}.pt")
