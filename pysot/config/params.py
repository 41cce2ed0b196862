"""TODO docstring."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from yacs.config import CfgNode


def params_from_config(cfg: CfgNode, params_type: type[Any], group: str = "TRACK") -> Any:
    """An instance of the dataclass `params_type`, each field read from `cfg`.

    Field `penalty_k` comes from `TRACK.PENALTY_K`; a field with the metadata `key` from that key. A class may name
    another group than TRACK as its `config_group`. A field with the metadata `group` is a dataclass itself, and is read
    from that group.
    """
    prefix = getattr(params_type, "config_group", group)
    values = {}
    for field in fields(params_type):
        if "group" in field.metadata:
            assert isinstance(field.default_factory, type)
            values[field.name] = params_from_config(cfg, field.default_factory, field.metadata["group"])
            continue
        node: Any = cfg
        for part in field.metadata.get("key", f"{prefix}.{field.name.upper()}").split("."):
            node = node[part]
        values[field.name] = tuple(node) if isinstance(node, list) else node
    return params_type(**values)
