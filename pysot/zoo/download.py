"""From a row of the catalog to its file: the links in order, one process at a time, whole and checked."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

from filelock import FileLock, Timeout

from pysot.core.errors import SnapshotError
from pysot.zoo.drive import fetch_drive
from pysot.zoo.entry import DRIVE, DRIVE_FOLDER, ModelEntry, page_of
from pysot.zoo.files import file_kind, why_no_weights
from pysot.zoo.hashing import Trust, check_hash, expected_hash, pin, sha256_of
from pysot.zoo.http import TransferError, discard, fetch_http
from pysot.zoo.places import ZOO_VARIABLE, download_dir

logger = logging.getLogger(__name__)

OFFLINE_VARIABLE = "PYSOT_OFFLINE"


def is_offline() -> bool:
    """Whether `$PYSOT_OFFLINE` forbids downloads."""
    return os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0")


def fetch(entry: ModelEntry) -> Path:
    """Downloads the snapshot into `download_dir` and returns its file, which appears when it is whole and checked.

    A hash that is not known is pinned (`zoo.hashing`). Of several processes one downloads and the others wait for it.

    Raises `SnapshotError` that says which link failed and why, and how to place the file by hand.
    """
    if is_offline():
        raise SnapshotError(f"${OFFLINE_VARIABLE} forbids to download '{entry.name}'.\n{by_hand(entry)}")
    folder = download_dir()
    target = folder / entry.file
    lock = FileLock(folder / f".{entry.file}.lock")
    try:
        turn = lock.acquire(timeout=0)
    except Timeout:
        logger.warning("Waiting for another process that downloads %s", entry.file)
        turn = lock.acquire()
    with turn:
        if target.is_file():  # another process was faster
            check_hash(target, entry)
            return target
        failures = []
        for link in entry.urls:
            logger.info("Downloading %s from %s", entry.file, link)
            try:
                _fetch_from(link, entry, target)
                return target
            except (TransferError, OSError) as error:
                failures.append(f"  {link}: {error}")
    raise SnapshotError(
        f"Snapshot '{entry.name}' is not on this machine and could not be downloaded:\n"
        + "\n".join(failures)
        + f"\n{by_hand(entry)}"
    )


def by_hand(entry: ModelEntry) -> str:
    """How a user puts the file in its place."""
    if not entry.urls:
        return f"It has no link; it belongs into experiments/{entry.name}/."
    return (
        f"By hand: fetch {entry.file} from {page_of(entry.urls[0])}, then `pysot zoo add FILE --as {entry.name}`, "
        f"or put it into {download_dir()} (or any folder that {ZOO_VARIABLE} names) as {entry.file}."
    )


def _fetch_from(link: str, entry: ModelEntry, target: Path) -> None:
    """One link's file, checked, as `target`. Raises `TransferError`."""
    part = target.with_name(f".part-{hashlib.sha256(link.encode()).hexdigest()[:8]}-{entry.file}")
    continued = part.is_file()
    try:
        _transfer(link, entry, part)
        sha256 = _accept(part, entry)
    except _OtherFileError:
        if not continued:  # else the beginning may have been of another version
            raise
        _transfer(link, entry, part)
        sha256 = _accept(part, entry)
    if not entry.is_verified:
        pin(entry.file, sha256, target.parent)
    part.replace(target)
    for left in target.parent.glob(f".part-*-{entry.file}*"):
        left.unlink(missing_ok=True)


def _transfer(link: str, entry: ModelEntry, part: Path) -> None:
    if link.startswith((DRIVE, DRIVE_FOLDER)):
        fetch_drive(link, part)
    else:
        trust = expected_hash(entry.file, entry).trust
        fetch_http(link, part, size=entry.size, same_file=trust in (Trust.VERIFIED, Trust.PINNED))


class _OtherFileError(TransferError):
    """A link sent another file than the published one."""


def _accept(part: Path, entry: ModelEntry) -> str:
    """The hash of what was fetched; removes `part` and raises `_OtherFileError` when it is not the right file."""
    found, expected = sha256_of(part), expected_hash(entry.file, entry)
    if not found.startswith(expected.digits):
        discard(part)
        raise _OtherFileError(f"sent another file: sha256 {found[:16]}..., expected {expected.digits[:16]}...")
    if expected.trust in (Trust.VERIFIED, Trust.PINNED):
        return found
    if file_kind(part) is None:
        reason = why_no_weights(part) or "is no file of weights"
        discard(part)
        raise _OtherFileError(f"sent something that {reason}")
    logger.warning("%s: its hash is not published; %s... is noted and asked for from now on.", entry.file, found[:16])
    return found
