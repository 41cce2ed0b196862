"""Batches by their position in the run, read by this process or by others."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from pysot.core.device import is_cpu
from pysot.datasets.sources.images import set_cache_size
from pysot.training.distributed import DistributedContext


class RunSampler(Sampler[list[int]]):
    """The positions of every batch of this process, from step `first` of the run to its last.

    All processes together take consecutive positions in one step, so that N processes with batches of B/N see in
    every step what one process with batches of B sees.
    """

    def __init__(self, steps: int, batch_size: int, context: DistributedContext, first: int = 0) -> None:
        self.steps, self.batch_size, self.context, self.first = steps, batch_size, context, first

    def __len__(self) -> int:
        return self.steps - self.first

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first, self.steps):
            start = (step * self.context.world + self.context.rank) * self.batch_size
            yield list(range(start, start + self.batch_size))


def build_loader(
    dataset: Dataset[dict[str, Any]], sampler: RunSampler, device: torch.device, count: int, cache_mib: float
) -> DataLoader[dict[str, Any]]:
    """Batches in the order of `sampler`.

    Args:
        device: where they go.
        count: processes that read them; 0: this one.
        cache_mib: memory for decoded frames, all of these processes together.
    """
    if count == 0:
        set_cache_size(cache_mib)
    else:  # here, not in the forked readers: there OpenCV would wait for ever for the threads of its parent
        cv2.setNumThreads(1)
    return DataLoader(
        dataset,
        batch_sampler=sampler,
        num_workers=count,
        worker_init_fn=partial(start_reader, cache_mib // max(count, 1)),
        pin_memory=not is_cpu(device),
        prefetch_factor=4 if count else None,
        generator=torch.Generator(),  # the loader's own draws must not move the global generator
    )


def start_reader(cache_mib: float, worker: int) -> None:
    """Called in each loader process: one thread, and its share of the cache of decoded frames."""
    torch.set_num_threads(1)
    if cv2.getNumThreads() != 1:  # never in a forked process: see build_loader
        cv2.setNumThreads(1)
    set_cache_size(cache_mib)
