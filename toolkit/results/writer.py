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
from collections.abc import Iterable, Mapping, Sized
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.sequence import Sequence
from toolkit.errors import ResultError
from toolkit.protocols.longterm import LongTermRun
from toolkit.protocols.multistart import MultistartRun, anchors_of
from toolkit.protocols.ope import OpeRun
from toolkit.protocols.supervised import SupervisedRun
from toolkit.protocols.vot import FAILED
from toolkit.regions import Region, format_region
from toolkit.registry import Registry

R = TypeVar("R")

RUN_FOLDER = "_run"
"""Folder beside the results: config, environment and times of the run. No sequence may have this name."""


class ResultWriter(ABC, Generic[R]):
    """The files of one tracker on one benchmark, as one protocol lays them out.

    Attributes:
        folder: `<results>/<benchmark>/<tracker>`.
        run_folder: where the config, the environment and the times of the run are kept.
        run_type: the record of a repetition that the protocol returns and this layout holds.
        experiment: the folder below `folder` that the layout is in; empty for none.
        time_format: of one time in seconds.
    """

    run_type: type[R]
    experiment: ClassVar[str] = ""
    time_format: ClassVar[str] = "%.8f"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run_folder = folder / RUN_FOLDER

    @classmethod
    def for_repetitions(cls, repetitions: int) -> type[ResultWriter[Any]]:
        """The layout for so many runs per sequence."""
        return cls

    @abstractmethod
    def result_files(self, sequence: Sequence, repetition: int) -> list[Path]:
        """The files that hold repetition `repetition` (1-based); when all exist, the repetition is finished."""

    @abstractmethod
    def texts(self, sequence: Sequence, repetition: int, run: R) -> dict[Path, str]:
        """Every file of a repetition with its text, `result_files` last."""

    @abstractmethod
    def other_files(self, sequence: Sequence) -> Iterable[Path]:
        """Files the sequence may have besides `result_files`: times, confidences, further repetitions."""

    def write(self, sequence: Sequence, repetition: int, run: R) -> None:
        """Writes one repetition; it is complete on disk when this returns, and absent when it raises or is killed.

        Raises `TypeError` for a record of another protocol.
        """
        if not isinstance(run, self.run_type):
            raise TypeError(f"This layout holds {self.run_type.__name__} records; got {type(run).__name__}.")
        write_files(self.texts(sequence, repetition, run))

    def remarks_file(self, sequence: Sequence) -> Path:
        """Where the tracker's remarks on `sequence` go, of all repetitions: channels of target-aware trackers."""
        return self.result_files(sequence, 1)[0].with_name(f"{sequence.name}_ta.json")

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

    def failures(self, sequence: Sequence, repetition: int) -> int | None:
        """How often the tracker was lost in a repetition that is on disk; None where the protocol does not restart."""
        return None

    def remove(self, sequence: Sequence) -> None:
        """Deletes every file of `sequence`, those of the rival layout too."""
        for writer in filter(None, (self, self.rival())):
            for path in (*writer.other_files(sequence), *writer.result_files(sequence, 1)):
                path.unlink(missing_ok=True)

    def rival(self) -> ResultWriter[Any] | None:
        """The layout that readers would take these files for, or the other way round: one run, and several."""
        return None

    def remaining(self) -> bool:
        """Whether any result is in the folder, of whatever sequence."""
        here = self.folder.iterdir() if self.folder.is_dir() else ()
        return any(path.name != RUN_FOLDER and (path.is_file() or any(path.rglob("*.txt"))) for path in here)

    def time_file(self, sequence: Sequence) -> Path:
        """Where the times of `sequence` go; in `run_folder` where the layout has no file for them."""
        return self.run_folder / "times" / f"{sequence.name}.txt"

    def times(self, path: Path, repetition: int, seconds: NDArray[np.float64]) -> dict[Path, str]:
        """The time file `path` with one more column; NaN in those before where it does not hold them."""
        length = len(seconds)
        columns = [np.full(length, np.nan) for _ in range(repetition - 1)]
        try:
            table = np.loadtxt(path, delimiter=",", ndmin=2) if columns else np.empty((0, 0))
        except (OSError, ValueError):
            table = np.empty((0, 0))
        if len(table) == length:
            columns[: table.shape[1]] = list(table.T[: repetition - 1])
        rows = zip(*(column.tolist() for column in (*columns, seconds)), strict=True)
        return {path: "".join(",".join(self.time_format % value for value in row) + "\n" for row in rows)}


WRITERS: Registry[type[ResultWriter[Any]]] = Registry("protocol")
"""The result files of each protocol of `toolkit.protocols.registry.PROTOCOLS`."""


@WRITERS.register("ope")
class OpeWriter(ResultWriter[OpeRun]):
    """`video.txt`: x,y,w,h per line, numbers as Python prints them, so that they read back exactly."""

    run_type = OpeRun

    @classmethod
    def for_repetitions(cls, repetitions: int) -> type[ResultWriter[Any]]:
        return Got10kWriter if repetitions > 1 else cls

    def result_files(self, sequence: Sequence, repetition: int) -> list[Path]:
        return [self.folder / f"{sequence.name}.txt"]

    def texts(self, sequence: Sequence, repetition: int, run: OpeRun) -> dict[Path, str]:
        (main,) = self.result_files(sequence, repetition)
        return {**self.times(self.time_file(sequence), repetition, run.seconds), main: format_boxes(run.boxes_xywh)}

    def other_files(self, sequence: Sequence) -> Iterable[Path]:
        return [self.time_file(sequence), self.remarks_file(sequence)]

    def rival(self) -> ResultWriter[Any]:
        return Got10kWriter(self.folder)


class SequenceFolderWriter(ResultWriter[R]):
    """A folder per sequence, below that of the experiment where there is one: `experiment/video/video_001.txt`."""

    def result_files(self, sequence: Sequence, repetition: int) -> list[Path]:
        return [self.sequence_folder(sequence) / f"{sequence.name}_{repetition:03d}.txt"]

    def other_files(self, sequence: Sequence) -> Iterable[Path]:
        folder = self.sequence_folder(sequence)
        found = folder.iterdir() if folder.is_dir() else ()
        ours = [path for path in found if path.name.startswith(f"{sequence.name}_") and path.is_file()]
        return [*ours, self.time_file(sequence)]

    def sequence_folder(self, sequence: Sequence) -> Path:
        """Where the repetitions of `sequence` are."""
        return self.folder / self.experiment / sequence.name


@WRITERS.register("got10k")
class Got10kWriter(SequenceFolderWriter[OpeRun]):
    """`video/video_001.txt` as in one-pass evaluation, and `video/video_time.txt`."""

    run_type = OpeRun

    def texts(self, sequence: Sequence, repetition: int, run: OpeRun) -> dict[Path, str]:
        (main,) = self.result_files(sequence, repetition)
        return {**self.times(self.time_file(sequence), repetition, run.seconds), main: format_boxes(run.boxes_xywh)}

    def time_file(self, sequence: Sequence) -> Path:
        return self.sequence_folder(sequence) / f"{sequence.name}_time.txt"

    def rival(self) -> ResultWriter[Any]:
        return OpeWriter(self.folder)


@WRITERS.register("supervised")
class SupervisedWriter(SequenceFolderWriter[SupervisedRun]):
    """`baseline/video/video_001.txt`: VOT's codes, and regions with four decimals."""

    run_type = SupervisedRun
    experiment = "baseline"

    def texts(self, sequence: Sequence, repetition: int, run: SupervisedRun) -> dict[Path, str]:
        (main,) = self.result_files(sequence, repetition)
        return {**self.times(self.time_file(sequence), repetition, run.seconds), main: format_regions(run.regions)}

    def failures(self, sequence: Sequence, repetition: int) -> int:
        return self.read(sequence, repetition).splitlines().count(str(FAILED))


@WRITERS.register("realtime")
class RealtimeWriter(SupervisedWriter):
    """`realtime/video/video_001.txt`, beside the baseline; what the two were made with is kept and guarded apart."""

    experiment = "realtime"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.run_folder = folder / RUN_FOLDER / self.experiment

    def remaining(self) -> bool:
        return any((self.folder / self.experiment).rglob("*.txt"))


@WRITERS.register("longterm")
class LongTermWriter(SequenceFolderWriter[LongTermRun]):
    """`longterm/video/`: regions, confidences (the first line empty) and times."""

    run_type = LongTermRun
    experiment = "longterm"
    time_format = "%.6f"

    def texts(self, sequence: Sequence, repetition: int, run: LongTermRun) -> dict[Path, str]:
        (main,) = self.result_files(sequence, repetition)
        scores = "\n" + "".join(f"{score:.6f}\n" for score in run.scores[1:])
        return {
            **self.times(self.time_file(sequence), repetition, run.seconds),
            main.with_name(f"{main.stem}_confidence.value"): scores,
            main: format_regions(run.regions),
        }

    def time_file(self, sequence: Sequence) -> Path:
        return self.sequence_folder(sequence) / f"{sequence.name}_time.txt"


@WRITERS.register("multistart")
class MultistartWriter(SequenceFolderWriter[MultistartRun]):
    """`baseline/video/video_<anchor>.txt`, frames in the order they were shown. Runs are not repeated."""

    run_type = MultistartRun
    experiment = "baseline"

    def result_files(self, sequence: Sequence, repetition: int) -> list[Path]:
        return [self._file(sequence, anchor) for anchor, _ in anchors_of(sequence)]

    def texts(self, sequence: Sequence, repetition: int, run: MultistartRun) -> dict[Path, str]:
        files: dict[Path, str] = {}
        for one in run.anchors:
            files |= self.times(self._time_file(self._file(sequence, one.anchor)), 1, one.seconds)
        return files | {self._file(sequence, one.anchor): format_regions(one.regions) for one in run.anchors}

    def other_files(self, sequence: Sequence) -> Iterable[Path]:
        return [*super().other_files(sequence), *map(self._time_file, self.result_files(sequence, 1))]

    def _file(self, sequence: Sequence, anchor: int) -> Path:
        return self.sequence_folder(sequence) / f"{sequence.name}_{anchor:08d}.txt"

    def _time_file(self, result: Path) -> Path:
        return self.run_folder / "times" / result.name


def make_writer(
    results_dir: str | Path, benchmark: str, tracker: str, protocol: str, repetitions: int = 1
) -> ResultWriter[Any]:
    """The writer for one tracker on one benchmark. Nothing is created on disk yet.

    Raises `ResultError` when `tracker` is not a plain folder name, `ProtocolError` for an unknown protocol.
    """
    if not tracker or tracker.startswith((".", "_")) or Path(tracker).name != tracker or "\\" in tracker:
        raise ResultError(
            f"Tracker name '{tracker}' cannot be a result folder. Use a plain name without slashes that starts with "
            "neither '.' nor '_' (--tracker_name)."
        )
    return WRITERS[protocol].for_repetitions(repetitions)(Path(results_dir) / benchmark / tracker)


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
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary[path] = path.with_name(f".{path.name}.{os.getpid()}.part")
            temporary[path].write_bytes(content.encode() if isinstance(content, str) else content)
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
