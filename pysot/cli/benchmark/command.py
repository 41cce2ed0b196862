"""`tools/benchmark.py`: how fast a tracker is on this machine, stage by stage, and what memory it takes.

`tools/benchmark.py eval` measures the scoring instead, `tools/benchmark.py train` the training.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from pysot.cli.benchmark import scoring as benchmark_eval
from pysot.cli.benchmark import selection as benchmark_select
from pysot.cli.benchmark import training as benchmark_train
from pysot.cli.benchmark.speed import build, measure, parse_size, table
from pysot.cli.command import EXIT_FINE, guarded
from pysot.config.experiments import experiment_name
from pysot.core.device import DEVICES
from pysot.core.errors import SotError

COMMAND = "benchmark"
OTHERS = {
    "eval": (benchmark_eval, "the speed of scoring, not of a tracker"),
    "train": (benchmark_train, "the speed of training, and of loading its data"),
    "select": (benchmark_select, "how long it takes to choose channels for a target"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("--config", metavar="NAME|FILE", help="experiment name or YAML file")
    parser.add_argument("--snapshot", metavar="NAME|FILE", help="weights; default: the experiment's, else random ones")
    parser.add_argument("--opts", nargs="+", default=[], metavar="KEY VALUE", help="config keys to change")
    parser.add_argument("--device", default="auto", metavar="{" + ",".join(DEVICES) + "}", help="default: auto")
    parser.add_argument("--threads", type=int, metavar="N", help="torch threads; default: torch's own choice")
    parser.add_argument("--frames", type=int, default=60, metavar="N", help="frames to time; default: 60")
    parser.add_argument("--size", default="640x480", metavar="WxH", help="of the frames; default: 640x480")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument("--debug", action="store_true", help="full tracebacks")
    others = parser.add_subparsers(dest="what", metavar="[" + "|".join(OTHERS) + "]")
    for name, (module, text) in OTHERS.items():
        module.add_arguments(others.add_parser(name, help=text))


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `tools/benchmark.py`; returns the exit code."""
    parser = argparse.ArgumentParser(description="Measure the speed and memory of a tracker.")
    add_arguments(parser)
    return run(parser.parse_args(argv))


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0 when the table was printed, 2 for bad input."""
    other = OTHERS.get(args.what)
    return guarded(COMMAND, lambda: other[0].run(args) if other else _run(args), debug=args.debug)


def _run(args: argparse.Namespace) -> int:
    if args.config is None:
        raise SotError(
            "Nothing to measure: give --config NAME, `eval` for the speed of scoring, or `train --config NAME`."
        )
    if args.frames < 1 or (args.threads is not None and args.threads < 1):
        raise SotError(f"--frames {args.frames} and --threads {args.threads} must be 1 or more.")
    if args.threads:
        torch.set_num_threads(args.threads)
    tracker, weights = build(args.config, args.snapshot, args.opts, args.device)
    report = measure(tracker, experiment_name(args.config), weights, args.frames, parse_size(args.size))
    print(table(report))
    if args.json:
        args.json.write_text(json.dumps(asdict(report), indent=1) + "\n")
    return EXIT_FINE


if __name__ == "__main__":
    sys.exit(main())
