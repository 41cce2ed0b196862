"""Says what is missing or inconsistent in a benchmark on disk, frame by frame, before anything is run on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.annotation import are_corners
from toolkit.datasets.catalog import find_row
from toolkit.datasets.frames import FrameSource, ImageFiles
from toolkit.datasets.image_folder import ImageFolder, image_numbers
from toolkit.datasets.layouts import Found
from toolkit.datasets.loader import discover, load_benchmark
from toolkit.datasets.sequence import Sequence
from toolkit.errors import DatasetError, FrameError
from toolkit.regions.boxes import bounding_boxes

ENOUGH_ROWS = 20
"""Of boxes, to tell from their changes whether they are corners."""

Severity: TypeAlias = Literal["error", "warning"]
"""`error`: a run or a score would fail or be wrong; `warning`: unusual, or only part of the benchmark is here."""


@dataclass(frozen=True)
class Problem:
    """One finding.

    Attributes:
        sequence: its name.
        frame: index of the first frame concerned, 0-based in the sequence; None for the sequence as a whole.
        message: what was found and what was expected; names the frames, and the file where there is one.
        severity: see `Severity`.
        last: index of the last frame concerned; None when there is at most one.
    """

    sequence: str
    frame: int | None
    message: str
    severity: Severity = "error"
    last: int | None = None


@dataclass(frozen=True)
class BenchmarkCheck:
    """A benchmark whose sequences have been found; iterating checks them one by one.

    Attributes:
        name: canonical name of the benchmark.
        openers: sequence name -> the call that opens it, for those that were found.
        missing: names the benchmark lists that were not found.
        decode: whether every image is read, or only looked for.
    """

    name: str
    openers: Found
    missing: tuple[str, ...] = ()
    decode: bool = True

    def __len__(self) -> int:
        """Number of sequences found."""
        return len(self.openers)

    def __iter__(self) -> Iterator[tuple[str, list[Problem]]]:
        """Name and problems of every sequence found; an annotation that cannot be read is one of its problems."""
        for name, opener in self.openers.items():
            try:
                sequence = opener()
            except DatasetError as error:
                yield name, [Problem(name, None, str(error))]
            else:
                yield name, check_sequence(sequence, decode=self.decode)

    def absences(self) -> list[Problem]:
        """One problem for every sequence that was not found."""
        return [Problem(name, None, f"listed by {self.name} but not found", "warning") for name in self.missing]


@dataclass
class _Report:
    """Collects the problems of one sequence."""

    sequence: Sequence
    problems: list[Problem] = field(default_factory=list)

    def add(self, frame: int | None, message: str, severity: Severity = "error") -> None:
        self.problems.append(Problem(self.sequence.name, frame, message, severity))

    def add_runs(self, wrong: NDArray[np.bool_], message: str, severity: Severity = "error") -> None:
        """One problem per run of consecutive frames where `wrong` holds."""
        edges = np.flatnonzero(np.diff(np.concatenate([[False], wrong, [False]]).astype(np.int8)))
        for start, stop in edges.reshape(-1, 2).tolist():
            self.add_range(start, stop - 1, f"{_frames(start, stop - 1)}: {message}", severity)

    def add_range(self, first: int, last: int, message: str, severity: Severity = "error") -> None:
        """One problem of frames `first` to `last`."""
        self.problems.append(Problem(self.sequence.name, first, message, severity, last if last > first else None))

    def add_unreadable(self, reasons: Mapping[int, str]) -> None:
        """One problem per run of frames that cannot be read, frame -> why; a run quotes its first reason."""
        frames = np.array(sorted(reasons), dtype=np.int64)
        for run in np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1) if len(frames) else ():
            first, last = int(run[0]), int(run[-1])
            more = f"{_frames(first, last)}: {len(run)} images cannot be read, first " if last > first else ""
            self.add_range(first, last, more + reasons[first])


def check_benchmark(name: str, root: str | Path | None = None, *, decode: bool = True) -> list[Problem]:
    """Every problem of a benchmark, by sequence and frame; an empty list means it can be run and scored.

    `name` and `root` are those of `load_benchmark`. With `decode`, every image is read (minutes for a large
    benchmark); without, its file only has to exist. Raises `DatasetError` when there is no such benchmark or nothing
    of it was found.
    """
    check = open_check(name, root, decode=decode)
    return [*check.absences(), *(problem for _, problems in check for problem in problems)]


def open_check(name: str, root: str | Path | None = None, *, decode: bool = True) -> BenchmarkCheck:
    """Finds the sequences to check; arguments and errors as of `check_benchmark`."""
    row = find_row(name)
    if row is not None and row.layout == "synthetic":
        benchmark = load_benchmark(name)
        return BenchmarkCheck(
            row.name, {one.name: partial(benchmark.__getitem__, one.name) for one in benchmark}, decode=decode
        )
    discovery = discover(name, root)
    return BenchmarkCheck(discovery.name, discovery.found, discovery.missing, decode)


def check_sequence(sequence: Sequence, *, decode: bool = True) -> list[Problem]:
    """The problems of one sequence: its images first, then its ground truth."""
    report = _Report(sequence)
    rows = len(sequence.ground_truth)
    sizes = np.tile(np.array(sequence.image_size or (np.nan, np.nan), dtype=np.float64), (rows, 1))
    if sequence.frames is None:
        report.add(None, "annotations but no images: it can be scored, not run", "warning")
    else:
        try:
            _check_files(report, sequence.frames)
            _check_images(report, sequence.frames, sizes, decode)
        except FrameError as error:
            report.add(None, str(error))
    _check_truth(report, sizes)
    return report.problems


def _check_files(report: _Report, frames: FrameSource) -> None:
    """How many images there are, and whether their numbers are consecutive."""
    rows = len(report.sequence.ground_truth)
    names: list[str] = []
    if isinstance(frames, ImageFiles):
        names = [path.name for path in frames.paths]
    elif isinstance(frames, ImageFolder):
        present = set(frames.present)
        names = [name for name in frames.names if name in present]
        surplus = [] if frames.shared else sorted(present - set(frames.names))
        if surplus:
            report.add(None, f"{len(surplus)} images have no annotation, first {frames.folder / surplus[0]}", "warning")
    if isinstance(frames, ImageFolder) and len(names) < rows:
        report.add(None, f"{rows} annotation rows but {len(names)} of their images are in {frames.folder}")
    elif rows not in (0, 1, len(frames)):
        report.add(None, f"{rows} annotation rows but {len(frames)} images")
    numbers = image_numbers(names) or []
    steps = np.diff(numbers)
    for gap in np.flatnonzero(steps != 1).tolist() if 2 * (steps == 1).sum() >= len(steps) else ():  # else times
        message = f"image numbers are not consecutive: {numbers[gap + 1]} follows {numbers[gap]}"
        report.add(gap + 1, message, "warning")


def _check_images(report: _Report, frames: FrameSource, sizes: NDArray[np.float64], decode: bool) -> None:
    """Reads every image (or looks for its file) and fills in `sizes` (N, 2) width, height."""
    unreadable: dict[int, str] = {}
    for index in range(len(frames)):
        try:
            if decode:
                sizes[index : index + 1] = frames[index].shape[1::-1]
            elif isinstance(frames, ImageFiles | ImageFolder) and not Path(frames.label(index)).is_file():
                raise FrameError(f"{frames.label(index)} does not exist")
        except FrameError as error:
            unreadable[index] = str(error)
    report.add_unreadable(unreadable)
    known = sizes[np.isfinite(sizes[:, 0])]
    if len(known):
        report.add_runs(
            np.isfinite(sizes[:, 0]) & (sizes != known[0]).any(axis=1),
            f"the image is not {known[0, 0]:.0f}x{known[0, 1]:.0f} as the first one is",
            "warning",
        )


def _check_truth(report: _Report, sizes: NDArray[np.float64]) -> None:
    """Boxes that no tracker can be started from or scored with, on frames where the target is said to be visible."""
    truth, visible = report.sequence.ground_truth, report.sequence.visible
    if not len(truth):
        report.add(None, "no ground truth: a first box must be given to run it", "warning")
        return
    nan: NDArray[np.bool_] = np.isnan(truth)
    absent: NDArray[np.bool_] = np.asarray(nan.all(axis=1))
    expected = np.ones(len(truth), dtype=np.bool_) if visible is None else visible
    report.add_runs(
        np.asarray(nan.any(axis=1)) & ~absent, "part of the box is NaN; write NaN in every column or in none"
    )
    if visible is not None:
        report.add_runs(absent & visible, "the box is NaN but the frame is not flagged absent")
    if absent[0]:
        report.add(0, "the first box is NaN: no tracker can be started")
    left, top, width, height = bounding_boxes(truth).T
    report.add_runs(expected & ((width < 0) | (height < 0)), "the box is inverted: its width or height is negative")
    report.add_runs(
        expected & ((width == 0) | (height == 0)), "the box has zero size on a frame that is not flagged absent"
    )
    if truth.shape[1] == 4 and len(truth) >= ENOUGH_ROWS and are_corners(truth, likely=False):
        report.add(None, "the rows look like corners x1,y1,x2,y2; x,y,w,h expected", "warning")
    image_width, image_height = sizes[:, 0], sizes[:, 1]
    outside = (left >= image_width) | (top >= image_height) | (left + width <= 0) | (top + height <= 0)
    report.add_runs(expected & outside & (width > 0) & (height > 0), "the box lies outside the image")


def _frames(first: int, last: int) -> str:
    return f"frame {first}" if first == last else f"frames {first} to {last}"
