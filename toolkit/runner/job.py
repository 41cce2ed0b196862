"""One sequence, all its repetitions: what a worker does, and what it reports."""

from __future__ import annotations

import functools
import logging
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from toolkit.datasets.sequence import Sequence
from toolkit.errors import ToolkitError
from toolkit.protocols.registry import RunProtocol
from toolkit.protocols.session import FrameEvent, Observer, StepError
from toolkit.protocols.tracker import TrackerLike
from toolkit.results.writer import ResultWriter

logger = logging.getLogger(__name__)

REPETITIONS_TO_AGREE = 3
"""So many equal repetitions prove a tracker deterministic, and further ones are skipped. VOT has the same rule."""

Advance: TypeAlias = Callable[[int, int, float], None]
"""Told after some frames: how many passed, on how many of them `track` was called, and the seconds those calls took."""

Remark: TypeAlias = Callable[[TrackerLike], Mapping[str, Any]]
"""What there is to say of a tracker that has just been started, as JSON takes it; pickled with several workers."""


@dataclass(frozen=True, eq=False)
class Job:
    """A sequence to run, and where its results go; with `remark` also what the tracker says of each start."""

    sequence: Sequence
    run: RunProtocol
    repetitions: int
    writer: ResultWriter[Any]
    remark: Remark | None = None

    def finished(self) -> bool:
        """Whether every repetition that is needed is on disk: all, or three that agree to the last digit."""
        for repetition in range(1, self.repetitions + 1):
            if not self.writer.has(self.sequence, repetition):
                return False
            if self.deterministic_after(repetition):
                return True
        return True

    def deterministic_after(self, repetition: int) -> bool:
        """Whether the repetitions up to this one, all on disk, show that a further one would be the same."""
        if repetition != REPETITIONS_TO_AGREE:
            return False
        return len({self.writer.read(self.sequence, number) for number in range(1, repetition + 1)}) == 1

    def lost(self) -> float | None:
        """Failures per repetition of the finished sequence; None where the protocol does not restart."""
        on_disk = [n for n in range(1, self.repetitions + 1) if self.writer.has(self.sequence, n)]
        counts = [self.writer.failures(self.sequence, number) for number in on_disk]
        known = [count for count in counts if count is not None]
        return sum(known) / len(known) if known else None


@dataclass(frozen=True)
class SequenceReport:
    """A sequence that was run to its end.

    Attributes:
        sequence: its name.
        repetitions: how many were run now.
        frames: frames passed in them, skipped ones included.
        tracked: calls of the tracker's `track`.
        seconds: time inside those calls.
        wall_seconds: whole time, with reading images, scoring overlaps and writing results.
        lost: failures per repetition (supervised protocol), else None.
    """

    sequence: str
    repetitions: int
    frames: int
    tracked: int
    seconds: float
    wall_seconds: float
    lost: float | None

    @property
    def fps(self) -> float:
        """Frames per second of tracking alone; 0 when nothing was tracked."""
        return self.tracked / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True)
class Failure:
    """A sequence that could not be finished; none of its unfinished repetitions left a file.

    Attributes:
        sequence: its name.
        frame: the frame where it stopped (its file), empty when no frame is to blame.
        message: what happened, in one line.
        details: the traceback, for bug reports.
    """

    sequence: str
    frame: str
    message: str
    details: str = ""


def perform(
    tracker: TrackerLike, job: Job, advance: Advance, on_frame: Observer | None = None
) -> SequenceReport | Failure:
    """Runs the repetitions of `job` that are not on disk yet. An exception of the sequence becomes a `Failure`."""
    tally = _Tally(advance, on_frame, job.remark and functools.partial(job.remark, tracker))
    began = time.perf_counter()
    try:
        count = _run_repetitions(tracker, job, tally)
    except StepError as error:
        return Failure(job.sequence.name, error.frame, str(error), traceback.format_exc())
    except Exception as error:
        reason = str(error) if isinstance(error, ToolkitError) else f"{type(error).__name__}: {error}"
        return Failure(job.sequence.name, "", f"{job.sequence.name}: {reason}", traceback.format_exc())
    wall = time.perf_counter() - began
    return SequenceReport(job.sequence.name, count, tally.frames, tally.tracked, tally.seconds, wall, job.lost())


def _run_repetitions(tracker: TrackerLike, job: Job, tally: _Tally) -> int:
    count = 0
    for repetition in range(1, job.repetitions + 1):
        tally.repetition = repetition
        if not job.writer.has(job.sequence, repetition):
            job.writer.write(job.sequence, repetition, job.run(tracker, job.sequence, observe=tally))
            job.writer.write_remarks(job.sequence, tally.remarks)
            count += 1
        if repetition < job.repetitions and job.deterministic_after(repetition):
            logger.info("%s: %d equal repetitions, the rest is skipped.", job.sequence.name, repetition)
            break
    return count


class _Tally:
    """Counts the frames of a job and passes them on; notes what the tracker says of each start."""

    def __init__(
        self, advance: Advance, on_frame: Observer | None, ask: Callable[[], Mapping[str, Any]] | None
    ) -> None:
        self.advance, self.on_frame, self.ask = advance, on_frame, ask
        self.frames = self.tracked = 0
        self.seconds = 0.0
        self.repetition = 1
        self.remarks: list[dict[str, Any]] = []

    def __call__(self, event: FrameEvent) -> None:
        tracked = event.image is not None and not event.started
        seconds = event.seconds if tracked else 0.0
        self.frames += 1
        self.tracked += tracked
        self.seconds += seconds
        if event.started and self.ask is not None:
            self.remarks.append({"repetition": self.repetition, "frame": event.index, **self.ask()})
        self.advance(1, int(tracked), seconds)
        if self.on_frame is not None:
            self.on_frame(event)
