"""A whole benchmark: what is left to do, doing it, and what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from toolkit.datasets.sequence import Benchmark
from toolkit.errors import ProtocolError, ResultError, ToolkitError, abbreviate
from toolkit.protocols.registry import PROTOCOLS
from toolkit.protocols.session import Observer
from toolkit.results.writer import ResultWriter, make_writer, write_files
from toolkit.runner.job import Advance, Failure, Job, Remark, SequenceReport, perform
from toolkit.runner.pool import Pool, TrackerFactory

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunSummary:
    """What a run did.

    Attributes:
        folder: where the results are, `<results>/<benchmark>/<tracker>`.
        finished: sequences run now, in the order they ended.
        resumed: names of sequences that were complete on disk before.
        failures: sequences that could not be finished.
        lost: failures of the tracker over all complete sequences, mean over repetitions (PySOT's "lost number");
            None outside the supervised protocol.
        wall_seconds: whole time, building the tracker included.
    """

    folder: Path
    finished: tuple[SequenceReport, ...]
    resumed: tuple[str, ...]
    failures: tuple[Failure, ...]
    lost: float | None
    wall_seconds: float

    @property
    def frames(self) -> int:
        """Frames passed in the sequences run now."""
        return sum(report.frames for report in self.finished)

    @property
    def fps(self) -> float:
        """Frames per second inside the tracker's `track`, per worker; 0 when nothing was tracked."""
        seconds = sum(report.seconds for report in self.finished)
        return sum(report.tracked for report in self.finished) / seconds if seconds > 0 else 0.0

    @property
    def loop_fps(self) -> float:
        """Frames per second of the whole run: images, tracker, results, all workers together."""
        return self.frames / self.wall_seconds if self.wall_seconds > 0 else 0.0


def run_benchmark(
    make_tracker: TrackerFactory,
    benchmark: Benchmark,
    results_dir: str | Path,
    tracker_name: str,
    *,
    workers: int = 1,
    repetitions: int = 1,
    overwrite: bool = False,
    progress: bool = False,
    on_frame: Observer | None = None,
    on_sequence: Callable[[SequenceReport | Failure], None] | None = None,
    identity: Mapping[str, str] | None = None,
    notes: Mapping[str, str] | None = None,
    remark: Remark | None = None,
) -> RunSummary:
    """Runs a tracker over every sequence of `benchmark` that has no results yet, under the benchmark's protocol.

    A sequence's files appear when it is finished, so that a run that was killed continues with the first unfinished
    one. A sequence that fails (unreadable frame, start that the tracker refuses) is recorded and the others go on.

    Args:
        make_tracker: called once per process, when there is something to run.
        benchmark: the sequences and the protocol.
        results_dir: results go to `<results_dir>/<benchmark.name>/<tracker_name>/` in PySOT's layout.
        tracker_name: a plain folder name.
        workers: processes; 1 runs in this one. With more, `make_tracker` and the sequences are pickled.
        repetitions: runs per sequence; after three equal ones the rest is skipped, as VOT and GOT-10k do.
        overwrite: deletes the results of these sequences first.
        progress: shows a progress bar on stderr.
        on_frame, on_sequence: called after each frame (needs workers=1), and as each sequence ends.
        identity, notes: texts by file name, kept in `_run/`. `identity` says what is being run (`config.yaml`):
            results made with another one are never continued. `notes` are the rest (`environment.txt`).
        remark: asked after each start of the tracker; what it says is kept beside the result (`video_ta.json`).

    Raises:
        ProtocolError: nothing to run on, unknown protocol, or a worker that cannot start.
        ResultError: results are there from another configuration, or cannot be written.
        KeyboardInterrupt: passed on after the workers have been stopped; everything finished is on disk.
    """
    _check(benchmark, workers, repetitions, on_frame)
    began = time.perf_counter()
    writer = make_writer(results_dir, benchmark.name, tracker_name, benchmark.protocol, repetitions)
    run = PROTOCOLS[benchmark.protocol]
    jobs = [Job(sequence, run, repetitions, writer, remark) for sequence in benchmark]
    _prepare(writer, jobs, overwrite, identity or {}, notes or {})
    resumed = [job for job in jobs if job.finished()]
    pending = [job for job in jobs if job not in resumed]
    results: list[SequenceReport | Failure] = []

    def report(result: SequenceReport | Failure) -> None:
        results.append(result)
        if on_sequence is not None:
            on_sequence(result)

    for name, reason in benchmark.unreadable.items():
        report(Failure(name, "", f"{name}: {reason}"))
    with _Bar(pending, benchmark.name, progress) as bar:
        _execute(make_tracker, pending, workers, bar.advance, report, on_frame)
    finished = tuple(result for result in results if isinstance(result, SequenceReport))
    failures = tuple(result for result in results if isinstance(result, Failure))
    counts = [count for job in jobs if job.finished() and (count := job.lost()) is not None]
    names = tuple(job.sequence.name for job in resumed)
    lost = sum(counts) if counts else None
    return RunSummary(writer.folder, finished, names, failures, lost, time.perf_counter() - began)


def _execute(
    make_tracker: TrackerFactory,
    jobs: list[Job],
    workers: int,
    advance: Advance,
    report: Callable[[SequenceReport | Failure], None],
    on_frame: Observer | None,
) -> None:
    """Runs the jobs, here or in worker processes; without jobs no tracker is built."""
    if not jobs:
        return
    if workers > 1:
        Pool(make_tracker, workers, advance, report).run(jobs)
        return
    tracker = make_tracker()
    for job in jobs:
        report(perform(tracker, job, advance, on_frame))


def _check(benchmark: Benchmark, workers: int, repetitions: int, on_frame: Observer | None) -> None:
    if benchmark.missing:
        logger.warning(
            "%s: %d sequence(s) are not here and are left out: %s.",
            benchmark.name,
            len(benchmark.missing),
            ", ".join(benchmark.missing),
        )
    if len(benchmark) == 0:
        raise ProtocolError(f"{benchmark.name} has no sequence to run. Check --dataset_root.")
    if workers < 1 or repetitions < 1:
        raise ProtocolError(f"workers is {workers} and repetitions is {repetitions}; both must be 1 or more.")
    if workers > 1 and on_frame is not None:
        raise ProtocolError("Frames can be shown by one process only. Use workers=1 to watch a run.")


def _prepare(
    writer: ResultWriter[Any], jobs: list[Job], overwrite: bool, identity: Mapping[str, str], notes: Mapping[str, str]
) -> None:
    """Clears or guards what is on disk, and writes down what is about to run.

    Two configurations are never mixed in one folder, nor one run per sequence with several.
    """
    files = {writer.run_folder / name: text for name, text in identity.items()}
    before = {path: path.read_text(encoding="utf-8") for path in files if path.is_file()}
    changed = [path for path in before if before[path] != files[path]]
    if overwrite:
        for job in jobs:
            writer.remove(job.sequence)
        if changed and writer.remaining():
            logger.warning(
                "%s: %s changed, and sequences that are not part of this run keep their old results. "
                "Overwrite them too, or use another tracker name.",
                writer.folder,
                ", ".join(path.name for path in changed),
            )
    else:
        _refuse_rivals(writer, jobs)
        if changed and any(writer.has(job.sequence, 1) for job in jobs):
            old, new = (texts[changed[0]].splitlines() for texts in (before, files))
            lines = [line.strip() for line in new if line not in old] or ["a line is gone"]
            raise ResultError(
                f"{writer.folder} holds results of another configuration: {changed[0].name} differs, first in "
                f"`{lines[0]}`. Choose another --tracker_name, or --overwrite these results."
            )
    write_files(files | {writer.run_folder / name: text for name, text in notes.items()})


def _refuse_rivals(writer: ResultWriter[Any], jobs: list[Job]) -> None:
    """Refuses to write one run beside several, or several beside one: scoring could not tell which is meant."""
    rival = writer.rival()
    found = [str(rival.result_files(job.sequence, 1)[0]) for job in jobs if rival and rival.has(job.sequence, 1)]
    if found:
        raise ResultError(
            f"{writer.folder} holds results of a run with another number of repetitions, which have other file names: "
            f"{abbreviate(found)}. Choose another --tracker_name, or --overwrite these results."
        )


class _Bar:
    """A progress bar over frames: its own rate is that of the whole run, the tracker's stands beside it."""

    def __init__(self, jobs: list[Job], title: str, shown: bool) -> None:
        total = 0
        for job in jobs if shown else ():
            with suppress(ToolkitError):  # frames that cannot be counted: running the sequence will report it
                total += len(job.sequence) * job.repetitions
        self.bar = tqdm(total=total, desc=title, unit="frame", disable=not shown, dynamic_ncols=True)
        self.tracked, self.seconds = 0, 0.0

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.close()

    def advance(self, frames: int, tracked: int, seconds: float) -> None:
        """Counts `frames` more, of which the tracker spent `seconds` on `tracked`."""
        self.tracked += tracked
        self.seconds += seconds
        if self.seconds > 0:
            self.bar.set_postfix_str(f"tracker {self.tracked / self.seconds:.1f} fps", refresh=False)
        self.bar.update(frames)
