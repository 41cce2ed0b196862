"""Which of a tracker's files belongs to a sequence: names as they are spelled here and by other toolkits.

Names are compared without regard to case, or to which of `-`, `_`, `.` and blank separates a target's number
(`Jogging-1` finds `jogging_1.txt`); an exact match always wins. A name that is not there is looked for with what most
files have before or behind theirs (`uav_bike1.txt`, `SiamFC_bike1.txt`, `bike1_DaSiamRPN.txt`).
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from toolkit.results.writer import WRITERS

RESULT_ENDINGS = (".txt", ".csv", ".json")
"""Of files that hold boxes, the first found wins."""
PREFIXES = ("uav-", "nfs-")
"""What pytracking puts before the names of a benchmark's sequences."""
_ALIASES: Mapping[str, str] = {"human4": "human4-2", "human4-2": "human4"}  # OTB's second Human4 target is the one used
_REPETITION = re.compile(r"^(.+)-(\d{3})$")
_RUN_FOLDER = re.compile(r"(.*[-_]|)\d{1,3}")


class _Stored(NamedTuple):
    """A file: the folders it lies in below the tracker's, without the experiment's and its sequence's own; its path."""

    root: tuple[str, ...]
    path: str

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]


class FileIndex:
    """Result files of one experiment by normalized stem: `Jogging.1.txt` and `jogging-1/jogging-1_001.txt`.

    Of files that lie at several depths the shallowest count. Files in hidden folders and in those that start with an
    underscore are none of a sequence.
    """

    def __init__(self, paths: Iterable[str], experiment: str = "") -> None:
        self._stems: dict[tuple[str, str], list[_Stored]] = {}
        self._repetitions: dict[tuple[str, str], dict[int, list[_Stored]]] = {}
        experiments = experiment_folders()
        for path in paths:
            root = root_of(path, experiment, experiments)
            if root is None:
                continue
            stem, ending = os.path.splitext(path.rpartition("/")[2])
            key, stored = normalize(stem), _Stored(root, path)
            self._stems.setdefault((key, ending.lower()), []).append(stored)
            match = _REPETITION.match(key)
            if match:
                runs = self._repetitions.setdefault((match[1], ending.lower()), {})
                runs.setdefault(int(match[2]), []).append(stored)

    def find(self, sequence: str, ending: str) -> list[str]:
        """One path per repetition; `ValueError` when two spellings compete."""
        for name in self._spellings(normalize(sequence)):
            singles = _shallowest(self._stems.get((name, ending), []))
            numbered = self._repetitions.get((name, ending), {})
            runs = _shallowest([one for k in sorted(numbered) for one in numbered[k]])
            if len(singles) > 1 and _are_runs(singles):
                return [one.path for one in singles]
            if singles:
                single = _choose(singles, sequence)
                rivals = [one.path for one in runs if one.root == single.root and one.folder != single.folder]
                if rivals:
                    raise ValueError(f"'{sequence}' has a single run, {single.path}, and repetitions, {rivals[0]}.")
                return [single.path]
            if runs:
                wanted = set(runs)
                parts = ([one for one in numbered[k] if one in wanted] for k in sorted(numbered))
                return [_choose(part, sequence).path for part in parts if part]
        return []

    def _spellings(self, key: str) -> Iterator[str]:
        """The names a sequence's file may have, the likeliest first."""
        yield key
        yield _ALIASES.get(key, key)
        for prefix in PREFIXES:
            yield key.removeprefix(prefix) if key.startswith(prefix) else prefix + key
        before, behind = self._affixes
        yield from (before + key, key + behind, before + key + behind)

    @cached_property
    def _affixes(self) -> tuple[str, str]:
        """What most names start and end with, separator included; empty where they share nothing."""
        stems = {key for key, ending in self._stems if ending in RESULT_ENDINGS and not key.endswith("-time")}
        keys = {_REPETITION.sub(r"\1", key) for key in stems}
        separators = [(key, [match.start() for match in re.finditer("-", key)]) for key in keys]
        heads = Counter(key[: at + 1] for key, places in separators for at in places)
        tails = Counter(key[at:] for key, places in separators for at in places)
        before, behind = (
            max((part for part, count in parts.items() if 1 < count > len(keys) / 2), key=len, default="")
            for parts in (heads, tails)
        )
        return before, behind


def experiment_folders() -> frozenset[str]:
    """Folders below a tracker's that keep the runs of one experiment apart: those of our writers, and VOT's others."""
    return frozenset({"unsupervised", *(writer.experiment for writer in WRITERS.values())} - {""})


def normalize(name: str) -> str:
    """The form in which sequence names are compared: lower case, `-` for every separator."""
    return re.sub(r"[-_. ]+", "-", name).casefold()


def stored_sequences(paths: Iterable[str]) -> tuple[str, ...]:
    """Names of the sequences that text files are called after: their own folder's, else their stem's; no times."""
    found: set[str] = set()
    experiments = experiment_folders()
    for path in paths:
        folder, _, name = path.rpartition("/")
        own, stem = folder.rpartition("/")[2], name.removesuffix(".txt")
        if stem != name and root_of(path, "", experiments) is not None and not stem.endswith("_time"):
            found.add(own if own and stem.startswith(own) else stem)
    return tuple(sorted(found))


def root_of(path: str, experiment: str, experiments: frozenset[str]) -> tuple[str, ...] | None:
    """The folders of a file that are neither an experiment's nor its sequence's; None for no result of `experiment`."""
    *folders, name = path.split("/")
    if name.startswith(".") or any(folder.startswith((".", "_")) for folder in folders):
        return None
    if folders and f"{normalize(name)}-".startswith(f"{normalize(folders[-1])}-"):
        folders = folders[:-1]
    if any(folder.lower() in experiments - {experiment} for folder in folders):
        return None
    return tuple(folder for folder in folders if folder.lower() not in experiments)


def _shallowest(found: list[_Stored]) -> list[_Stored]:
    least = min((len(one.root) for one in found), default=0)
    return [one for one in found if len(one.root) == least]


def _are_runs(found: list[_Stored]) -> bool:
    """Whether files lie in folders like run_000/, run_001/: one run of the tracker each."""
    folders = [_RUN_FOLDER.fullmatch(one.root[-1]) if one.root else None for one in found]
    return len({match[1] if match else None for match in folders} | {None}) == 2


def _choose(found: list[_Stored], sequence: str) -> _Stored:
    exact = [one for one in found if re.search(rf"(^|/){re.escape(sequence)}(_\d+)?\.[^/]*$", one.path)] or found
    if len(exact) == 1:
        return exact[0]
    what = "files could be" if len({one.folder for one in exact}) == 1 else "folders hold"
    raise ValueError(f"several {what} sequence '{sequence}': {', '.join(one.path for one in exact)}.")
