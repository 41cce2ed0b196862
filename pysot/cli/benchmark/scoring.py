"""`tools/benchmark.py eval`: how fast the scoring is on this machine, beside the reference toolkit's times."""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from pysot.cli.benchmark.scoring_inputs import (
    SCREEN,
    Sizes,
    rectangle_pairs,
    rotated_pairs,
    write_lasot,
    write_ope,
    write_vot,
)
from pysot.cli.command import EXIT_FINE, write_json
from pysot.core.errors import SotError
from toolkit.datasets import Benchmark, load_benchmark
from toolkit.evaluation import evaluate
from toolkit.evaluation.kernels import precision_counts, success_counts
from toolkit.evaluation.ope import NORM_PRECISION_THRESHOLDS, PRECISION_THRESHOLDS, RULES, SUCCESS_THRESHOLDS, OpeTruth
from toolkit.regions import overlap_pairs
from toolkit.regions.backend import backend_name
from toolkit.report import Table, to_console
from toolkit.results.layout import find_trackers, open_tracker
from toolkit.results.reader import find_results, read_box_file, read_boxes

SIZES = Sizes()
_REFERENCE_NOTE = "reference: PySOT's toolkit, measured on another machine (2 cores of an AMD EPYC, Zen 4)."
_YARDSTICK_MS = 50.8
"""What `yardstick` takes on the machine of the reference."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("--results", type=Path, metavar="DIR", help="real results: VOT2018/TRACKER, LaSOT/TRACKER")
    parser.add_argument("--annotations", type=Path, metavar="DIR", help="their annotations; default: made-up data")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="trackers scored at once; default: 1")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="runs to take the median of; default: 5")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0 when the table was printed, 2 for bad input."""
    if args.threads < 1 or args.repeats < 1:
        raise SotError(f"--threads {args.threads} and --repeats {args.repeats} must be 1 or more.")
    if (args.results is None) != (args.annotations is None):
        raise SotError("--results and --annotations belong together: give both, or neither for made-up data.")
    factor = measure(Work("yardstick", None, "", yardstick), args.repeats).ms / _YARDSTICK_MS
    with tempfile.TemporaryDirectory() as folder:
        timings = [measure(work, args.repeats) for work in all_works(args, Path(folder))]
    print(to_console(table(timings, factor)), end="")
    works = [asdict(one) for one in timings]
    content = {"machine": _machine(), "reference": _REFERENCE_NOTE, "machine_factor": factor, "works": works}
    write_json(args.json, content)
    return EXIT_FINE


@dataclass(frozen=True)
class Work:
    """Something to time.

    Attributes:
        title: what is done.
        reference_ms: how long the reference toolkit takes; None where that was not measured.
        wanted: what we ask of ourselves, in words; empty where nothing.
        call: does it once.
        threads: how many threads it may use.
    """

    title: str
    reference_ms: float | None
    wanted: str
    call: Callable[[], object]
    threads: int = 1


@dataclass(frozen=True)
class Timing:
    """What was measured: medians over `repeats` runs after one that is not counted.

    `ms` is what a clock on the wall says, as the reference's is; `cpu_ms` the processor time of all threads, which
    other programs on the machine do not lengthen.
    """

    work: str
    ms: float
    cpu_ms: float
    threads: int
    repeats: int
    reference_ms: float | None
    times_faster: float | None
    wanted: str


def measure(work: Work, repeats: int) -> Timing:
    """Times `work`; its first run, which may compile kernels and fill the file cache, does not count."""
    seconds = []
    for _ in range(repeats + 1):
        began = time.perf_counter(), time.process_time()
        work.call()
        seconds.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    ms, cpu_ms = (1e3 * np.median(seconds[1:], axis=0)).tolist()
    faster = None if work.reference_ms is None else work.reference_ms / ms
    return Timing(work.title, ms, cpu_ms, work.threads, repeats, work.reference_ms, faster, work.wanted)


def yardstick() -> None:
    """Plain numpy work of the kind the reference does, whose time on its machine is known: the two can be compared."""
    rng = np.random.RandomState(0)
    for _ in range(300):
        a, b = rng.uniform(0, 100, (590, 4)), rng.uniform(0, 100, (590, 4))
        sides = np.minimum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
        inside = sides.clip(0).prod(1)
        overlap = inside / (a[:, 2:].prod(1) + b[:, 2:].prod(1) - inside)
        for threshold in np.arange(0, 1.05, 0.05):
            float((overlap > threshold).mean())


def all_works(args: argparse.Namespace, folder: Path) -> Iterator[Work]:
    """Everything that is timed; inputs are made in `folder` when they are needed."""
    polygons, rectangles = rotated_pairs(SIZES.pairs), rectangle_pairs(SIZES.pairs)
    pairs = f"overlap of {SIZES.pairs:,}"
    yield Work(f"{pairs} polygon pairs", 7800.0, "20x", partial(overlap_pairs, *polygons, SCREEN))
    yield Work(f"{pairs} rectangle pairs", 6000.0, "", partial(overlap_pairs, *rectangles, SCREEN))
    yield from ope_works(folder, args.threads)
    if args.results is None:
        yield _vot_work(write_vot(folder, *SIZES.vot), folder / "VOT2018" / "tracker", "made up")
        tracker = write_lasot(folder, *SIZES.lasot)
        yield _lasot_work(tracker, [path.stem for path in sorted(tracker.iterdir())], "made up")
    else:
        vot, lasot = (load_benchmark(name, args.annotations) for name in ("VOT2018", "LaSOT"))
        first = {one.name: next(iter(find_trackers(args.results, one.name).values())) for one in (vot, lasot)}
        yield _vot_work(vot, first["VOT2018"], "published")
        yield _lasot_work(first["LaSOT"], lasot.names(), "published")


def ope_works(folder: Path, threads: int) -> Iterator[Work]:
    """One-pass evaluation: its steps one by one, and as it is really run."""
    trackers, sequences, frames = SIZES.ope
    benchmark = write_ope(folder, trackers, sequences, frames)
    paths = find_trackers(folder, "OPE")
    truth = OpeTruth(benchmark.sequences, RULES["pysot"])

    def load() -> list[np.ndarray]:
        opened = [open_tracker(path) for path in paths.values()]
        return [
            np.concatenate([read_boxes(files, one.name, len(one.ground_truth)).runs[0] for one in benchmark])
            for files in opened
        ]

    runs = load()

    def success() -> None:
        for run in runs:
            success_counts(truth.truth, run, truth.counted, truth.offsets, SUCCESS_THRESHOLDS)

    def precision(thresholds: np.ndarray, normalized: bool) -> None:
        for run in runs:
            precision_counts(truth.truth, run, truth.counted, truth.offsets, thresholds, normalized, True)

    size = f"{trackers} trackers x {sequences} sequences x {frames} frames"
    yield Work(f"OPE, {size}: load", 1070.0, "", load)
    yield Work("  success", 380.0, "", success)
    yield Work("  precision", 520.0, "", lambda: precision(PRECISION_THRESHOLDS, False))
    yield Work("  normalized precision", 540.0, "", lambda: precision(NORM_PRECISION_THRESHOLDS, True))
    yield Work("  as eval runs it", 3900.0, "20x", lambda: evaluate(benchmark, folder, workers=threads), threads)


def table(timings: list[Timing], factor: float) -> Table:
    """The timings as text; `factor` is how many times longer than on the reference's machine `yardstick` takes."""
    rows = []
    for one in timings:
        compared = ("-", "-", "-")
        if one.reference_ms is not None and one.times_faster is not None:
            compared = (f"{one.reference_ms:.0f}", f"{one.times_faster:.1f}x", f"{factor * one.times_faster:.1f}x")
        rows.append((one.work, f"{one.ms:.1f}", f"{one.cpu_ms:.1f}", str(one.threads), *compared, one.wanted or "-"))
    return Table(
        title=f"Scoring on {_machine()}, median of {timings[0].repeats} runs",
        header=("Work", "ms", "CPU ms", "threads", "reference ms", "times faster", "if run here", "wanted"),
        rows=tuple(rows),
        notes=(
            _REFERENCE_NOTE,
            f"if run here: plain numpy code takes {factor:.2f} times as long on this machine, now; so would it.",
        ),
    )


def _vot_work(benchmark: Benchmark, tracker: Path, source: str) -> Work:
    frames = sum(len(sequence.ground_truth) for sequence in benchmark)
    title = f"VOT2018 A, R and EAO of one tracker ({source}, {frames} frames)"
    return Work(title, 750.0, "10x", lambda: evaluate(benchmark, {tracker.name: tracker}))


def _lasot_work(tracker: Path, names: Sequence[str], source: str) -> Work:
    """Reading every file; the archive of a published tracker is opened anew each time."""

    def load() -> None:
        files = open_tracker(tracker)
        for name in names:
            read_box_file(files, find_results(files, name)[0])

    return Work(f"load {len(names)} LaSOT result files ({source})", None, "2000 ms", load)


def _machine() -> str:
    return f"{platform.machine()}, overlap by {backend_name()}, numpy {np.__version__}"
