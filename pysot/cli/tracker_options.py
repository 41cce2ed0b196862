"""Which tracker a command runs: the options that say it, and how it is built in this process or in a worker."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from yacs.config import CfgNode

import pysot
from pysot.config.experiments import experiment_name
from pysot.config.loading import dump_config, load_config
from pysot.core.device import DEVICES, resolve_device
from pysot.core.errors import SotError
from pysot.tracker.base import Tracker
from pysot.tracker.builder import build_tracker, snapshot_name
from pysot.zoo.catalog import find_entry
from pysot.zoo.hashing import sha256_of
from pysot.zoo.locate import find_snapshot
from toolkit.baselines import OpenCVTracker
from toolkit.protocols.tracker import TrackerLike

OPENCV_PREFIX = "opencv:"


@dataclass(frozen=True)
class Experiment:
    """A tracker of this toolkit, checked: its config loads and its snapshot is a file on this machine."""

    config: str
    cfg: CfgNode
    weights: Path
    name: str

    def factory(self, device: str, threads: int) -> Callable[[], TrackerLike]:
        """Builds the tracker; can be sent to a worker process."""
        return functools.partial(load_in_process, self.cfg, self.weights, device, threads)

    def sharing_factory(self, device: str, threads: int | None) -> Callable[[], Tracker]:
        """Builds trackers that share one model, loaded now."""
        if threads:
            torch.set_num_threads(threads)
        model = pysot.load_tracker(config=self.cfg, snapshot=self.weights, device=device).model
        return lambda: build_tracker(self.cfg, model)

    def identity(self) -> dict[str, str]:
        """File name to text: what results are made with."""
        snapshot = f"{self.weights.name} sha256 {sha256_of(self.weights)}\n"
        return {"config.yaml": dump_config(self.cfg), "snapshot.txt": snapshot}


@dataclass(frozen=True)
class OpenCVBaseline:
    """One of OpenCV's own trackers, which need no weights."""

    kind: str

    @property
    def name(self) -> str:
        """What its results are called."""
        return f"opencv_{self.kind}"

    def factory(self, device: str, threads: int) -> Callable[[], TrackerLike]:
        """Builds the tracker; can be sent to a worker process."""
        return functools.partial(OpenCVTracker, self.kind)

    def sharing_factory(self, device: str, threads: int | None) -> Callable[[], TrackerLike]:
        """Builds a tracker per target."""
        return self.factory(device, threads or 1)

    def identity(self) -> dict[str, str]:
        """File name to text: what results are made with."""
        return {"config.yaml": f"opencv: {self.kind}\n"}


def add_tracker_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds --tracker, --config, --snapshot, --opts and --device."""
    who = parser.add_argument_group("which tracker")
    who.add_argument("--tracker", metavar="NAME", help="experiment name; or opencv:MIL, a baseline without weights")
    who.add_argument("--config", metavar="NAME|FILE", help="experiment name or YAML file")
    who.add_argument("--snapshot", metavar="NAME|FILE", help="zoo name or weights file; default: the experiment's own")
    who.add_argument("--opts", nargs="+", default=[], metavar="KEY VALUE", help="config keys to change")
    who.add_argument("--device", default="auto", metavar="{" + ",".join(DEVICES) + "}", help="default: auto")


def choose_tracker(args: argparse.Namespace, default: str | None = None) -> Experiment | OpenCVBaseline:
    """What the options of `add_tracker_arguments` mean; `default` when none of them says anything.

    Raises `SotError` when the options contradict each other or say nothing, the device or the config is wrong, or
    there is no snapshot; `ProtocolError` for an OpenCV tracker that this OpenCV has not.
    """
    resolve_device(args.device)
    if args.tracker and args.config:
        raise SotError(f"--tracker {args.tracker} and --config {args.config} both say what to run; give one of them.")
    if args.tracker and args.tracker.startswith(OPENCV_PREFIX):
        if args.snapshot or args.opts:
            raise SotError(f"--tracker {args.tracker} needs no weights; leave out --snapshot and --opts.")
        return OpenCVBaseline(OpenCVTracker(args.tracker.removeprefix(OPENCV_PREFIX)).name)
    config = args.tracker or args.config
    if not config and args.snapshot:  # the experiment a snapshot of the catalog was made for; any other's own name
        entry = find_entry(args.snapshot)
        config = entry.configs[0] if entry is not None and entry.configs else args.snapshot
    config = config or default
    if config is None:
        raise SotError("Nothing to run: give --config (an experiment or a YAML file), or --tracker NAME.")
    if config == args.snapshot and Path(config).is_file():
        raise SotError(f"--snapshot {config} is a file; say with --config which model its weights are for.")
    return open_experiment(config, args.snapshot, args.opts)


def open_experiment(
    config: str, snapshot: str | None, opts: Sequence[str] = (), *, download: bool = True
) -> Experiment:
    """Loads the config and finds the snapshot, by default the experiment's own; raises `SotError` otherwise."""
    cfg = load_config(config, opts)
    weights = find_snapshot(snapshot or snapshot_name(cfg, config), download=download)
    return Experiment(config, cfg, weights, default_name(config, snapshot))


def load_in_process(cfg: CfgNode, weights: Path, device: str, threads: int) -> Tracker:
    """Builds the tracker of one process, with `threads` torch threads."""
    torch.set_num_threads(threads)
    return pysot.load_tracker(config=cfg, snapshot=weights, device=device)


def default_name(config: str, snapshot: str | None) -> str:
    """What results are called when nobody says.

    The stem of the snapshot's file, as in PySOT; else its zoo name; without a snapshot the experiment's name.
    """
    if not snapshot:
        return experiment_name(config)
    return Path(snapshot).stem if Path(snapshot).is_file() else snapshot
