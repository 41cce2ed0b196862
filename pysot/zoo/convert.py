"""Snapshots of other projects: what their files need to be read without their code, and their keys under our names.

pytracking's checkpoints (specs/atom.md section 10) hold, beside the weights under `net`, objects of its own classes:
the constructor of the network, settings, statistics. These classes are never imported. The file is read with each of
them replaced by `Placeholder`, which takes whatever it is given and keeps nothing; everything else that is not plain
data is refused, as in any snapshot.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from pysot.core.errors import SnapshotError

FOREIGN_PACKAGES = ("ltr", "pytracking")
"""Packages whose classes become placeholders."""

STATE_KEYS = ("state_dict", "net")
"""Where a checkpoint may keep its weights: PySOT's and our own key, and pytracking's."""

PREFIXES = {"module.": "", "feature_extractor.": "backbone."}
"""Beginnings of foreign keys and what they become, in this order; `bb_regressor.` and all others stay."""

_PICKLES_OF_A_LEGACY_FILE = 4  # magic number, protocol, system, content


class Placeholder:
    """An object of a class that is not here: made, filled and forgotten without effect."""

    def __new__(cls, *_args: object, **_kwargs: object) -> Placeholder:
        return super().__new__(cls)

    def __init__(self, *_args: object, **_kwargs: object) -> None:
        """Takes any arguments."""

    def __setstate__(self, state: object) -> None:
        """Takes any state."""


def placeholders_for(path: Path) -> list[tuple[Any, str]]:
    """A placeholder class, with the name it stands for, for every foreign class that the torch file `path` mentions.

    For `torch.serialization.safe_globals`. Nothing of the file is executed; what cannot be parsed mentions nothing.
    """
    names = sorted({name for name in _globals_in(path) if name.split(".")[0] in FOREIGN_PACKAGES})
    return [(type("Placeholder", (Placeholder,), {"__doc__": f"Stands for {name}."}), name) for name in names]


def _globals_in(path: Path) -> set[str]:
    """Dotted names of everything that unpickling `path` would look up."""
    names: set[str] = set()
    with path.open("rb") as file:
        try:
            for stream in _pickles_in(file):
                names.update(
                    str(argument).replace(" ", ".", 1)
                    for opcode, argument, _ in pickletools.genops(stream)
                    if opcode.name == "GLOBAL"
                )
        except Exception:  # a damaged file may break the parser in any way; the reader itself says how
            return names
    return names


def _pickles_in(file: BinaryIO) -> Iterator[BinaryIO]:
    """The pickled parts of a torch file: one in a zip archive, several in a row in a file of torch before 1.6."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                if name.endswith("/data.pkl"):
                    yield io.BytesIO(archive.read(name))
        return
    file.seek(0)
    for _ in range(_PICKLES_OF_A_LEGACY_FILE):
        yield file


def weights_in(content: Any) -> Any:
    """The state_dict in what a snapshot file holds: `content` itself, or one of its `STATE_KEYS`."""
    if not isinstance(content, Mapping):
        return None
    return next((content[key] for key in STATE_KEYS if isinstance(content.get(key), Mapping)), content)


def own_key(key: str) -> str:
    """The name in our models of the weight that a published snapshot calls `key`."""
    for foreign, own in PREFIXES.items():
        if key.startswith(foreign):
            key = own + key.removeprefix(foreign)
    return key


def own_keys(state: Mapping[str, Any]) -> dict[str, Any]:
    """`state` under the names of our models. Raises `SnapshotError` when two keys become one."""
    renamed = {own_key(str(key)): value for key, value in state.items()}
    if len(renamed) != len(state):
        keys = sorted(str(key) for key in state)
        doubled = next(key for key in keys if sum(own_key(other) == own_key(key) for other in keys) > 1)
        raise SnapshotError(
            f"The snapshot has several weights for '{own_key(doubled)}', for one '{doubled}': it mixes two models. "
            "Save the state_dict of one."
        )
    return renamed
