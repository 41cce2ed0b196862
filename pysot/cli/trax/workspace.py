"""`tools/vot_workspace.py`: a workspace of the VOT toolkit from data that is here, with trackers of this package."""

from __future__ import annotations

import argparse
from pathlib import Path

import pysot
from pysot.cli.command import EXIT_FINE
from pysot.cli.tracker_options import OPENCV_PREFIX, open_experiment
from pysot.cli.trax.command_line import trax_command
from toolkit.baselines import OpenCVTracker
from toolkit.datasets import Benchmark, load_benchmark
from toolkit.vot.objects import REGIONS
from toolkit.vot.workspace import Stack, TrackerEntry, find_stack, identifier_of, write_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the workspace, not there yet")
    parser.add_argument("--stack", required=True, metavar="NAME", help="vot2018, vot2022/shortterm, vots2023, ...")
    parser.add_argument(
        "--trackers",
        nargs="+",
        required=True,
        metavar="NAME[=FILE]",
        help="experiments, with a snapshot if not their own; or opencv:MIL",
    )
    data = parser.add_argument_group("data")
    data.add_argument("--dataset", metavar="NAME|DIR", help="default: the stack's benchmark, as VOT2018")
    data.add_argument("--dataset_root", type=Path, metavar="DIR", help="where it lies; default: testing_dataset/NAME")
    data.add_argument("--copy", action="store_true", help="copy images, where links are not possible")
    how = parser.add_argument_group("how")
    how.add_argument("--region", choices=REGIONS, help="form of the answers; default: the stack's")
    how.add_argument("--device", default="auto", metavar="NAME", help="as in `pysot test` (default: auto)")
    how.add_argument("--update", action="store_true", help="add to a workspace that is there")


def run(args: argparse.Namespace) -> int:
    """Writes the workspace, and says what to do with it."""
    stack = find_stack(args.stack)
    trackers = [_entry(text, args.region or stack.region, args.device) for text in args.trackers]
    data = _data(args, stack)
    names = write_workspace(args.folder, stack, trackers, data, update=args.update, copy=args.copy)
    first = trackers[0].identifier
    print(f"{args.folder}: stack {stack.name}, {len(names)} sequence(s), {', '.join(t.identifier for t in trackers)}.")
    if not isinstance(data, Path) and data.missing:
        print(f"{len(data.missing)} of {len(data.missing) + len(data)} sequences of {data.name} are not here.")
    print("In the environment of the VOT toolkit (docs/vot.md says which version):")
    for line in (
        f"cd {args.folder}",
        f"vot test {first}",
        f"vot evaluate --workspace . {first}",
        f"vot analysis --workspace . --format json {first}",
    ):
        print(f"  {line}")
    return EXIT_FINE


def _data(args: argparse.Namespace, stack: Stack) -> Benchmark | Path:
    if stack.several_objects:
        return Path(args.dataset_root or args.dataset or Path("testing_dataset") / stack.benchmark.upper())
    return load_benchmark(args.dataset or stack.benchmark, args.dataset_root)


def _entry(text: str, region: str, device: str) -> TrackerEntry:
    """A tracker whose config and weights are here; raises `SotError` otherwise."""
    name, _, snapshot = text.partition("=")
    if name.startswith(OPENCV_PREFIX):
        OpenCVTracker(name.removeprefix(OPENCV_PREFIX))
        options, label = ["--tracker", name], name
    else:
        experiment = open_experiment(name, snapshot or None)
        config = str(Path(name).resolve()) if Path(name).is_file() else name
        options, label = ["--config", config, "--snapshot", str(experiment.weights.resolve())], experiment.name
    return TrackerEntry(
        identifier_of(label),
        trax_command([*options, "--region", region, "--device", device]),
        {"PYTHONPATH": str(Path(pysot.__file__).resolve().parents[1])},
    )
