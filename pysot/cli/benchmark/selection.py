"""`tools/benchmark.py select`: how long each solver takes to choose channels, and how far they choose the same."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from pysot.cli.benchmark.speed import add_model_arguments, build
from pysot.cli.boxes import read_target
from pysot.cli.command import EXIT_FINE, write_json
from pysot.core.device import device_name, device_of, synchronize
from pysot.core.errors import SotError
from pysot.models.target_aware import Selection, SelectionParams, make_selector
from pysot.models.target_aware.params import SOLVERS
from pysot.tracker.target_aware import TargetAwareTracker
from toolkit.datasets.frames import Image
from toolkit.protocols.start import Box
from toolkit.synthetic import random_scene

DEFAULT = "tasiamrpn_r50_l234_dwxcorr"
REFERENCE = "sgd"
_SCENE_SIZE = (640, 480)


@dataclass(frozen=True)
class Row:
    """One solver on the maps of one frame, least time of all repetitions.

    Attributes:
        wall_ms, cpu_ms: of one choice, all levels together.
        iterations, kept: per level.
        shared: per level, which share of the channels that `REFERENCE` keeps is kept as well.
    """

    solver: str
    wall_ms: float
    cpu_ms: float
    iterations: list[int]
    kept: list[int]
    shared: list[float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    add_model_arguments(parser, DEFAULT)
    parser.add_argument("--image", metavar="FILE", help="first frame; default: a rendered scene")
    parser.add_argument("--init-box", "--init_box", metavar="X,Y,W,H", help="target in --image, pixels")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="choices by each solver; default: 3")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0 when the table was printed, 2 for bad input."""
    if args.repeat < 1 or (args.threads is not None and args.threads < 1):
        raise SotError(f"--repeat {args.repeat} and --threads {args.threads} must be 1 or more.")
    if args.threads:
        torch.set_num_threads(args.threads)
    frame, box = _frame(args)
    tracker, weights = build(args.config, args.snapshot, args.opts, args.device)
    if not isinstance(tracker, TargetAwareTracker):
        raise SotError(f"{args.config} does not choose channels. Give an experiment of a tracker that does.")
    rows = measure(tracker, frame, box, args.repeat)
    where = f"{device_name(device_of(tracker.model))}, {torch.get_num_threads()} thread(s), torch {torch.__version__}"
    print(f"{args.config} (weights: {weights}), {args.image or 'a rendered scene'}\n{where}\n\n{table(rows)}")
    content = {"config": args.config, "weights": weights, "machine": where, "rows": [asdict(row) for row in rows]}
    write_json(args.json, content)
    return EXIT_FINE


def _frame(args: argparse.Namespace) -> tuple[Image, Box]:
    if (args.image is None) != (args.init_box is None):
        raise SotError("--image and --init-box belong together; give both, or none for a rendered scene.")
    if args.image is None:
        scene = random_scene(0, count=1, size=_SCENE_SIZE)
        x, y, width, height = (float(value) for value in np.asarray(scene.box(0)))
        return scene.frame(0), (x, y, width, height)
    return read_target([args.image], args.init_box)


def measure(tracker: TargetAwareTracker, frame: Image, box_xywh: Box, repeat: int) -> list[Row]:
    """Chooses channels for the target `box_xywh` of `frame` with every solver, each `repeat` times on the same maps."""
    tracker.init(frame, box_xywh)
    device = device_of(tracker.model)
    view = tracker.selection_view(frame)
    made: dict[str, tuple[Selection, float, float]] = {}
    for solver in SOLVERS:
        params: SelectionParams = replace(tracker.params.target_aware, enabled=True, solver=solver)
        selector = make_selector(params, [spec.channels for spec in tracker.model.level_specs])
        assert selector is not None
        walls, cpus = [], []
        for _ in range(repeat):
            wall, cpu = time.perf_counter(), time.process_time()
            selection = selector.choose(view, tracker.template_hw)
            synchronize(device)
            walls.append(1e3 * (time.perf_counter() - wall))
            cpus.append(1e3 * (time.process_time() - cpu))
        made[solver] = selection, min(walls), min(cpus)
    rows = []
    for solver, (selection, wall, cpu) in made.items():
        pairs = [(a, b) for a, b in zip(selection.levels, made[REFERENCE][0].levels, strict=True) if a and b]
        shared = [round(len({*a.indices} & {*b.indices}) / len(b.indices), 3) for a, b in pairs]
        iterations = [level.iterations for level in selection.levels if level]
        rows.append(Row(solver, round(wall, 2), round(cpu, 2), iterations, selection.kept, shared))
    return rows


def table(rows: Sequence[Row]) -> str:
    """The rows as text, with how many times faster than the reference each solver is."""
    reference = next(row for row in rows if row.solver == REFERENCE)
    lines = [
        f"{'solver':10s} {'wall ms':>9s} {'CPU ms':>9s} {'faster':>7s}  steps, channels kept, shared with {REFERENCE}"
    ]
    for row in rows:
        levels = zip(row.iterations, row.kept, row.shared, strict=True)
        said = "; ".join(f"{steps}, {kept}, {shared:.0%}" for steps, kept, shared in levels)
        faster = reference.cpu_ms / max(row.cpu_ms, 1e-9)
        lines.append(f"{row.solver:10s} {row.wall_ms:9.1f} {row.cpu_ms:9.1f} {faster:6.1f}x  {said}")
    return "\n".join(lines)
