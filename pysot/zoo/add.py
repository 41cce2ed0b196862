"""Takes a file that is on this machine into the zoo: under its name, checked, its hash noted."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from torch import Tensor

from pysot.core.atomic import whole_or_not_at_all
from pysot.core.errors import SnapshotError
from pysot.core.registry import closest
from pysot.zoo.catalog import CATALOG, find_entry
from pysot.zoo.entry import ModelEntry
from pysot.zoo.files import file_kind, kind_of_name, why_no_weights
from pysot.zoo.hashing import Trust, expected_hash, pin, sha256_of
from pysot.zoo.loading import read_state_dict
from pysot.zoo.places import download_dir

SNAPSHOT_SUFFIXES = (".pth", ".pt", ".tar", ".model", ".pkl", ".mat", ".safetensors")
LARGEST_MEMBER = 4 << 30
"""Bytes; a larger file in an archive is not unpacked."""


@dataclass(frozen=True)
class Added:
    """A file that is now in the zoo.

    Attributes:
        name: its zoo name.
        path: where it is.
        trust: what its hash says.
        tensors: weights in it.
    """

    name: str
    path: Path
    trust: Trust
    tensors: int


def add_file(file: Path, name: str = "", check: Callable[[Path, str], Mapping[str, Tensor]] | None = None) -> Added:
    """Copies `file`, or the only snapshot in an archive, into `download_dir` as the snapshot `name`.

    Without `name` the catalog tells it from the hash, or from the name of the file. A name that the catalog does
    not have is the user's own. The file must be readable as weights, and be the published one where its hash is known;
    another hash is noted and asked for from now on.

    Args:
        file: the snapshot or the archive.
        name: its zoo name.
        check: called with the file and its name, returns its weights; raises `SnapshotError` when they do not fit.

    Raises `SnapshotError` with what to do.
    """
    if not file.is_file():
        raise SnapshotError(f"{file} does not exist.")
    with _unpacked(file) as snapshot:
        sha256 = sha256_of(snapshot)
        by_hash = next((entry for entry in CATALOG.values() if entry.sha256 == sha256), None)
        entry = find_entry(name) if name else by_hash or find_entry(snapshot.name)
        if entry is None and not name:
            raise SnapshotError(f"{file} is not known by its hash or its name. Say what it is: --as NAME.")
        name = entry.name if entry else name
        called, trust = _name_and_trust(snapshot, entry, name, sha256)
        weights = check(snapshot, name) if check is not None else read_state_dict(snapshot)
        folder = download_dir()
        if trust is not Trust.VERIFIED:
            pin(called, sha256, folder)
        with whole_or_not_at_all(folder / called) as copy:
            shutil.copyfile(snapshot, copy)
        return Added(name, folder / called, trust, len(weights))


def _name_and_trust(file: Path, entry: ModelEntry | None, name: str, sha256: str) -> tuple[str, Trust]:
    """What the file will be called in the zoo, and what its hash says.

    Raises `SnapshotError` when it cannot be the snapshot `name`.
    """
    if PurePosixPath(name).name != name or name.startswith("."):
        raise SnapshotError(f"'{name}' cannot be a snapshot's name.{closest(name, CATALOG)}")
    kind = file_kind(file)
    if kind is None:
        raise SnapshotError(f"{file} {why_no_weights(file) or 'is no file of weights. Look into it.'}")
    as_published = entry is not None and not entry.is_own and kind_of_name(entry.file) == kind
    called = entry.file if entry is not None and as_published else f"{name}{kind}"
    expected = expected_hash(called, entry if as_published else None)
    if not sha256.startswith(expected.digits):
        raise SnapshotError(
            f"{file} is not the {'published' if expected.noted is None else 'first'} {name}: sha256 {sha256[:16]}..., "
            f"expected {expected.digits[:16]}... Fetch it again, or add it under a name of your own: --as NAME."
        )
    return called, Trust.VERIFIED if expected.trust is Trust.VERIFIED else Trust.PINNED


@contextmanager
def _unpacked(file: Path) -> Iterator[Path]:
    """`file` itself, or the only snapshot in the archive it is, unpacked for the length of the block."""
    if file_kind(file) is not None or not (tarfile.is_tarfile(file) or zipfile.is_zipfile(file)):
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="pysot-zoo-") as scratch:
        yield _unpack(file, Path(scratch))


def _unpack(archive: Path, folder: Path) -> Path:
    """The only snapshot in `archive`, written into `folder` under the last part of its name: no path of the archive is
    used, and links and devices are no snapshots.
    """
    try:
        if not tarfile.is_tarfile(archive):  # a tar that ends in a zip would pass for one
            with zipfile.ZipFile(archive) as zipped:
                sizes = {info.filename: info.file_size for info in zipped.infolist() if not info.is_dir()}
                member = _only_snapshot(archive, sizes)
                with zipped.open(member) as source:
                    return _write(source, folder / PurePosixPath(member).name, sizes[member])
        with tarfile.open(archive) as tarred:
            sizes = {info.name: info.size for info in tarred if info.isreg()}
            member = _only_snapshot(archive, sizes)
            stream = tarred.extractfile(member)
            assert stream is not None
            return _write(stream, folder / PurePosixPath(member).name, sizes[member])
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise SnapshotError(f"{archive} cannot be unpacked ({error}). Unpack it by hand and add the file.") from error


def _only_snapshot(archive: Path, sizes: dict[str, int]) -> str:
    found = [
        name
        for name in sizes
        if name.endswith(SNAPSHOT_SUFFIXES) and not name.startswith("__MACOSX/") and "\\" not in name
    ]
    if len(found) != 1:
        raise SnapshotError(
            f"{archive} holds {len(found)} snapshots{': ' if found else ''}{', '.join(found[:5])}. Unpack it by hand "
            "and add each with --as NAME."
        )
    if sizes[found[0]] > LARGEST_MEMBER:
        raise SnapshotError(f"{archive}: {found[0]} claims {sizes[found[0]]} bytes, more than are ever unpacked.")
    return found[0]


def _write(source: object, target: Path, size: int) -> Path:
    """Copies what is said to be `size` bytes, and no more."""
    left = size
    with target.open("wb") as out:
        while left > 0 and (chunk := source.read(min(left, 1 << 20))):  # type: ignore[attr-defined]
            out.write(chunk)
            left -= len(chunk)
    return target
