"""Writes runs in PySOT's result layout (docs/evaluation.md, Result files), each sequence whole or not at all.

Below `<results>/<benchmark>/<tracker>/`:

============  ====================================================================================
ope           `video.txt`; with several repetitions as got10k
supervised    `baseline/video/video_001.txt`
realtime      `realtime/video/video_001.txt`; its `_run` is `_run/realtime/`
longterm      `longterm/video/video_001.txt`, `video_001_confidence.value`, `video_time.txt`
got10k        `video/video_001.txt`, `video_time.txt`
multistart    `baseline/video/video_00000000.txt` (the anchor's 0-based frame)
any           `video_ta.json` beside these, where it was asked for: what the tracker said of itself at each start
all           `_run/`: what the run was made with, and `_run/times/video.txt` where the layout has no file for times
============  ====================================================================================

Readers of results look files up by sequence name, so that `_run` never looks like a sequence to them. Time files hold
seconds, one row per frame, one comma-separated column per repetition.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sized
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.sequence import Sequence
from toolkit.errors import ResultError
from toolkit.protocols.longterm import LongTermRun
from toolkit.protocols.multistart import MultistartRun, anchors_of
from toolkit.protocols.ope import OpeRun
from toolkit.protocols.registry import Run, find_protocol
from toolkit.protocols.supervised import SupervisedRun
from toolkit.protocols.vot import FAILED
from toolkit.regions import Region, format_region

R = TypeVar("R")

RUN_FOLDER = "_run"
"""Folder beside the results: config, environment and times of the run. No sequence may have this name."""

REMARKS_ENDING = "_ta.json"
"""Ending of the files of remarks; named after the channel selection of target-aware trackers."""


class ResultWriter(ABC):
    """The files of one tracker on one benchmark.

    Attributes:
        folder: `<results>/<benchmark>/<tracker>`.
        run_folder: where the config, the environment and the times of the run are kept.
    """

    time_format = "%.8f"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run_folder = folder / RUN_FOLDER

    @abstractmethod
    def result_files(self, sequence: Sequence, repetition: int) -> list[Path]:
        """The files that hold repetition `repetition` (1-based); when all exist, the repetition is finished."""

    @abstractmethod
    def texts(self, sequence: Sequence, repetition: int, run: Run) -> dict[Path, str]:
        """Every file of a repetition with its text, `result_files` last."""

    @abstractmethod
    def other_files(self, sequence: Sequence) -> Iterable[Path]:
        """Existing files of the sequence besides `result_files`: times, confidences, further repetitions."""

    def write(self, sequence: Sequence, repetition: int, run: Run) -> None:
        """Writes one repetition; it is complete on disk when this returns, and absent when it raises or is killed."""
        write_files(self.texts(sequence, repetition, run))

    def remarks_file(self, sequence: Sequence) -> Path:
        """Where the tracker's remarks on `sequence` go, of all repetitions."""
        return self.result_files(sequence, 1)[0].with_name(f"{sequence.name}{REMARKS_ENDING}")

    def write_remarks(self, sequence: Sequence, remarks: Sized) -> None:
        """Writes `remarks`, a list that JSON takes; nothing when it is empty."""
        if len(remarks):
            write_files({self.remarks_file(sequence): json.dumps(remarks) + "\n"})

    def has(self, sequence: Sequence, repetition: int) -> bool:
        """Whether this repetition is on disk."""
        return all(path.is_file() for path in self.result_files(sequence, repetition))

    def read(self, sequence: Sequence, repetition: int) -> str:
        """The text of the repetition's result files, joined."""
        return "".join(path.read_text(encoding="utf-8") for path in self.result_files(sequence, repetition))

    def remove(self, sequence: Sequence) -> None:
        """Deletes every file of `sequence`, those of the rival layout too."""
        for writer in filter(None, (self, self.rival())):
            for path in (*writer.other_files(sequence), *writer.result_files(sequence, 1)):
                path.unlink(missing_ok=True)

    def rival(self) -> ResultWriter | None:
        """The layout that readers would take these files for, or the other way round: one run, and several."""
        return None

    def remaining(self) -> bool:
        """Whether any result is in the folder, of whatever sequence."""
        here = self.folder.iterdir() if self.folder.is_dir() else ()
        return any(path.name != RUN_FOLDER and (path.is_file() or any(path.rglob("*.txt"))) for path in here)

    def run_file(self, name: str) -> Path:
        """Where `name` (config, environment) of this run is kept."""
        return self.run_folder / name

    def _time_file(self, stem: str) -> Path:
        """Where times go when the layout has no file for them."""
        return self.run_folder / "times" / f"{stem}.txt"

    def _times(self, path: Path, repetition: int, seconds: NDArray[np.float64]) -> dict[Path, str]:
        """The time file with one more column."""
        columns = [*_read_columns(path, repetition - 1, len(seconds)), seconds]
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return {path: "".join(",".join(self.time_format % value for value in row) + "\n" for row in rows)}


class OpeWriter(ResultWriter):
    """`video.txt`: x,y,w,h per line, numbers as Python prints them, so that they read back exactly."""

    def result_files(self, sequence: Sequence, repetition: int) -> list[Path]:
        return [self.folder / f"{sequence.name}.txt"]

    def texts(self, sequence: Sequence, repetition: int, run: Run) -> dict[Path, str]:
        run = _expect(run, OpeRun)
        (main,) = self.result_files(sequence, repetition)
        return {
            **self._times(self._time_file(sequence.name), repetition, run.seconds),
            main: format_boxes(run.boxes_xywh),
        }

    def other_files(self, sequence: Sequence) -> Iterable[Path]:
        return [self._time_file(sequence.name), self.remarks_file(sequence)]

    def rival(self) -> ResultWriter:
        return Got10kWriter(self.folder)


class SequenceFolderWriter(ResultWriter):
    """A folder per sequence, below that of the experiment where there is one: `experiment/video/video_001.txt`."""

    experiment = ""

    def result_files(self, sequence: Sequence, repetition: int) -> list[Path]:
        return [self._folder(sequence) / f"{sequence.name}_{repetition:03d}.txt"]

    def other_files(self, sequence: Sequence) -> Iterable[Path]:
        folder = self._folder(sequence)
        found = folder.iterdir() if folder.is_dir() else ()
        return [path for path in found if path.name.startswith(f"{sequence.name}_") and path.is_file()]

    def _folder(self, sequence: Sequence) -> Path:
        return self.folder / self.experiment / sequence.name


class Got10kWriter(SequenceFolderWriter):
    """`video/video_001.txt` as in one-pass evaluation, and `video/video_time.txt`."""

    def texts(self, sequence: Sequence, repetition: int, run: Run) -> dict[Path, str]:
        run = _expect(run, OpeRun)
        (main,) = self.result_files(sequence, repetition)
        times = main.with_name(f"{sequence.name}_time.txt")
        return {**self._times(times, repetition, run.seconds), main: format_boxes(run.boxes_xywh)}

    def rival(self) -> ResultWriter:
        return OpeWriter(self.folder)


class SupervisedWriter(SequenceFolderWriter):
    """`baseline/video/video_001.txt`: VOT's codes, and regions with four decimals."""

    experiment = "baseline"

    def texts(self, sequence: Sequence, repetition: int, run: Run) -> dict[Path, str]:
        run = _expect(run, SupervisedRun)
        (main,) = self.result_files(sequence, repetition)
        return {
            **self._times(self._time_file(sequence.name), repetition, run.seconds),
            main: format_regions(run.regions),
        }

    def other_files(self, sequence: Sequence) -> Iterable[Path]:
        return [*super().other_files(sequence), self._time_file(sequence.name)]

    def failures(self, sequence: Sequence, repetition: int) -> int:
        """How often the tracker was lost in a repetition that is on disk."""
        return self.read(sequence, repetition).splitlines().count(str(FAILED))


class RealtimeWriter(SupervisedWriter):
    """`realtime/video/video_001.txt`, beside the baseline; what the two were made with is kept and guarded apart."""

    experiment = "realtime"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.run_folder = folder / RUN_FOLDER / self.experiment

    def remaining(self) -> bool:
        return any((self.folder / self.experiment).rglob("*.txt"))


class LongTermWriter(SequenceFolderWriter):
    """`longterm/video/`: regions, confidences (the first line empty) and times."""

    experiment = "longterm"
    time_format = "%.6f"

    def texts(self, sequence: Sequence, repetition: int, run: Run) -> dict[Path, str]:
        run = _expect(run, LongTermRun)
        (main,) = self.result_files(sequence, repetition)
        scores = "\n" + "".join(f"{score:.6f}\n" for score in run.scores[1:])
        return {
            **self._times(main.with_name(f"{sequence.name}_time.txt"), repetition, run.seconds),
            main.with_name(f"{main.stem}_confidence.value"): scores,
            main: format_regions(run.regions),
        }


class MultistartWriter(SequenceFolderWriter):
    """`baseline/video/video_<anchor>.txt`, frames in the order they were shown. Runs are not repeated."""

    experiment = "baseline"

    def result_files(self, sequence: Sequence, repetition: int) -> list[Path]:
        return [self._file(sequence, anchor) for anchor, _ in anchors_of(sequence)]

    def texts(self, sequence: Sequence, repetition: int, run: Run) -> dict[Path, str]:
        runs = _expect(run, MultistartRun).anchors
        files: dict[Path, str] = {}
        for one in runs:
            files.update(self._times(self._time_file(self._file(sequence, one.anchor).stem), 1, one.seconds))
        return files | {self._file(sequence, one.anchor): format_regions(one.regions) for one in runs}

    def other_files(self, sequence: Sequence) -> Iterable[Path]:
        times = [self._time_file(self._file(sequence, anchor).stem) for anchor, _ in anchors_of(sequence)]
        return [*super().other_files(sequence), *times]

    def _file(self, sequence: Sequence, anchor: int) -> Path:
        return self._folder(sequence) / f"{sequence.name}_{anchor:08d}.txt"


_WRITERS: Mapping[str, Callable[[Path], ResultWriter]] = {
    "ope": OpeWriter,
    "supervised": SupervisedWriter,
    "realtime": RealtimeWriter,
    "longterm": LongTermWriter,
    "got10k": Got10kWriter,
    "multistart": MultistartWriter,
}


def make_writer(
    results_dir: str | Path, benchmark: str, tracker: str, protocol: str, repetitions: int = 1
) -> ResultWriter:
    """The writer for one tracker on one benchmark. Nothing is created on disk yet.

    Raises `ResultError` when `tracker` is not a plain folder name, `ProtocolError` for an unknown protocol.
    """
    if not tracker or tracker.startswith((".", "_")) or Path(tracker).name != tracker or "\\" in tracker:
        raise ResultError(
            f"Tracker name '{tracker}' cannot be a result folder. Use a plain name without slashes that starts with "
            "neither '.' nor '_' (--tracker_name)."
        )
    find_protocol(protocol)
    layout = "got10k" if protocol == "ope" and repetitions > 1 else protocol
    return _WRITERS[layout](Path(results_dir) / benchmark / tracker)


def format_boxes(boxes_xywh: NDArray[np.float64]) -> str:
    """One `x,y,w,h` line per row of (N, 4); every number reads back to the same float64."""
    return "".join(",".join(map(repr, row)) + "\n" for row in boxes_xywh.tolist())


def format_regions(regions: Iterable[Region]) -> str:
    """One line per region in VOT's text form: a code, four decimals for boxes and polygons, runs for masks."""
    return "".join(format_region(region) + "\n" for region in regions)


def write_files(contents: Mapping[Path, str | bytes]) -> None:
    """Writes several files that appear one after the other, in order, each whole: temporary files first, then renames.

    Raises `ResultError` naming the file when the disk refuses.
    """
    temporary: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            temporary[path] = _write_temporary(path, content)
        for path, written in temporary.items():
            os.replace(written, path)
    except OSError as error:
        where = error.filename2 or error.filename or next(iter(contents))
        raise ResultError(
            f"{where}: cannot write: {error.strerror}. Check the disk and the folder asked for."
        ) from error
    finally:
        for written in temporary.values():
            written.unlink(missing_ok=True)


def _write_temporary(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    return temporary


def _read_columns(path: Path, count: int, length: int) -> list[NDArray[np.float64]]:
    """The first `count` columns of a time file of `length` rows; NaN for those it does not hold."""
    unknown = np.full(length, np.nan)
    if count == 0:
        return []
    try:
        table = np.loadtxt(path, delimiter=",", ndmin=2)
    except (OSError, ValueError):
        return [unknown] * count
    if len(table) != length:
        return [unknown] * count
    return [table[:, column] if column < table.shape[1] else unknown for column in range(count)]


def _expect(run: Run, kind: type[R]) -> R:
    if not isinstance(run, kind):
        raise TypeError(f"This layout holds {kind.__name__} records; got {type(run).__name__}.")
    return run
