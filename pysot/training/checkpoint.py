"""Checkpoints: written whole or not at all, read safely, found again after a kill.

A run's folder holds PySOT's names: `checkpoint_e7.pth` (after 7 epochs), `latest.pth` (within an epoch) and `best.pth`
(best validation). Each is a mapping with `epoch` (epochs finished), `state_dict`, `optimizer` and what a run adds;
`iteration` (of the epoch that was going on) is 0 where absent.
"""

from __future__ import annotations

import io
import json
import logging
import random
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save as safetensors_bytes
from torch import Tensor

from pysot.core.atomic import write_whole
from pysot.core.device import accelerator_rng_states, set_accelerator_rng_states
from pysot.core.errors import SnapshotError, TrainingError
from pysot.zoo.loading import read_torch_file

logger = logging.getLogger(__name__)

LATEST, BEST = "latest.pth", "best.pth"
_EPOCH_FILE = re.compile(r"checkpoint_e(\d+)\.pth")
_NEEDED = ("epoch", "state_dict", "optimizer")
_RENAMED = {"judges.": "discriminators."}
"""Parts of a `learner` under the names of older checkpoints, and what they are called."""
_PLAIN = (str, bool, int, float, type(None), Tensor)


def epoch_path(folder: Path, epoch: int) -> Path:
    """Where the checkpoint after `epoch` finished epochs lies."""
    return folder / f"checkpoint_e{epoch}.pth"


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Writes `state` to `path`: after a kill or a full disk the file is the whole old one or the whole new one.

    Args:
        path: in a folder that is made when absent.
        state: tensors, numbers, strings and None, in dicts, lists and tuples; nothing else can be read back safely.

    Raises:
        TrainingError: something else in `state`, or the disk is full or cannot be written; the old file stays valid.
    """
    _check_plain(state, "")
    buffer = io.BytesIO()  # torch's own writer hides a full disk behind an error of its zip format
    torch.save(dict(state), buffer)
    write_whole(path, buffer.getbuffer())


def _check_plain(value: Any, where: str) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            _check_plain(item, f"{where}[{key!r}]")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check_plain(item, f"{where}[{index}]")
    elif not isinstance(value, _PLAIN):
        raise TrainingError(
            f"A checkpoint cannot hold a {type(value).__name__} (at state{where}): it could not be read back safely. "
            "Store tensors, numbers, strings, and dicts or lists of them; a numpy array as torch.from_numpy(array)."
        )


def load_checkpoint(path: Path, map_location: torch.device | str = "cpu") -> dict[str, Any]:
    """The checkpoint in `path`, its tensors on `map_location`; no code in the file is ever run.

    Raises `SnapshotError` when the file is missing, truncated, altered (its checksums are compared) or no checkpoint.
    """
    if not path.is_file():
        raise SnapshotError(f"Checkpoint {path} does not exist. Pass the path of one, or --resume auto.")
    _check_sums(path)
    content = read_torch_file(path, map_location)
    if not isinstance(content, Mapping) or "state_dict" not in content:
        raise SnapshotError(
            f"{path} is not a checkpoint: expected a mapping with 'state_dict' in it, found a "
            f"{type(content).__name__}. To start from bare weights, give them as pretrained snapshot."
        )
    state = dict(content)
    for old, new in _RENAMED.items():
        if "learner" in state:
            state["learner"] = {
                new + key.removeprefix(old) if key.startswith(old) else key: value
                for key, value in state["learner"].items()
            }
    return state


def _check_sums(path: Path) -> None:
    """torch.load does not compare the checksums that torch.save stores, and would return altered numbers."""
    try:
        if not zipfile.is_zipfile(path):  # torch < 1.6 wrote no zip; a truncated one fails to load
            return
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except Exception as error:  # a damaged file may break the parser in any way
        raise SnapshotError(f"{path} is damaged ({error}). Go on from another checkpoint of its folder.") from error
    if broken is not None:
        raise SnapshotError(
            f"{path} is damaged: the checksum of its part {broken} is wrong. Go on from another checkpoint of "
            "its folder."
        )


def find_latest(folder: Path) -> Path | None:
    """The whole checkpoint in `folder` that is furthest in (epoch, iteration), or None where a run cannot go on.

    Damaged files are passed over with a warning.
    """
    candidates = [[folder / LATEST], [path for _, path in reversed(_epoch_files(folder))], [folder / BEST]]
    found = [reached for paths in candidates if (reached := _first_whole(paths)) is not None]
    return max(found, key=lambda entry: entry[0])[1] if found else None


def _first_whole(paths: list[Path]) -> tuple[tuple[int, int], Path] | None:
    """(epoch, iteration) and path of the first file that a run can go on from."""
    for path in paths:
        if not path.is_file():
            continue
        try:
            content = load_checkpoint(path)
            if absent := [key for key in _NEEDED if key not in content]:
                raise SnapshotError(f"{path} has no {', '.join(absent)}: a run cannot go on from it.")
            return (int(content["epoch"]), int(content.get("iteration", 0))), path
        except SnapshotError as error:
            logger.warning("Passed over: %s", error)
    return None


def keep_last(folder: Path, count: int) -> list[Path]:
    """Deletes all but the last `count` `checkpoint_e*.pth` of `folder` (0: keeps all); returns what was deleted."""
    doomed = [path for _, path in _epoch_files(folder)[:-count]] if count > 0 else []
    for path in doomed:
        path.unlink(missing_ok=True)
    return doomed


def _epoch_files(folder: Path) -> list[tuple[int, Path]]:
    matches = ((_EPOCH_FILE.fullmatch(path.name), path) for path in folder.glob("checkpoint_e*.pth"))
    return sorted((int(match[1]), path) for match, path in matches if match)


def rng_state() -> dict[str, Any]:
    """The state of every global random generator (torch's on all devices, Python's, numpy's), as plain content."""
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002
    return {
        "torch": torch.get_rng_state(),
        "accelerators": accelerator_rng_states(),
        "python": [version, list(words), gauss],
        "numpy": [name, torch.from_numpy(np.asarray(keys, dtype=np.int64)), position, has_gauss, cached],
    }


def set_rng_state(state: Mapping[str, Any]) -> None:
    """Puts back what `rng_state` returned, also after it went through a file onto another device."""
    version, words, gauss = state["python"]
    name, keys, position, has_gauss, cached = state["numpy"]
    torch.set_rng_state(state["torch"].cpu())
    set_accelerator_rng_states(list(state["accelerators"]))
    random.setstate((version, tuple(words), gauss))
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), position, has_gauss, cached))  # noqa: NPY002


def export_snapshot(source: Mapping[str, Any], path: Path, metadata: Mapping[str, str]) -> None:
    """Writes the weights alone, as safetensors, for `pysot.load_tracker` and other programs.

    Args:
        source: a checkpoint (its `state_dict` is taken) or a state_dict; a leading `module.` of keys is removed.
        path: ends with `.safetensors`.
        metadata: what the weights are and where they come from; kept in the file's header. The same weights and
            metadata give the same bytes.

    Raises `TrainingError` when the file cannot be written, or when `source` holds no weights.
    """
    state = source.get("state_dict", source)
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise TrainingError(
            f"{path} was not written: there are no weights to export. Pass a checkpoint or a state_dict."
        )
    # Copies, because the format refuses tensors that share memory.
    tensors = {key.removeprefix("module."): value.detach().cpu().clone().contiguous() for key, value in state.items()}
    write_whole(path, _with_metadata(safetensors_bytes(tensors), {"format": "pt", **metadata}))


def _with_metadata(content: bytes, metadata: Mapping[str, str]) -> bytes:
    """A safetensors file with `metadata` in its header: 8 bytes of length, a JSON header, then the numbers.

    The library would write the entries in an order that changes from call to call, and the file's sha256 with it.
    """
    start = 8 + int.from_bytes(content[:8], "little")
    header = {"__metadata__": dict(sorted(metadata.items())), **json.loads(content[8:start])}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of 8 bytes
    return len(text).to_bytes(8, "little") + text + content[start:]
