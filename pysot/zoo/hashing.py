"""Whether a file is the one that was published: by the catalog's hash, or by that of the first download.

A hash that nobody has published is pinned when the file is first fetched or added: `FILE.sha256` beside the file, in
the form that `sha256sum -c` reads. From then on another file of that name is refused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from pysot.core.atomic import whole_or_not_at_all
from pysot.core.errors import SnapshotError
from pysot.zoo.entry import ModelEntry
from pysot.zoo.places import zoo_places

PIN_SUFFIX = ".sha256"
_CHUNK = 1 << 20


class Trust(Enum):
    """What is known of a file."""

    VERIFIED = "verified"  # the catalog's hash
    PINNED = "as first fetched"
    PARTLY = "first digits agree"
    UNVERIFIED = "unverified"  # no hash to compare with


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def pin_of(file: str) -> tuple[str, Path] | None:
    """The hash pinned for a file of this name, and the file that says so; None when there is none."""
    for place in zoo_places():
        path = place / f"{file}{PIN_SUFFIX}"
        if path.is_file():
            return path.read_text(encoding="utf-8", errors="replace")[:64].lower(), path
    return None


def pin(file: str, sha256: str, folder: Path) -> None:
    """Notes in `folder` that the file of this name has this hash."""
    with whole_or_not_at_all(folder / f"{file}{PIN_SUFFIX}") as path:
        path.write_text(f"{sha256}  {file}\n", encoding="utf-8")


@dataclass(frozen=True)
class Expected:
    """What the hash of a file must begin with.

    Attributes:
        digits: the whole hash, its first digits, or nothing.
        trust: what a file that agrees has earned.
        noted: the file that the hash was pinned in, if it was.
    """

    digits: str
    trust: Trust
    noted: Path | None = None


def expected_hash(file: str, entry: ModelEntry | None) -> Expected:
    """What is known of the file called `file`; `entry` is its row, if it is the very file of one."""
    known = entry.sha256 if entry is not None else ""
    if entry is not None and entry.is_verified:
        return Expected(known, Trust.VERIFIED)
    pinned = pin_of(file)
    if pinned is not None:
        return Expected(pinned[0], Trust.PINNED, pinned[1])
    return Expected(known, Trust.PARTLY if known else Trust.UNVERIFIED)


def check_hash(path: Path, entry: ModelEntry | None) -> Trust:
    """Compares the file `path` with what is known of a file of its name; `entry` as for `expected_hash`.

    Raises `SnapshotError` when it is another file.
    """
    expected = expected_hash(path.name, entry)
    if not expected.digits:
        return expected.trust
    found = sha256_of(path)
    if found.startswith(expected.digits):
        return expected.trust
    comparison = f"sha256 {found[:16]}..., expected {expected.digits[:16]}..."
    if expected.noted is not None:
        raise SnapshotError(
            f"{path} is not the file that was first here: {comparison} (noted in {expected.noted}). Delete it to fetch "
            "it again; delete the note if the new file is meant."
        )
    name = entry.name if entry is not None else path.name
    raise SnapshotError(
        f"{path} is not the published {name}: {comparison} "
        "Delete the file to fetch it again, or pass it by path to use it as it is."
    )
