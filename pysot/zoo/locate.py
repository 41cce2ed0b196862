"""From a snapshot's name to a file on this machine: the zoo folder, the user's cache, then a download."""

from __future__ import annotations

import hashlib
import http.client
import logging
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from pysot.core.errors import SnapshotError
from pysot.core.experiments import experiments_dir
from pysot.core.registry import closest
from pysot.zoo.catalogue import CATALOGUE, Entry
from pysot.zoo.loading import SAFETENSORS

logger = logging.getLogger(__name__)

ZOO_VARIABLE = "PYSOT_ZOO"
SUFFIXES = (SAFETENSORS, ".pth")
"""Kinds of snapshot files, the one to prefer first."""
TIMEOUT_S = 30
_CHUNK = 1 << 20


def cache_dir() -> Path:
    """Where downloads are kept: `$XDG_CACHE_HOME/pysot`, by default `~/.cache/pysot`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pysot"


def zoo_places() -> list[Path]:
    """Folders searched for snapshots, in order."""
    own = os.environ.get(ZOO_VARIABLE)
    return ([Path(own)] if own else []) + [cache_dir()]


def find_snapshot(name_or_path: str | Path, *, download: bool = True) -> Path:
    """The file of a snapshot given as a path or a zoo name.

    Looks for a file of that path; then for the name in `$PYSOT_ZOO` and the cache, and for `model.safetensors` or
    `model.pth` in the folder `experiments/<name>`; then downloads it, when the catalogue has a link and `download` is
    set. A file of the catalogue is used only when its sha256 agrees.

    Raises:
        SnapshotError: nothing found (the message lists every place looked at), a wrong hash, or a failed download.
    """
    path, name = Path(name_or_path), str(name_or_path)
    if path.is_file():
        return path
    entry = CATALOGUE.get(name)
    models = [f"{name}/model{suffix}" for suffix in SUFFIXES]
    files = [name] if name.endswith(SUFFIXES) else [f"{name}{suffix}" for suffix in SUFFIXES]
    places = [place / file for place in zoo_places() for file in ([entry.file] if entry else files + models)]
    places += [experiments_dir() / model for model in models]
    for place in places:
        if place.is_file():
            if entry:
                _check_hash(place, entry)
            return place
    if entry and download:
        return _download(entry, cache_dir())
    looked = "\n".join(dict.fromkeys(f"  {place.absolute()}" for place in (path, *places)))
    hint = closest(name, CATALOGUE)
    raise SnapshotError(
        f"Snapshot '{name}' was not found.{hint} Looked for:\n{looked}\n"
        f"Put the file in one of these places, or set {ZOO_VARIABLE} to the folder that holds it. "
        f"Known by name: {', '.join(CATALOGUE)}."
    )


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _check_hash(path: Path, entry: Entry) -> None:
    found = sha256_of(path)
    if found != entry.sha256:
        raise SnapshotError(
            f"{path} is not the published {entry.name}: sha256 {found[:16]}..., expected {entry.sha256[:16]}... "
            "Delete the file to fetch it again, or pass it by path to use it as it is."
        )


def _download(entry: Entry, folder: Path) -> Path:
    """Fetches the first link that works into `folder`; the file appears there only when its hash agrees."""
    failures = []
    for url in entry.urls:
        try:
            return _fetch(url, entry, folder)
        except (urllib.error.URLError, http.client.HTTPException, OSError, SnapshotError) as error:
            failures.append(f"  {url}: {error}")
    zoo = os.environ.get(ZOO_VARIABLE) or folder
    raise SnapshotError(
        f"Snapshot '{entry.name}' is not on this machine and could not be downloaded:\n"
        + "\n".join(failures)
        + f"\nFetch {entry.file} by hand and put it into {zoo}."
    )


def _fetch(url: str, entry: Entry, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    logger.info("Downloading %s from %s", entry.file, url)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as scratch:
        part = Path(scratch) / entry.file
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as reply, part.open("wb") as out:
            while chunk := reply.read(_CHUNK):
                out.write(chunk)
        _check_hash(part, entry)
        return part.replace(folder / entry.file)
