"""`tools/benchmark.py`: how fast a tracker is on this machine, stage by stage, and what memory it takes.

`tools/benchmark.py eval` measures the scoring instead, `train` the training, `select` the choice of channels.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from pysot.cli.benchmark.stages import RARE_STAGES, Stopwatch
from pysot.cli.command import EXIT_FINE, write_json
from pysot.config.experiments import experiment_name
from pysot.config.loading import load_config
from pysot.core.device import DEVICES, device_name, peak_memory_mib, resolve_device
from pysot.core.errors import SnapshotError, SotError
from pysot.models.builder import build_model
from pysot.models.inference import prepare_for_inference
from pysot.tracker.base import State, Tracker
from pysot.tracker.builder import build_tracker, snapshot_name
from pysot.tracker.online import OnlineTracker
from pysot.zoo.loading import load_snapshot
from pysot.zoo.locate import find_snapshot
from toolkit.datasets import Image
from toolkit.synthetic import random_scene

_WARM_UP = 5
_SEED = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    add_model_arguments(parser)
    parser.add_argument("--frames", type=int, default=60, metavar="N", help="frames to time; default: 60")
    parser.add_argument("--size", default="640x480", metavar="WxH", help="of the frames; default: 640x480")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")


def add_model_arguments(parser: argparse.ArgumentParser, config: str | None = None) -> None:
    """Adds --config, --snapshot, --opts, --device and --threads; `config` is the default experiment."""
    default = f"; default: {config}" if config else ""
    parser.add_argument("--config", default=config, metavar="NAME|FILE", help=f"experiment or YAML file{default}")
    parser.add_argument("--snapshot", metavar="NAME|FILE", help="weights; default: the experiment's, else random ones")
    parser.add_argument("--opts", nargs="+", default=[], metavar="KEY VALUE", help="config keys to change")
    parser.add_argument("--device", default="auto", metavar="{" + ",".join(DEVICES) + "}", help="default: auto")
    parser.add_argument("--threads", type=int, metavar="N", help="torch threads; default: torch's own choice")


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0 when the table was printed, 2 for bad input."""
    if args.config is None:
        raise SotError(
            "Nothing to measure: give --config NAME, `eval` for the speed of scoring, or `train --config NAME`."
        )
    if args.frames < 1 or (args.threads is not None and args.threads < 1):
        raise SotError(f"--frames {args.frames} and --threads {args.threads} must be 1 or more.")
    sides = args.size.lower().split("x")
    if len(sides) != 2 or not all(side.isdigit() and int(side) >= 64 for side in sides):
        raise SotError(f"--size '{args.size}' is not WIDTHxHEIGHT with both 64 or more. Example: 640x480")
    if args.threads:
        torch.set_num_threads(args.threads)
    tracker, weights = build(args.config, args.snapshot, args.opts, args.device)
    report = measure(tracker, experiment_name(args.config), weights, args.frames, (int(sides[0]), int(sides[1])))
    print(table(report))
    write_json(args.json, asdict(report))
    return EXIT_FINE


def build(config: str, snapshot: str | None, opts: Sequence[str], device: str) -> tuple[Tracker, str]:
    """The tracker, and what its weights are. Speed does not depend on them: without a snapshot they are random."""
    cfg = load_config(config, opts)
    torch.manual_seed(_SEED)  # random weights decide how often a box has to be refined again
    model = build_model(cfg)
    try:
        path = find_snapshot(snapshot or snapshot_name(cfg, config), download=snapshot is not None)
    except SnapshotError:
        if snapshot is not None:
            raise
        weights = "random"
    else:
        load_snapshot(model, path)
        weights = path.name
    return build_tracker(cfg, prepare_for_inference(model, resolve_device(device), cfg.MODEL.PRECISION)), weights


@dataclass(frozen=True)
class Report:
    """What was measured.

    Attributes:
        found: frames in which the target was not given up.
        stages_ms: median milliseconds per frame of each stage (`pysot.cli.benchmark.stages`); the mean of updates.
        frame_ms: the whole frame, from image to result: the median, or the sum of the stages where updates are among
            them; also the 90th percentile and the rate.
        init_ms: one first frame.
        memory_mib: peak of the process, or of the accelerator; None where the system does not say.
    """

    tracker: str
    weights: str
    device: str
    threads: int
    torch: str
    frames: int
    found: int
    stages_ms: dict[str, float]
    frame_ms: float
    frame_p90_ms: float
    fps: float
    init_ms: float
    memory_mib: float | None


def measure(tracker: Tracker, name: str, weights: str, frames: int, size_wh: tuple[int, int]) -> Report:
    """Times `frames` frames of a rendered scene, each searched around the true place, so that weights do not matter.

    A tracker that learns does so on its own schedule, where it believes to have found the target. With random weights,
    `TRACK.ONLINE.NOT_FOUND_THR -1000000000` makes it believe so in every frame.
    """
    scene = random_scene(_SEED, count=frames + _WARM_UP + 1, size=size_wh)
    images: list[Image] = [scene.frame(index) for index in range(frames + _WARM_UP + 1)]
    box = np.asarray(scene.box(0), dtype=float)
    watch = Stopwatch(tracker)
    try:
        watch.start()
        tracker.init(images[0], box)
        init_ms = 1e3 * sum(watch.stop())
        region = tracker.search_region()
        rows, found = [], 0
        for image in images[1:]:
            if isinstance(tracker, OnlineTracker):  # refinement begins at the box it has
                tracker.move_to(region.center_xy, region.size_wh)
            watch.start()
            result = tracker.commit(image, tracker.locate(image, region))
            rows.append(watch.stop())
            found += len(rows) > _WARM_UP and result.state is not State.LOST
    finally:
        watch.close()
    times = 1e3 * np.array(rows[_WARM_UP:])
    rare = [stage in RARE_STAGES for stage in watch.stages]
    stages = np.where(rare, times.mean(axis=0), np.median(times, axis=0))
    totals = times.sum(axis=1)
    frame_ms = float(stages.sum() if any(rare) else np.median(totals))
    peak = peak_memory_mib(watch.device)
    return Report(
        tracker=name,
        weights=weights,
        device=device_name(watch.device),
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        frames=frames,
        found=found,
        stages_ms=dict(zip(watch.stages, stages.round(3).tolist(), strict=True)),
        frame_ms=round(frame_ms, 3),
        frame_p90_ms=round(float(np.percentile(totals, 90)), 3),
        fps=round(1e3 / frame_ms, 2),
        init_ms=round(init_ms, 3),
        memory_mib=None if peak is None else round(peak, 1),
    )


def table(report: Report) -> str:
    """The report as text."""
    width = max(map(len, ("frame     ", *report.stages_ms)))
    lines = [
        f"{report.tracker} (weights: {report.weights})",
        f"{report.device}, {report.threads} thread(s), torch {report.torch}, {report.frames} frames "
        f"({report.found} with the target found)",
        "",
        f"{'stage':{width}s} {'median ms':>10s} {'share':>7s}",
    ]
    whole = sum(report.stages_ms.values())
    for stage, ms in report.stages_ms.items():
        lines.append(f"{stage:{width}s} {ms:10.2f} {ms / whole:7.0%}{' (mean)' if stage in RARE_STAGES else ''}")
    memory = "not known" if report.memory_mib is None else f"{report.memory_mib:.0f} MiB"
    lines += [
        f"{'frame':{width}s} {report.frame_ms:10.2f}         (90 % of frames below {report.frame_p90_ms:.2f} ms)",
        "",
        f"{report.fps:.1f} fps from image to result; first frame {report.init_ms:.1f} ms; peak memory {memory}",
    ]
    return "\n".join(lines)
