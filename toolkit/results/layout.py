"""Where result files are: the trackers below a results folder, and the files of a tracker.

A tracker is a folder, or an archive of one (`ATOM.tar.gz`, `ATOM.zip`) that is read in place.
"""

from __future__ import annotations

import lzma
import os
import re
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from toolkit.datasets.catalog import find_row
from toolkit.errors import ResultError, abbreviate
from toolkit.results.index import RESULT_ENDINGS, FileIndex, experiment_folders, normalize, root_of
from toolkit.utils.numbers import NumberTable, parse_numbers

ARCHIVE_ENDINGS = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar", ".zip")
_OTHER_ARCHIVES = (".rar", ".7z", ".tar.zst", ".gz")
_DAMAGE = (zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError)


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
        """The numbers in the file `path`. Raises `ResultError` naming it and the line that holds something else.

        The first line of a `.csv` may name its columns, and its numbers may be quoted.
        """
        data = self.read(path)
        if path.lower().endswith(".csv"):
            named = re.match(rb"\W*(?!nan|inf)[a-z_]", data, re.IGNORECASE)
            data = (data.partition(b"\n")[2] if named else data).replace(b'"', b" ")
        return parse_numbers(data, self.where(path))

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

    def find_any(self, sequence: str, experiment: str = "") -> list[str]:
        """`find` with the first of the endings results have that finds anything."""
        found = (self.find(sequence, experiment, ending) for ending in RESULT_ENDINGS)
        return next(filter(None, found), [])

    def summary(self) -> str:
        """What is there, in words: how many files of which ending in which folder; `*` stands for a sequence's own."""
        kinds: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for path in sorted(self.names):
            *folders, name = path.split("/")
            if folders and name.startswith(folders[-1]):
                folders[-1] = "*"
            if not re.search(r"(^|/)[._]", path):
                kinds["".join(f"{folder}/" for folder in folders), os.path.splitext(name)[1]].append(name)
        listed = [
            f"{len(names)} {ending or 'other'} in {folder or 'the folder itself'} ({names[0]})"
            for (folder, ending), names in sorted(kinds.items(), key=lambda item: -len(item[1]))
        ]
        is_binary = any(ending == ".bin" for _, ending in kinds)
        note = " vot-toolkit's binary regions (.bin) are not read, let it write text." if is_binary else ""
        return f"It holds {abbreviate(listed) or 'no file'}.{note}"


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
        except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, *_DAMAGE) as error:
            reason = str(error).split("\n")[0].rstrip(":")  # tarfile lists every compression it tried
            raise ResultError(
                f"{self.location}: this archive cannot be read ({reason}). Download it again, or unpack it to a folder."
            ) from None
        members = {path.replace("\\", "/"): data for path, data in members.items()}  # some Windows programs write `\`
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


def open_tracker(path: Path, name: str | None = None) -> TrackerFiles:
    """The result files at `path`, a folder or an archive. Raises `ResultError` when there is nothing there."""
    title = name or tracker_name(path)
    if path.is_dir():
        return FolderFiles(title, path)
    if path.is_file() and path.name.lower().endswith(ARCHIVE_ENDINGS):
        return ArchiveFiles(title, path)
    if path.is_file():
        raise ResultError(f"{path}: results are not read from a file of this kind. Unpack it, or pack it as .zip.")
    raise ResultError(f"{path}: no results of tracker '{title}' here; expected a folder, or a .tar.gz or .zip of one.")


def find_trackers(
    results_dir: Path, benchmark: str, prefix: str = "", sequences: Sequence[str] = ()
) -> dict[str, Path]:
    """Trackers with results for `benchmark` whose name starts with `prefix`, sorted by name.

    Looks in `results_dir/<benchmark>` (PySOT's layout), also under the benchmark's other names; when there is no such
    folder, in `results_dir` itself, where only folders with a file for one of `sequences` count (`<tracker>/` or
    `<tracker>/<benchmark>/`). `results_dir` may also be a tracker's own folder or archive. Raises `ResultError` that
    lists what was found instead.
    """
    if not results_dir.exists():
        raise ResultError(f"{results_dir}: no such results folder. Pass its path as --tracker_path.")
    folder = _benchmark_folder(results_dir, benchmark)
    entries = sorted((folder or results_dir).iterdir()) if results_dir.is_dir() else []
    trackers: dict[str, Path] = {}
    for path in filter(_may_be_tracker, entries):
        name = tracker_name(path)
        trackers[path.name if name in trackers else name] = path  # a folder and an archive of it are two trackers
    if folder is None and _holds(results_dir, sequences, directly=results_dir.is_dir()):
        trackers = {tracker_name(results_dir.resolve()): results_dir}
    elif folder is None:
        found = ", ".join(path.name for path in entries[:20]) or "nothing"
        inside = {name: _benchmark_folder(path, benchmark) or path for name, path in trackers.items()}
        trackers = {name: path for name, path in inside.items() if find_row(name) is None and _holds(path, sequences)}
        if not trackers:
            raise ResultError(
                f"{results_dir}: no folder '{benchmark}' here, it holds {found}. "
                f"Results belong in {results_dir / benchmark}/<tracker>/; pass their parent as --tracker_path."
            )
    chosen = {name: path for name, path in trackers.items() if name.startswith(prefix)}
    if chosen:
        return chosen
    if trackers:
        raise ResultError(
            f"{folder or results_dir}: no tracker's name starts with '{prefix}'. Trackers found: {', '.join(trackers)}."
        )
    raise ResultError(
        f"{folder}: no folder or archive of a tracker here. {FolderFiles(benchmark, folder or results_dir).summary()} "
        f"Results belong in {folder}/<tracker>/."
    )


def tracker_name(path: Path) -> str:
    """The name a results folder or archive gives its tracker."""
    endings = (*ARCHIVE_ENDINGS, *_OTHER_ARCHIVES)
    ending = next((ending for ending in endings if path.name.lower().endswith(ending)), "")
    return path.name[: len(path.name) - len(ending)] if path.is_file() else path.name


def _benchmark_folder(results_dir: Path, benchmark: str) -> Path | None:
    """The folder of a benchmark below `results_dir`: of its name, else of another that it goes by."""
    row = find_row(benchmark)
    names = dict.fromkeys(map(normalize, (benchmark, *((*row.own_names(), *row.folders) if row is not None else ()))))
    folders = [path for path in sorted(results_dir.iterdir()) if path.is_dir()] if results_dir.is_dir() else []
    spelled = [path for name in names for path in folders if normalize(path.name) == name]
    return next((path for path in spelled if path.name == benchmark), next(iter(spelled), None))


def _may_be_tracker(path: Path) -> bool:
    """Whether a results folder's entry is a tracker: a folder, or an archive, also of a kind that is not read."""
    is_archive = path.name.lower().endswith((*ARCHIVE_ENDINGS, *_OTHER_ARCHIVES))
    return not path.name.startswith((".", "_")) and (path.is_dir() or is_archive)


def _holds(path: Path, sequences: Sequence[str], directly: bool = False) -> bool:
    """Whether `path` has a result of any sequence; `directly`: in no folder but the experiment's and its own.

    What cannot be read holds some, so that its fault is reported.
    """
    try:
        files = open_tracker(path)
        _ = files.names
    except ResultError:
        return not directly
    experiments = experiment_folders()
    for experiment in ("", *sorted(experiments)):
        for sequence in (*sequences, *(f"{name}_00000000" for name in sequences)):  # a run from the first anchor
            with suppress(ResultError):  # two files of one sequence
                found = files.find_any(sequence, experiment)
                if found and not (directly and root_of(found[0], experiment, experiments)):
                    return True
    return False


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
