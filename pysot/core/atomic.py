"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pysot.core.errors import WriteError


@contextmanager
def whole_or_not_at_all(target: Path) -> Iterator[Path]:
    """A path to write to, which becomes `target` when the block ends well, and is gone when it does not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as scratch:
        path = Path(scratch) / target.name
        yield path
        path.replace(target)


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Replaces the file `path` in one step that a kill cannot divide.

    Raises `WriteError` naming the space needed and free when it cannot be written; an old file stays as it was.
    """
    part = path.with_name(f".{path.name}.part")  # one fixed name: what a killed run left is overwritten by the next
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        existing = next(folder for folder in (path.parent, *path.absolute().parents) if folder.is_dir())
        kept = f"The old {path.name} is whole and stays. " if path.is_file() else ""
        raise WriteError(
            f"{path} cannot be written: {error.strerror or error}. It needs {len(content) / 2**20:.1f} MiB; "
            f"{shutil.disk_usage(existing).free / 2**20:.1f} MiB are free. {kept}Make room or the folder writable, "
            "then go on with --resume auto."
        ) from error


def _sync_folder(folder: Path) -> None:
    """Makes the new name last through a power cut, where the system can open folders."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
