"""Where snapshots are kept on this machine."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pysot.core.errors import SnapshotError

ZOO_VARIABLE = "PYSOT_ZOO"


def cache_dir() -> Path:
    """The user's own zoo: `$XDG_CACHE_HOME/pysot`, by default `~/.cache/pysot`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pysot"


def zoo_places() -> list[Path]:
    """Folders searched for snapshots, in order: `$PYSOT_ZOO`, then the user's own."""
    own = os.environ.get(ZOO_VARIABLE)
    return ([Path(own)] if own else []) + [cache_dir()]


def download_dir() -> Path:
    """Where new files go: the first of `zoo_places` that can be written. Raises `SnapshotError` when none can."""
    for place in zoo_places():
        with suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            if os.access(place, os.W_OK):
                return place
    raise SnapshotError(
        f"No folder for snapshots can be written: {', '.join(map(str, zoo_places()))}. "
        f"Set {ZOO_VARIABLE} to one of yours."
    )
