"""Weights of the trackers that LMT grew out of, under LMT's names: MDNet's, and MetaSDNet's with its learned rates
(specs/lmt.md section 2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

_NESTED = re.compile(r"^(conv[123]|fc[456])\.(?:\d+\.)?(weight|bias)$")


def own_name(key: str) -> str | None:
    """`backbone.conv1.weight` or `head.cls.fc1.weight` for the layers that MDNet and MetaSDNet call conv1 to fc6."""
    match = _NESTED.match(key.removeprefix("features.").removeprefix("fc."))
    if match is None:
        return None
    layer, kind = match.groups()
    if layer.startswith("conv"):
        return f"backbone.{layer}.{kind}"
    return f"head.cls.fc{int(layer[2]) - 3}.{kind}"


def state_of_meta_tracker(content: Any) -> dict[str, Tensor] | None:
    """The weights in what a file of MDNet or MetaSDNet holds, under LMT's names; None where it is none of these.

    Known forms: `shared_layers` (py-MDNet), `features` and `fc` (MetaSDNet's plain form), `meta_init` and `meta_alpha`
    (its learned initialisation and rates).
    """
    if not isinstance(content, Mapping):
        return None
    if isinstance(content.get("meta_init"), Mapping):
        rates = _renamed(content.get("meta_alpha") or {})
        return _renamed(content["meta_init"]) | {
            "rates." + name.replace(".", "/"): value for name, value in rates.items()
        }
    parts = [content[key] for key in ("shared_layers", "features", "fc") if isinstance(content.get(key), Mapping)]
    return {name: value for part in parts for name, value in _renamed(part).items()} or None


def _renamed(state: Mapping[str, Any]) -> dict[str, Tensor]:
    named = {own_name(str(key)): value for key, value in state.items()}
    return {name: value.detach() for name, value in named.items() if name is not None and isinstance(value, Tensor)}
