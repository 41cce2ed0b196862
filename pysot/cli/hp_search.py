"""`tools/hp_search.py`: runs a siamese tracker with combinations of four numbers, with PySOT's flags and folders."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pysot.cli.command import EXIT_FINE, EXIT_NOTHING_DONE, EXIT_SOME_FAILED, print_error
from pysot.cli.tracker_options import Experiment, add_tracker_arguments, choose_tracker
from pysot.config.loading import override_config
from pysot.core.errors import SotError
from pysot.tracker.base import TRACKERS
from toolkit.datasets import Benchmark, load_benchmark
from toolkit.errors import ToolkitError
from toolkit.evaluation import evaluate
from toolkit.report import overview, to_console
from toolkit.runner import run_benchmark
from toolkit.utils.opencv import quiet_opencv

NUMBERS = (
    ("region", "TRACK.INSTANCE_SIZE", "255,256,8", "r{}"),
    ("penalty_k", "TRACK.PENALTY_K", "0.05,0.5,0.05", "pk-{:.3f}"),
    ("window_influence", "TRACK.WINDOW_INFLUENCE", "0.1,0.8,0.05", "wi-{:.3f}"),
    ("lr", "TRACK.LR", "0.35,0.5,0.05", "lr-{:.3f}"),
)
"""Argument, config key, default range, and how a folder names the value: PySOT's, in its order of names."""
INTERRUPTED = "Interrupted. Finished sequences are kept; the same command continues with the next."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    add_tracker_arguments(parser)
    grid = parser.add_argument_group("what to try, each as FIRST,END,STEP without END")
    grid.add_argument("--search-region", dest="region", type=_whole, default=_whole("255,256,8"), metavar="RANGE")
    for name, _, default, _ in NUMBERS[1:]:
        flag = f"--{name.replace('_', '-')}"
        grid.add_argument(flag, dest=name, type=_range, default=_range(default), metavar="RANGE", help=f"({default})")
    where = parser.add_argument_group("what to run it on")
    where.add_argument("--dataset", required=True, metavar="NAME|DIR", help="a benchmark to choose by, or a folder")
    where.add_argument("--dataset_root", type=Path, metavar="DIR", help="where it lies; default: testing_dataset/NAME")
    where.add_argument("--results_dir", type=Path, default=Path("hp_search_result"), metavar="DIR")
    where.add_argument("--workers", type=int, default=1, metavar="N", help="sequences at once, one process each")


def run(args: argparse.Namespace) -> int:
    """0 when all combinations were run on every sequence, 1 when some failed, 2 when nothing could be run."""
    chosen = choose_tracker(args)
    if not isinstance(chosen, Experiment):
        raise SotError(f"{chosen.name} has no numbers to search. Give --config of a siamese tracker.")
    known = {field.name for field in fields(TRACKERS[chosen.cfg.TRACK.TYPE].params_type)}
    if not {"penalty_k", "window_influence", "lr"} <= known:
        raise SotError(f"TRACK.TYPE {chosen.cfg.TRACK.TYPE} does not read TRACK.PENALTY_K, WINDOW_INFLUENCE and LR.")
    benchmark = load_benchmark(args.dataset, args.dataset_root, partial=True)
    trials = list(combinations(args))
    print(f"{len(trials)} combinations on {len(benchmark)} sequences of {benchmark.name}")
    failures = finished = 0
    for name, opts in tqdm(trials, unit="combination", disable=not sys.stderr.isatty()):
        trial = Experiment(chosen.config, override_config(chosen.cfg, opts), chosen.weights, f"{chosen.name}_{name}")
        with quiet_opencv():
            summary = run_benchmark(
                trial.factory(args.device, 1), benchmark, args.results_dir, trial.name, workers=args.workers,
                identity=trial.identity(),
            )  # fmt: skip
        failures, finished = failures + len(summary.failures), finished + len(summary.finished) + len(summary.resumed)
        for failure in summary.failures:
            print_error("hp_search", f"{trial.name}: {failure.message}")
    if finished:
        _print_scores(benchmark, args.results_dir, [f"{chosen.name}_{name}" for name, _ in trials])
    return EXIT_FINE if not failures else EXIT_SOME_FAILED if finished else EXIT_NOTHING_DONE


def combinations(args: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """The name of every combination, and the config keys with their values."""
    for values in itertools.product(*(getattr(args, name) for name, *_ in NUMBERS)):
        pairs = list(zip(NUMBERS, values, strict=True))
        yield (
            "_".join(form.format(value) for (*_, form), value in pairs),
            [text for (_, key, *_), value in pairs for text in (key, str(value))],
        )


def _print_scores(benchmark: Benchmark, results: Path, names: list[str]) -> None:
    """The table of what was run, best first; a benchmark without truth has none."""
    try:
        report = evaluate(benchmark, {name: results / benchmark.name / name for name in names})
        print(to_console(overview(report)), end="")
    except ToolkitError as error:
        print_error("hp_search", f"no table: {error}")


def _range(text: str) -> list[float]:
    try:
        first, end, step = map(float, text.split(","))
        values = np.arange(first, end, step).round(9).tolist()
    except (ValueError, ZeroDivisionError):
        values = []
    if not values:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no range; expected FIRST,END,STEP with numbers in it, 0.1,0.5,0.1"
        )
    return list(values)


def _whole(text: str) -> list[int]:
    values = _range(text)
    if any(value != int(value) for value in values):
        raise argparse.ArgumentTypeError(f"'{text}' holds {values}; expected whole numbers, 255,304,16")
    return [int(value) for value in values]
