"""`tools/benchmark.py train`: does the data keep the network busy? Pairs per second of loading alone, of the network
alone, and of both together.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import cv2
import torch

from pysot.cli.command import EXIT_FINE, write_json
from pysot.config.loading import load_config
from pysot.core.device import DEVICES, device_name, resolve_device, synchronize
from pysot.core.errors import SotError
from pysot.datasets.builder import build_training_data
from pysot.training.builder import build_recipe
from pysot.training.distributed import DistributedContext
from pysot.training.loading import RunSampler, build_loader
from pysot.training.trainer import Trainer, TrainParams


@dataclass(frozen=True)
class Throughput:
    """Pairs per second.

    Attributes:
        loading: the loader alone, nothing else running.
        network: forward, backward and optimizer step on a batch that is already there.
        step: both together, as in training.
    """

    experiment: str
    device: str
    threads: int
    loader_processes: int
    batch_size: int
    loading: float
    network: float
    step: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("--config", required=True, metavar="NAME|FILE", help="experiment name or YAML file")
    parser.add_argument("--device", default="auto", metavar="{" + ",".join(DEVICES) + "}", help="default: auto")
    parser.add_argument("--threads", type=int, metavar="N", help="torch threads; default: torch's own choice")
    parser.add_argument("--steps", type=int, default=20, metavar="N", help="batches to time; default: 20")
    parser.add_argument("--warm-up", type=int, default=10, metavar="N", help="batches before; default: 10")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument("--opts", nargs=argparse.REMAINDER, default=[], metavar="KEY VALUE", help="keys to change")


def run(args: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    if args.steps < 1 or args.warm_up < 1 or (args.threads is not None and args.threads < 1):
        raise SotError(
            f"--steps {args.steps}, --warm-up {args.warm_up} and --threads {args.threads} must be 1 or more."
        )
    if args.threads:
        torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    report = measure(args.config, args.opts, resolve_device(args.device), args.steps, args.warm_up)
    print(table(report))
    write_json(args.json, asdict(report))
    return EXIT_FINE


def measure(config: str, opts: list[str], device: torch.device, steps: int, warm_up: int) -> Throughput:
    """Times `steps` batches of each kind after `warm_up` others, which also fill the cache of decoded frames."""
    cfg = load_config(config, opts)
    batch_size, total = cfg.TRAIN.BATCH_SIZE, warm_up + steps
    dataset = build_training_data(cfg)
    sampler = RunSampler(3 * total, batch_size, DistributedContext())
    loader = build_loader(dataset, sampler, device, cfg.TRAIN.NUM_WORKERS, cfg.DATASET.CACHE_MIB)
    trainer = Trainer(build_recipe(cfg, device), loader, 3 * total, TrainParams.from_config(cfg), DistributedContext())
    trainer.enter_epoch()
    batches = trainer.batches()
    ready = next(batches)

    def seconds(work: Iterator[Any]) -> float:
        for _ in islice(work, warm_up):
            pass
        synchronize(device)
        began = time.perf_counter()
        for _ in islice(work, steps):
            pass
        synchronize(device)
        return time.perf_counter() - began

    pairs = batch_size * steps
    together = seconds(trainer.step(batch) for batch in batches)
    loading = seconds(batches)
    del batches  # ends the loader's processes, so that they do not run beside the network
    network = seconds(trainer.step(batch) for batch in repeat(ready))
    return Throughput(
        experiment=config,
        device=device_name(device),
        threads=torch.get_num_threads(),
        loader_processes=cfg.TRAIN.NUM_WORKERS,
        batch_size=batch_size,
        loading=round(pairs / loading, 1),
        network=round(pairs / network, 1),
        step=round(pairs / together, 1),
    )


def table(report: Throughput) -> str:
    """The report as text."""
    return "\n".join(
        [
            f"{report.experiment}: batches of {report.batch_size}, {report.loader_processes} loader process(es)",
            f"{report.device}, {report.threads} thread(s)",
            "",
            f"loading alone  {report.loading:8.1f} pairs/s",
            f"network alone  {report.network:8.1f} pairs/s",
            f"whole step     {report.step:8.1f} pairs/s",
            f"loading is {report.loading / report.step:.1f} times as fast as training",
        ]
    )
