"""Where result files are: the trackers below a results folder, and the files of one sequence below a tracker.

A tracker is a folder, or an archive of one (`ATOM.tar.gz`, `ATOM.zip`) that is read in place. Files are matched to
sequences by name without regard to case, or to which of `-`, `_`, `.` and blank separates a target's number
(`Jogging-1` finds `jogging_1.txt`); an exact match always wins.
"""

from __future__ import annotations

import os
import re
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from toolkit.errors import ResultError
from toolkit.results.writer import WRITERS
from toolkit.utils.numbers import NumberTable, parse_numbers

ARCHIVE_ENDINGS = (".tar.gz", ".tgz", ".tar", ".zip")
_ALIASES: Mapping[str, str] = {"human4": "human4-2", "human4-2": "human4"}  # OTB's second Human4 target is the one used
_REPETITION = re.compile(r"^(.+)-(\d{3})$")


class TrackerFiles(ABC):
    """The result files of one tracker: names relative to its folder, and their contents."""

    def __init__(self, name: str, location: Path) -> None:
        self.name, self.location = name, location
        self._indices: dict[str, FileIndex] = {}

    @property
    @abstractmethod
    def names(self) -> frozenset[str]:
        """Names of all files, relative, with forward slashes; listed once."""

    @abstractmethod
    def read(self, path: str) -> bytes:
        """Contents of the file `path`. Raises `ResultError` naming it."""

    def where(self, path: str) -> str:
        """What a message calls the file `path`."""
        return f"{self.location}{os.sep}{path}"

    def numbers(self, path: str) -> NumberTable:
        """The numbers in the file `path`. Raises `ResultError` naming it and the line that holds something else."""
        return parse_numbers(self.read(path), self.where(path))

    def find(self, sequence: str, experiment: str = "", ending: str = ".txt") -> list[str]:
        """Paths of the result files of `sequence`, one per repetition; empty when there are none.

        `experiment` is the folder that holds them (`baseline`, `longterm`, ...; files outside any such folder count for
        every experiment). Raises `ResultError` when two files differ only in spelling, because either could be meant.
        """
        if experiment not in self._indices:
            self._indices[experiment] = FileIndex(sorted(self.names), experiment)
        try:
            return self._indices[experiment].find(sequence, ending)
        except ValueError as error:
            raise ResultError(f"{self.location}: {error} Delete or rename the one that is not meant.") from None


class FolderFiles(TrackerFiles):
    """Result files in a folder."""

    @cached_property
    def names(self) -> frozenset[str]:
        found: set[str] = set()
        for folder, _, names in os.walk(self.location):
            relative = os.path.relpath(folder, self.location).replace(os.sep, "/")
            prefix = "" if relative == "." else relative + "/"
            found.update(prefix + name for name in names)
        return frozenset(found)

    def read(self, path: str) -> bytes:
        try:
            with open(self.where(path), "rb", buffering=0) as file:
                return file.readall()
        except OSError as error:
            raise ResultError(f"{self.where(path)}: cannot be read ({error.strerror}). Check the file.") from None


class ArchiveFiles(TrackerFiles):
    """Result files inside a tar or zip archive, read once and kept in memory."""

    @cached_property
    def _contents(self) -> dict[str, bytes]:
        try:
            is_zip = self.location.suffix.lower() == ".zip"
            members = _read_zip(self.location) if is_zip else _read_tar(self.location)
        except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
            reason = str(error).split("\n")[0].rstrip(":")  # tarfile lists every compression it tried
            raise ResultError(
                f"{self.location}: this archive cannot be read ({reason}). Download it again, or unpack it to a folder."
            ) from None
        members = {path: data for path, data in members.items() if not path.startswith("__MACOSX/")}
        tops = {path.split("/", 1)[0] for path in members}
        if len(tops) == 1 and all("/" in path for path in members):
            return {path.split("/", 1)[1]: data for path, data in members.items()}
        return members

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(self._contents)

    def read(self, path: str) -> bytes:
        return self._contents[path]


class FileIndex:
    """Result files by normalized stem: `Jogging.1.txt` and `baseline/jogging-1/jogging-1_001.txt` are `jogging-1`."""

    def __init__(self, paths: Iterable[str], experiment: str = "") -> None:
        self._stems: dict[tuple[str, str], list[str]] = {}
        self._repetitions: dict[tuple[str, str], dict[int, list[str]]] = {}
        experiments = experiment_folders()
        for path in paths:
            stem, ending = os.path.splitext(path.rsplit("/", 1)[-1])
            key = normalize(stem)
            if not _may_hold(path.split("/")[:-1], key, experiment, experiments):
                continue
            self._stems.setdefault((key, ending.lower()), []).append(path)
            match = _REPETITION.match(key)
            if match:
                runs = self._repetitions.setdefault((match[1], ending.lower()), {})
                runs.setdefault(int(match[2]), []).append(path)

    def find(self, sequence: str, ending: str) -> list[str]:
        """One path per repetition; `ValueError` when two spellings compete."""
        key = normalize(sequence)
        for name in (key, _ALIASES.get(key, key)):
            runs = self._repetitions.get((name, ending), {})
            if (name, ending) in self._stems:
                single = _choose(self._stems[name, ending], sequence)
                own_folder = [path for paths in runs.values() for path in paths if "/" in path]
                if "/" not in single and own_folder:
                    raise ValueError(f"'{sequence}' has a single run, {single}, and repetitions, {own_folder[0]}.")
                return [single]
            if runs:
                return [_choose(runs[number], sequence) for number in sorted(runs)]
        return []


def experiment_folders() -> tuple[str, ...]:
    """Folders below a tracker's that keep the runs of one experiment apart: those of our writers, and VOT's others."""
    return tuple(sorted({"unsupervised", *(writer.experiment for writer in WRITERS.values())} - {""}))


def normalize(name: str) -> str:
    """The form in which sequence names are compared: lower case, `-` for every separator."""
    return re.sub(r"[-_. ]+", "-", name).casefold()


def open_tracker(path: Path, name: str | None = None) -> TrackerFiles:
    """The result files at `path`, a folder or an archive. Raises `ResultError` when there is nothing there."""
    title = name or tracker_name(path)
    if path.is_dir():
        return FolderFiles(title, path)
    if path.is_file() and path.name.lower().endswith(ARCHIVE_ENDINGS):
        return ArchiveFiles(title, path)
    raise ResultError(f"{path}: no results of tracker '{title}' here; expected a folder, or a .tar.gz or .zip of one.")


def find_trackers(
    results_dir: Path, benchmark: str, prefix: str = "", sequences: Sequence[str] = ()
) -> dict[str, Path]:
    """Trackers with results for `benchmark` whose name starts with `prefix`, sorted by name.

    Looks in `results_dir/<benchmark>` (PySOT's layout); when there is no such folder, in `results_dir` itself, where
    only folders with a file for one of `sequences` count. Raises `ResultError` that lists what was found instead.
    """
    if not results_dir.is_dir():
        raise ResultError(f"{results_dir}: no such results folder. Pass its path as --tracker_path.")
    alike = [path for path in sorted(results_dir.iterdir()) if normalize(path.name) == normalize(benchmark)]
    folders = [path for path in alike if path.is_dir()]
    folder = next((path for path in folders if path.name == benchmark), next(iter(folders), None))
    trackers = {
        tracker_name(path): path
        for path in sorted((folder or results_dir).iterdir())
        if not path.name.startswith((".", "_")) and (path.is_dir() or path.name.lower().endswith(ARCHIVE_ENDINGS))
    }
    if folder is None:
        found = ", ".join(trackers) or "nothing"
        trackers = {name: path for name, path in trackers.items() if _has_any(open_tracker(path), sequences)}
        if not trackers:
            raise ResultError(
                f"{results_dir}: no folder '{benchmark}' here, it holds {found}. "
                f"Results belong in {results_dir / benchmark}/<tracker>/; pass their parent as --tracker_path."
            )
    chosen = {name: path for name, path in trackers.items() if name.startswith(prefix)}
    if not chosen:
        found = ", ".join(trackers) or "none"
        raise ResultError(
            f"{folder or results_dir}: no tracker's name starts with '{prefix}'. Trackers found: {found}."
            if prefix
            else f"{folder or results_dir}: no tracker's results here. Run the test command first."
        )
    return chosen


def tracker_name(path: Path) -> str:
    """The name a results folder or archive gives its tracker."""
    ending = next((ending for ending in ARCHIVE_ENDINGS if path.name.lower().endswith(ending)), "")
    return path.name[: len(path.name) - len(ending)] if path.is_file() else path.name


def _has_any(files: TrackerFiles, sequences: Sequence[str]) -> bool:
    return any(
        files.find(sequence, experiment, ending)
        for sequence in sequences
        for experiment in ("", *experiment_folders())
        for ending in (".txt", ".json")
    )


def _may_hold(folders: list[str], key: str, experiment: str, experiments: tuple[str, ...]) -> bool:
    """Whether results can be in `folders`: none, the sequence's own, or these below the experiment's."""
    if folders and folders[0].lower() in experiments:
        if folders[0].lower() != experiment:
            return False
        folders = folders[1:]
    return not folders or (len(folders) == 1 and key.startswith(normalize(folders[0])))


def _choose(paths: list[str], sequence: str) -> str:
    exact = [path for path in paths if re.match(re.escape(sequence) + r"(_\d+)?\.[^/]*$", path.rsplit("/", 1)[-1])]
    if len(exact or paths) > 1:
        raise ValueError(f"several files could be sequence '{sequence}': {', '.join(exact or paths)}.")
    return (exact or paths)[0]


def _read_tar(path: Path) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None:
                contents[member.name.removeprefix("./")] = file.read()
    return contents


def _read_zip(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}
