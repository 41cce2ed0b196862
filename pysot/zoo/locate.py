"""From a snapshot's name to a file on this machine: the zoo folders, the experiment, then a download."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pysot.config.experiments import experiments_dir
from pysot.core.errors import SnapshotError
from pysot.core.registry import closest
from pysot.zoo.catalog import CATALOG, find_entry
from pysot.zoo.download import by_hand, fetch, is_offline
from pysot.zoo.entry import ModelEntry
from pysot.zoo.files import SAFETENSORS, TORCH
from pysot.zoo.hashing import check_hash
from pysot.zoo.places import ZOO_VARIABLE, zoo_places

SUFFIXES = (SAFETENSORS, TORCH)
"""Kinds of snapshot files, the one to prefer first."""


def find_snapshot(name_or_path: str | Path, *, download: bool = True) -> Path:
    """The file of a snapshot given as a path, or by a name that the catalog knows (`zoo.catalog.find_entry`).

    Looks for a file of that path; then in `$PYSOT_ZOO` and the cache for `NAME.safetensors` or the catalog's file;
    then for `model.safetensors` or `model.pth` in the folder `experiments/<name>`; then downloads it, when the
    catalog has a link, `download` is set and `$PYSOT_OFFLINE` is not. A file whose hash is known is used only when it
    agrees.

    Raises:
        SnapshotError: nothing found (the message lists every place looked at), a wrong hash, or a failed download.
    """
    path, name = Path(name_or_path), str(name_or_path)
    if path.is_file():
        return path
    entry = find_entry(name)
    places = list(_candidates(name, entry))
    for place in places:
        if place.is_file():
            if place.parent in zoo_places():  # what lies beside an experiment's config is the user's
                check_hash(place, entry if entry and place.name == entry.file and not entry.is_own else None)
            return place
    if entry and entry.urls and download and not is_offline():
        return fetch(entry)
    looked = "\n".join(dict.fromkeys(f"  {place.absolute()}" for place in (path, *places)))
    hint = closest(name, CATALOG) if entry is None else ""
    advice = by_hand(entry) if entry else f"Put the file in one of these places, or set {ZOO_VARIABLE} to its folder."
    raise SnapshotError(
        f"Snapshot '{name}' was not found.{hint} Looked for:\n{looked}\n{advice}\n"
        "`pysot zoo list` has the names that are known."
    )


def find_here(entry: ModelEntry) -> Path | None:
    """The file of an entry on this machine, whatever is in it; None when it is not here."""
    return next((place for place in _candidates(entry.name, entry) if place.is_file()), None)


def _candidates(name: str, entry: ModelEntry | None) -> Iterator[Path]:
    """Every file that the name may mean, in the order to try: its own first, then those of its entry."""
    names = list(dict.fromkeys([name, *([entry.name] if entry is not None else [])]))
    models = [f"{each}/model{suffix}" for each in names for suffix in SUFFIXES]
    files = [f"{each}{suffix}" for each in names for suffix in SUFFIXES if not each.endswith(SUFFIXES)]
    own_names = [name] if name.endswith(SUFFIXES) else []
    files = list(dict.fromkeys([*own_names, *files, *([entry.file] if entry is not None else [])]))
    for place in zoo_places():
        yield from (place / file for file in files + models)
    yield from (experiments_dir() / model for model in models)
