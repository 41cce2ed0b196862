"""Snapshots of other projects: what reading their files takes, where their weights are, and our names of these.

pytracking's checkpoints hold, beside the weights under `net`, objects of its own classes: the constructor of the
network, settings, statistics; Lightning's hold its settings and the state of its callbacks. These classes are never
imported. The file is read with each of them replaced by `Placeholder`, which takes whatever it is given and keeps
nothing; everything else that is not plain data is refused, as in any snapshot.
"""

from __future__ import annotations

import pickletools
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import Tensor

from pysot.core.errors import SnapshotError
from pysot.zoo.pickles import pickles_in

FOREIGN_PACKAGES = ("ltr", "pytracking", "pytorch_lightning", "lightning", "lightning_fabric", "omegaconf", "argparse")
"""Packages whose classes become placeholders: pytracking's, and what Lightning keeps beside the weights."""

STATE_KEYS = ("state_dict", "net", "model", "model_state_dict")
"""Where a checkpoint may keep its weights: PySOT's, Lightning's and our own key, pytracking's, two of many users."""

WRAPPERS = ("module.", "_orig_mod.", "model.", "net.")
"""Beginnings that a key gets, once or several times, from what a model was wrapped in when it was saved:
`DataParallel`, `torch.compile`, a Lightning module."""

BACKBONE = "backbone."
"""Beginning of a backbone's keys."""

PREFIXES = {"feature_extractor.": BACKBONE}
"""Beginnings of foreign keys and what they become; `bb_regressor.` and all others stay."""

UNUSED = ("motionModel.fc",)
"""Beginnings of foreign keys that are left out: TANet's file has C3D's linear layers, which it never runs."""

_MDNET_KEY = re.compile(r"(?:features\.)?(?:fc\.)?(conv[123]|fc[456])\.(?:\d+\.)?(weight|bias)")


class Placeholder:
    """An object of a class that is not here: made, filled and forgotten without effect."""

    def __new__(cls, *_args: object, **_kwargs: object) -> Placeholder:
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        """Takes any state."""


def placeholders_for(path: Path) -> list[tuple[Any, str]]:
    """A placeholder class, with the name it stands for, for every foreign class that the torch file `path` mentions.

    For `torch.serialization.safe_globals`. Nothing of the file is executed; what cannot be parsed mentions nothing.
    """
    names: set[str] = set()
    with path.open("rb") as file, suppress(Exception):  # a damaged file may break the parser in any way
        for stream in pickles_in(file):
            for opcode, argument, _ in pickletools.genops(stream):
                if opcode.name == "GLOBAL":
                    names.add(str(argument).replace(" ", ".", 1))
    foreign = sorted(name for name in names if name.split(".")[0] in FOREIGN_PACKAGES)
    return [(type("Placeholder", (Placeholder,), {"__doc__": f"Stands for {name}."}), name) for name in foreign]


def weights_in(content: Any) -> Any:
    """The state_dict in what a snapshot file holds: `content` itself, or one of its `STATE_KEYS`.

    Of MDNet and MetaSDNet the weights under LMT's names: `shared_layers` (py-MDNet), `features` and `fc` (MetaSDNet's
    plain form), `meta_init` and `meta_alpha` (its learned initialization and rates).
    """
    if not isinstance(content, Mapping):
        return None
    if isinstance(content.get("meta_init"), Mapping):
        rates = _of_mdnet(content.get("meta_alpha") or {})
        return _of_mdnet(content["meta_init"]) | {f"rates.{key.replace('.', '/')}": rates[key] for key in rates}
    parts = [content[key] for key in ("shared_layers", "features", "fc") if isinstance(content.get(key), Mapping)]
    if state := {key: value for part in parts for key, value in _of_mdnet(part).items()}:
        return state
    return next((content[key] for key in STATE_KEYS if isinstance(content.get(key), Mapping)), content)


def _of_mdnet(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of layers conv1 to conv3 and fc4 to fc6, as `backbone.conv1.weight` and `head.cls.fc1.weight`."""
    found = {}
    for key, value in state.items():
        match = _MDNET_KEY.fullmatch(str(key))
        if match is not None and isinstance(value, Tensor):
            layer, kind = match.groups()
            name = f"{BACKBONE}{layer}" if layer.startswith("conv") else f"head.cls.fc{int(layer[2]) - 3}"
            found[f"{name}.{kind}"] = value.detach()
    return found


def own_key(key: str) -> str:
    """The name in our models of the weight that a published snapshot calls `key`."""
    while wrapper := next(filter(key.startswith, WRAPPERS), ""):
        key = key.removeprefix(wrapper)
    for foreign, own in PREFIXES.items():
        if key.startswith(foreign):
            key = own + key.removeprefix(foreign)
    return key


def own_keys(state: Mapping[str, Any]) -> dict[str, Any]:
    """`state` under the names of our models, without what none of them uses.

    Raises `SnapshotError` when two keys become one.
    """
    state = {key: value for key, value in state.items() if not str(key).startswith(UNUSED)}
    renamed = {own_key(str(key)): value for key, value in state.items()}
    if len(renamed) != len(state):
        keys = sorted(str(key) for key in state)
        doubled = next(key for key in keys if sum(own_key(other) == own_key(key) for other in keys) > 1)
        raise SnapshotError(
            f"The snapshot has several weights for '{own_key(doubled)}', for one '{doubled}': it mixes two models. "
            "Save the state_dict of one."
        )
    return renamed


def of_bare_backbone(state: Mapping[str, Any], wanted: Collection[str]) -> dict[str, Any]:
    """What a model that is nothing but a backbone, with the keys `wanted`, takes of `state`.

    Of a tracker's snapshot its backbone, of an ImageNet network the layers it has, under the prefix `backbone.`; the
    rest, a head or a classifier, is left out. For any other model, or where nothing fits, `state` stays as it is.
    """
    if not all(key.startswith(BACKBONE) for key in wanted):
        return dict(state)
    named = {key if key.startswith(BACKBONE) else f"{BACKBONE}{key}": value for key, value in state.items()}
    return {key: value for key, value in named.items() if key in wanted} or dict(state)
