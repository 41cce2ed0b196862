"""Reading snapshots safely, and putting them into a model without losing a word about what does not fit."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pysot.core.errors import SnapshotError
from pysot.zoo.convert import STATE_KEYS, of_bare_backbone, own_keys, placeholders_for, weights_in
from pysot.zoo.files import MATCONVNET, SAFETENSORS, file_kind, why_no_weights
from pysot.zoo.matconvnet import read_matconvnet
from pysot.zoo.pickles import why_refused

logger = logging.getLogger(__name__)

SHOWN = 10
"""How many keys of each kind an error message lists."""


@dataclass(frozen=True)
class KeyReport:
    """How the keys of a snapshot compare with those of a model.

    Attributes:
        missing: in the model, not in the snapshot. Batch-norm counters are never missing: they do not affect outputs.
        unexpected: in the snapshot, not in the model.
        wrong_shape: key, shape in the snapshot, shape in the model.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    wrong_shape: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]

    @property
    def fits(self) -> bool:
        """True when every key agrees."""
        return not (self.missing or self.unexpected or self.wrong_shape)

    def __str__(self) -> str:
        shapes = tuple(f"{key}: snapshot {found}, model {wanted}" for key, found, wanted in self.wrong_shape)
        lines = []
        for title, keys in (("missing", self.missing), ("unexpected", self.unexpected), ("wrong shape", shapes)):
            rest = f", and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
            lines += [f"  {title} ({len(keys)}): {', '.join(keys[:SHOWN])}{rest}"] if keys else []
        return "\n".join(lines)


class MismatchError(SnapshotError):
    """A snapshot is of another model; `report` says in which keys."""

    def __init__(self, message: str, report: KeyReport) -> None:
        super().__init__(message)
        self.report = report


def compare_keys(model: nn.Module, state: Mapping[str, Tensor]) -> KeyReport:
    """Names and shapes of `state` against those of `model`."""
    wanted = model.state_dict()
    missing = tuple(key for key in wanted if key not in state and not key.endswith("num_batches_tracked"))
    shapes = [
        (key, tuple(state[key].shape), tuple(wanted[key].shape))
        for key in wanted
        if key in state and state[key].shape != wanted[key].shape
    ]
    return KeyReport(missing, tuple(key for key in state if key not in wanted), tuple(shapes))


def load_snapshot(model: nn.Module, path: str | Path) -> None:
    """Fills `model` with the weights in the file `path`, strictly.

    A model that is nothing but a backbone takes that part of a tracker or of an ImageNet network (`zoo.convert`).

    Raises `MismatchError` when any key is missing, unexpected or of another shape, any other `SnapshotError` when the
    file cannot be read safely; the model is then left as it was.
    """
    # compared key by key; only batch-norm counters may be absent
    model.load_state_dict(read_fitting(model, path), strict=False)


def read_fitting(model: nn.Module, path: str | Path) -> dict[str, Tensor]:
    """The weights in the file `path` that `load_snapshot` would fill `model` with; `model` may be without storage, on
    torch's device `meta`. Raises as `load_snapshot` does.
    """
    state = of_bare_backbone(read_state_dict(path), model.state_dict().keys())
    report = compare_keys(model, state)
    if not report.fits:
        raise MismatchError(
            f"{path} does not fit this model ({type(model).__name__}):\n{report}\n"
            "Use the config the snapshot was made with, or another snapshot.",
            report,
        )
    return state


def load_weights(model: nn.Module, path: str | Path) -> KeyReport:
    """Fills what it can of `model`, a part of a tracker, from a file of pre-trained weights (an ImageNet network, say).

    Keys may lack or carry the prefix `features.`, or be those of a whole tracker whose backbone is taken. What the
    file has beyond the model (a classifier) and what it lacks is logged and returned.

    Raises `MismatchError` when no key fits, or a shape differs.
    """
    state = read_state_dict(path)
    variants = (
        state,
        {f"features.{key}": value for key, value in state.items()},
        {key.removeprefix("features."): value for key, value in state.items()},
        {key.removeprefix("backbone."): value for key, value in state.items() if key.startswith("backbone.")},
    )
    wanted = model.state_dict()
    best = max(variants, key=lambda variant: sum(key in wanted for key in variant))
    report = compare_keys(model, best)
    if len(report.missing) >= len(wanted) or report.wrong_shape:
        raise MismatchError(
            f"{path} does not fit {type(model).__name__}:\n{report}\nGive weights of this backbone.", report
        )
    model.load_state_dict({key: value for key, value in best.items() if key in wanted}, strict=False)
    if not report.fits:
        logger.warning("%s fits %s only in part:\n%s", path, type(model).__name__, report)
    return report


def load_part(model: nn.Module, name: str, path: str | Path) -> None:
    """Fills the part `name` (dotted) of `model` with the weights that a whole tracker in the file `path` has there, or
    with those of a file that has the part alone, and perhaps a classifier behind it.

    Raises `SnapshotError` when the model has no such part, or the file other keys or shapes for it.
    """
    parts = dict(model.named_modules())
    if name not in parts:
        raise SnapshotError(
            f"{type(model).__name__} has no part '{name}' to fill from {path}. It has: "
            f"{', '.join(child for child, _ in model.named_children())}."
        )
    prefix = f"{name}."
    content, wanted = read_state_dict(path), parts[name].state_dict().keys()
    state = {key[len(prefix) :]: value for key, value in content.items() if key.startswith(prefix)}
    state = state or {key: value for key, value in content.items() if key in wanted}
    report = compare_keys(parts[name], state)
    if not report.fits:
        raise MismatchError(f"The part '{name}' of {path} does not fit this {type(model).__name__}:\n{report}", report)
    parts[name].load_state_dict(state, strict=False)  # checked above; only batch-norm counters may be absent


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """The weights in a `.safetensors` file, in MatConvNet's `.mat`, or in a torch file: a flat state_dict, or a
    checkpoint with one (PySOT's `state_dict`, pytracking's `net`).

    A leading `module.` of keys is removed, and the names of foreign projects become ours (`zoo.convert`). Nothing in
    the file is executed: only tensors, plain containers and numpy numbers are built.

    Raises `SnapshotError` when the file is missing, damaged, asks for code to run, or holds no weights.
    """
    path = Path(path)
    if not path.is_file():
        raise SnapshotError(f"Snapshot {path} does not exist.")
    _refuse_what_is_no_weights(path)
    content = _READERS.get(file_kind(path) or "", read_torch_file)(path)
    state = weights_in(content)
    if not isinstance(state, Mapping) or not state or not all(isinstance(v, Tensor) for v in state.values()):
        found = f"a {type(content).__name__}"
        if isinstance(content, Mapping):
            found = f"a mapping with the keys {', '.join(map(str, list(content)[:SHOWN])) or '(none)'}"
        raise SnapshotError(
            f"{path} holds no weights: expected a state_dict, or a checkpoint with the key "
            f"{' or '.join(map(repr, STATE_KEYS))}; found {found}."
        )
    _check_tensors(path, state)
    return own_keys(state)


def _refuse_what_is_no_weights(path: Path) -> None:
    if found := why_no_weights(path):
        raise SnapshotError(f"{path} {found}")


def _check_tensors(path: Path, state: Mapping[Any, Tensor]) -> None:
    """Every weight must be a plain array of finite numbers that the file really holds, under a name."""
    size = path.stat().st_size
    for key, value in state.items():
        if not isinstance(key, str):
            raise SnapshotError(
                f"{path} holds no weights: a key of its state_dict is no text but a {type(key).__name__}."
            )
        if value.layout != torch.strided or value.is_quantized or value.is_meta or value.is_nested:
            raise SnapshotError(f"{path}: weight '{key[:80]}' is not a plain tensor. Save the model's own state_dict.")
        if value.numel() * value.element_size() > size:
            raise SnapshotError(
                f"{path}: weight '{key[:80]}' of shape {tuple(value.shape)} claims more bytes than the file has "
                f"({size}). The file is damaged, or made to fill the memory."
            )
        finite = (value.float() if value.element_size() == 1 else value).isfinite()  # torch has none for 8 bits
        if not finite.all():
            raise SnapshotError(
                f"{path}: weight '{key[:80]}' is not finite: {int((~finite).sum())} of its {value.numel()} values are "
                "NaN or infinite. The training had diverged when it was saved. Use an earlier snapshot, or train again "
                "with a lower TRAIN.BASE_LR."
            )


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise SnapshotError(
            f"{path} ({path.stat().st_size} bytes) is not a whole safetensors file; it is probably truncated. "
            f"Get it again. ({_reason(error)})"
        ) from error


def read_torch_file(path: Path, map_location: torch.device | str = "cpu") -> Any:
    """What `torch.save` wrote to the existing file `path`: tensors, plain containers and numpy scalars.

    Objects of pytracking's own classes become placeholders (`zoo.convert`), everything else is refused.

    Raises `SnapshotError` when the file is damaged, asks for code to run, or would exhaust its reader.
    """
    _refuse_what_is_no_weights(path)
    if reason := why_refused(path):
        raise SnapshotError(f"{path} was refused: {reason}. It is not a plain file of weights, or it is damaged.")
    try:
        return _read_safely(path, map_location)
    except pickle.UnpicklingError as error:
        raise SnapshotError(
            f"{path} was refused: it is not a plain file of weights, or it is damaged. A snapshot may hold tensors and "
            f"plain containers only. ({_reason(error)})"
        ) from error
    except Exception as error:  # a damaged file may break the parser in any way
        raise SnapshotError(
            f"{path} ({path.stat().st_size} bytes) cannot be read; it is probably truncated or not a torch file. "
            f"Get it again. ({_reason(error)})"
        ) from error


def _read_safely(path: Path, map_location: torch.device | str) -> Any:
    """`torch.load` without code; a file it refuses is tried again when foreign classes may be the cause."""
    scalar = np.float64(0).__reduce__()[0]  # PySOT's checkpoints hold learning rates as numpy.float64
    allowed: list[Any] = [(scalar, "numpy.core.multiarray.scalar"), scalar, np.dtype, type(np.dtype("float64"))]
    try:
        with torch.serialization.safe_globals(allowed):
            return torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError:
        placeholders = placeholders_for(path)
        if not placeholders:
            raise
    with torch.serialization.safe_globals([*allowed, *placeholders]):
        return torch.load(path, map_location=map_location, weights_only=True)


_READERS: Mapping[str, Callable[[Path], Any]] = {SAFETENSORS: _read_safetensors, MATCONVNET: read_matconvnet}
"""By kind of file; everything else is read as a torch file."""


def _reason(error: Exception) -> str:
    """The line that says what is wrong, without torch's advice how to switch the safety off."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and "weights_only" not in line]
    chosen = next((line for line in lines if "unsupported" in line.lower()), lines[0] if lines else "")
    chosen = chosen.partition(" Please use ")[0]
    return f"{type(error).__name__}: {chosen[:200]}" if chosen else type(error).__name__
