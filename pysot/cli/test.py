"""`tools/test.py`: runs a tracker on a benchmark and writes its results in PySOT's layout."""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pysot.cli.command import EXIT_FINE, EXIT_NOTHING_DONE, EXIT_SOME_FAILED, print_error
from pysot.cli.tracker_options import Experiment, add_tracker_arguments, choose_tracker
from pysot.core.device import environment_report
from pysot.core.errors import SotError
from pysot.models.target_aware import Selection
from toolkit.datasets import Benchmark, load_benchmark
from toolkit.protocols.registry import PROTOCOLS
from toolkit.runner import Failure, RunSummary, SequenceReport, run_benchmark
from toolkit.utils.opencv import quiet_opencv
from toolkit.visualization.windows import BenchmarkWindow

_EXPERIMENTS = {"baseline": "supervised", "realtime": "realtime"}
"""VOT's experiments -> our protocols."""

INTERRUPTED = "Interrupted. Finished sequences are kept; the same command continues with the next."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    add_tracker_arguments(parser)
    where = parser.add_argument_group("what to run it on")
    where.add_argument("--dataset", required=True, metavar="NAME|DIR", help="OTB100, VOT2018, SYNTH, ... or a folder")
    where.add_argument("--dataset_root", type=Path, metavar="DIR", help="where it lies; default: testing_dataset/NAME")
    where.add_argument("--video", metavar="NAME", help="only this sequence")
    how_to_run = where.add_mutually_exclusive_group()
    how_to_run.add_argument("--protocol", choices=list(PROTOCOLS), help="default: the benchmark's own")
    how_to_run.add_argument("--experiment", choices=list(_EXPERIMENTS), help="VOT with restarts; default: baseline")
    where.add_argument("--repetitions", type=int, default=1, metavar="N", help="runs per sequence (VOT 15, GOT-10k 3)")
    out = parser.add_argument_group("results")
    out.add_argument("--results_dir", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    out.add_argument("--tracker_name", metavar="NAME", help="result folder; default: name of the snapshot")
    out.add_argument("--overwrite", action="store_true", help="run again what is already there")
    out.add_argument("--vis", action="store_true", help="show every frame: truth green, result yellow")
    out.add_argument("--save-ta", action="store_true", help="write the chosen channels beside each result (_ta.json)")
    how = parser.add_argument_group("machine")
    how.add_argument("--workers", type=int, default=1, metavar="N", help="sequences at once, one process each")
    how.add_argument("--threads", type=int, default=1, metavar="N", help="torch threads per worker (1, as in PySOT)")


def run(args: argparse.Namespace) -> int:
    """Runs the command.

    Returns 0 when every sequence is finished, 1 when some failed, 2 for bad usage or when nothing could run, 130 when
    it was interrupted.
    """
    chosen = choose_tracker(args)
    if args.save_ta and not (isinstance(chosen, Experiment) and chosen.cfg.TARGET_AWARE.ENABLED):
        raise SotError(f"--save-ta: {chosen.name} chooses no channels. Add --opts TARGET_AWARE.ENABLED True.")
    benchmark = load_benchmark(args.dataset, args.dataset_root, video=args.video, partial=True)
    benchmark = replace(benchmark, protocol=_protocol(args, benchmark))
    resources = f"device asked for: {args.device}\nworkers: {args.workers}\nthreads per worker: {args.threads}\n"
    numbers = itertools.count(1)
    with quiet_opencv(), BenchmarkWindow(args.vis) as window:
        if window.reason is not None:
            print(f"--vis: {window.reason}; the run goes on without pictures.")
        summary = run_benchmark(
            chosen.factory(args.device, args.threads),
            benchmark,
            args.results_dir,
            args.tracker_name or chosen.name,
            workers=args.workers,
            repetitions=args.repetitions,
            overwrite=args.overwrite,
            progress=sys.stderr.isatty(),
            on_frame=window.show if window.is_open else None,
            on_sequence=lambda result: _print_sequence(next(numbers), result),
            identity=chosen.identity(),
            notes={"environment.txt": f"{environment_report()}\n{resources}"},
            remark=_selection if args.save_ta else None,
        )
    _print_summary(summary, debug=args.debug)
    if not summary.failures:
        return EXIT_FINE
    return EXIT_SOME_FAILED if summary.finished or summary.resumed else EXIT_NOTHING_DONE


def _selection(tracker: Any) -> dict[str, Any]:
    """What a target-aware tracker, also one that another wraps as its `base`, says of the channels it has chosen."""
    selection: Selection = getattr(tracker, "base", tracker).selection
    return selection.as_dict()


def _protocol(args: argparse.Namespace, benchmark: Benchmark) -> str:
    """How to run: the benchmark's way, or what --protocol or --experiment says instead."""
    if args.experiment is None:
        return args.protocol or benchmark.protocol
    if benchmark.protocol != "supervised":
        raise SotError(
            f"{benchmark.name} is run under '{benchmark.protocol}', which has no experiments. Leave out --experiment "
            f"{args.experiment}, or choose --protocol {_EXPERIMENTS[args.experiment]}."
        )
    return _EXPERIMENTS[args.experiment]


def _print_sequence(number: int, result: SequenceReport | Failure) -> None:
    """One line, above the progress bar."""
    told = "failed"
    if not isinstance(result, Failure):
        lost = "" if result.lost is None else f" Lost: {result.lost:g}"
        told = f"Time: {result.wall_seconds:5.1f}s Speed: {result.fps:6.1f}fps{lost}"
    tqdm.write(f"({number:3d}) Video: {result.sequence:16s} {told}", file=sys.stdout)


def _print_summary(summary: RunSummary, debug: bool) -> None:
    done = f"{len(summary.finished)} sequence(s) run"
    if summary.resumed:
        done += f", {len(summary.resumed)} already there"
    if summary.failures:
        done += f", {len(summary.failures)} failed"
    speed = f"{summary.frames} frames, tracker {summary.fps:.1f} fps, whole loop {summary.loop_fps:.1f} fps"
    print(f"{summary.folder}: {done}; {speed}" if summary.finished else f"{summary.folder}: {done}")
    if summary.lost is not None:
        print(f"{summary.folder.name} total lost: {summary.lost:g}")
    for failure in summary.failures:
        print_error("test", failure.message)
        if debug and failure.details:
            print(failure.details, file=sys.stderr)
