"""Says what is missing or inconsistent in a benchmark on disk, frame by frame, before anything is run on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.catalog import find_row
from toolkit.datasets.frames import FrameSource, ImageFiles
from toolkit.datasets.image_folder import ImageFolder, image_numbers
from toolkit.datasets.loader import discover, load_benchmark
from toolkit.datasets.sequence import Sequence
from toolkit.errors import DatasetError, FrameError

Severity: TypeAlias = Literal["error", "warning"]
"""`error`: a run or a score would fail or be wrong; `warning`: unusual, or only part of the benchmark is here."""


@dataclass(frozen=True)
class Problem:
    """One finding.

    Attributes:
        sequence: its name.
        frame: index of the first frame concerned, 0-based in the sequence; None for the sequence as a whole.
        message: what was found and what was expected; names the file where there is one.
        severity: see `Severity`.
    """

    sequence: str
    frame: int | None
    message: str
    severity: Severity = "error"


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
            frames = f"frame {start}" if stop - start == 1 else f"frames {start} to {stop - 1}"
            self.add(start, f"{frames}: {message}", severity)


def check_benchmark(name: str, root: str | Path | None = None, *, decode: bool = True) -> list[Problem]:
    """Every problem of a benchmark, by sequence and frame; an empty list means it can be run and scored.

    `name` and `root` are those of `load_benchmark`. With `decode`, every image is read (minutes for a large
    benchmark); without, its file only has to exist. Raises `DatasetError` when there is no such benchmark or nothing
    of it was found.
    """
    return list(iter_problems(name, root, decode=decode))


def iter_problems(name: str, root: str | Path | None = None, *, decode: bool = True) -> Iterator[Problem]:
    """The problems of `check_benchmark` one by one, as they are found."""
    row = find_row(name)
    if row is not None and row.layout == "synthetic":
        for sequence in load_benchmark(name):
            yield from check_sequence(sequence, decode=decode)
        return
    discovery = discover(name, root)
    for missing in discovery.missing:
        yield Problem(missing, None, f"listed by {discovery.name} but not found", "warning")
    for sequence_name, opener in discovery.found.items():
        try:
            sequence = opener()
        except DatasetError as error:
            yield Problem(sequence_name, None, str(error))
        else:
            yield from check_sequence(sequence, decode=decode)


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
        names = [name for name in frames.names if name in set(frames.present)]
        surplus = [] if frames.shared else sorted(set(frames.present) - set(frames.names))
        if surplus:
            report.add(None, f"{len(surplus)} images have no annotation, first {frames.folder / surplus[0]}", "warning")
    if isinstance(frames, ImageFolder) and len(names) < rows:
        report.add(None, f"{rows} annotation rows but {len(names)} of their images are in {frames.folder}")
    elif rows not in (0, 1, len(frames)):
        report.add(None, f"{rows} annotation rows but {len(frames)} images")
    numbers = image_numbers(names) or []
    for gap in np.flatnonzero(np.diff(numbers) != 1).tolist():
        message = f"image numbers are not consecutive: {numbers[gap + 1]} follows {numbers[gap]}"
        report.add(gap + 1, message, "warning")


def _check_images(report: _Report, frames: FrameSource, sizes: NDArray[np.float64], decode: bool) -> None:
    """Reads every image (or looks for its file) and fills in `sizes` (N, 2) width, height."""
    for index in range(len(frames)):
        if not decode and isinstance(frames, ImageFiles | ImageFolder):
            if not Path(frames.label(index)).is_file():
                report.add(index, f"{frames.label(index)} does not exist")
            continue
        try:
            height, width = frames[index].shape[:2]
        except FrameError as error:
            report.add(index, str(error))
            continue
        if index < len(sizes):
            sizes[index] = width, height
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
    left, top, width, height = _extents(truth)
    report.add_runs(expected & ((width < 0) | (height < 0)), "the box is inverted: its width or height is negative")
    report.add_runs(
        expected & ((width == 0) | (height == 0)), "the box has zero size on a frame that is not flagged absent"
    )
    image_width, image_height = sizes[:, 0], sizes[:, 1]
    outside = (left >= image_width) | (top >= image_height) | (left + width <= 0) | (top + height <= 0)
    report.add_runs(expected & outside & (width > 0) & (height > 0), "the box lies outside the image")


def _extents(truth: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Left, top, width, height of boxes as written, or of the bounds of polygons."""
    if truth.shape[1] == 4:
        left, top, width, height = truth.T
        return left, top, width, height
    x, y = truth[:, 0::2], truth[:, 1::2]
    return x.min(axis=1), y.min(axis=1), x.max(axis=1) - x.min(axis=1), y.max(axis=1) - y.min(axis=1)
