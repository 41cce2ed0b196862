"""Another package called `toolkit` that comes first on the path is named where one of our modules is missed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

OWN = Path(__file__).resolve().parents[2] / "toolkit"


class ForeignToolkit:
    """A finder behind Python's own: finds nothing, and says whose `toolkit` has no such module."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        """Raises `ImportError` for a module of `toolkit` when that package is not the one beside `pysot`."""
        if not fullname.startswith("toolkit.") or path is None:
            return
        places = [Path(place).resolve() for place in path]
        missed = OWN.parent.joinpath(*fullname.split("."))
        if OWN not in places and (missed.is_dir() or missed.with_suffix(".py").is_file()):
            raise ImportError(
                f"There is no {fullname} in the package 'toolkit' that Python finds first, {places[0]}; it is in "
                f"{OWN}, which belongs to pysot. Take {places[0].parent} off the path (PYTHONPATH, or the folder of "
                "the script), or rename that copy.",
                name=fullname,
            )


def install() -> None:
    """Puts the finder behind the others; done by `import pysot`."""
    if not any(isinstance(finder, ForeignToolkit) for finder in sys.meta_path):
        sys.meta_path.append(ForeignToolkit())
