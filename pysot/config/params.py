"""Hyper-parameters as frozen dataclasses: which config key fills which field.

Field `penalty_k` is `TRACK.PENALTY_K`. A class names another group than TRACK as its `config_group`; a field with the
metadata `key` is that key instead, and one with the metadata `group` is a dataclass itself, filled from that group.
Every field has a default, the same one that the tree of `pysot.config.defaults` has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from typing import Any

from yacs.config import CfgNode

from pysot.core.errors import ConfigError


def params_from_config(cfg: CfgNode, params_type: type[Any], group: str = "TRACK") -> Any:
    """An instance of the dataclass `params_type`, each field read from `cfg`; lists become tuples.

    Raises `ConfigError` where the tree has no such key, or the values break a rule of the class.
    """
    values = {}
    for field, key in _fields_with_keys(params_type, group):
        if "group" in field.metadata:
            values[field.name] = params_from_config(cfg, _nested(field), key)
            continue
        node: Any = cfg
        for part in key.split("."):
            if part not in node:
                raise ConfigError(
                    f"{params_type.__name__}.{field.name} is filled from {key}, which this config does not have. "
                    "Name an existing key in the field's metadata, or load the config after the part was imported."
                )
            node = node[part]
        values[field.name] = tuple(node) if isinstance(node, list) else node
    return params_type(**values)


def defaults_of(params_type: type[Any], group: str = "TRACK") -> Iterator[tuple[str, Any]]:
    """The dotted config keys that `params_from_config` reads for `params_type`, each with its default.

    Raises `ConfigError` for a field without a default: what nobody sets would have no value.
    """
    for field, key in _fields_with_keys(params_type, group):
        if field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(
                f"{params_type.__name__}.{field.name} has no default. Every hyper-parameter needs one: it is the value "
                f"of {key} where a config does not set it."
            )
        if "group" in field.metadata:
            yield from defaults_of(_nested(field), key)
        else:
            factory = field.default_factory
            yield key, factory() if factory is not MISSING else field.default


def _fields_with_keys(params_type: type[Any], group: str) -> Iterator[tuple[Field[Any], str]]:
    prefix = getattr(params_type, "config_group", group)
    for field in fields(params_type):
        own = field.metadata.get("group") or field.metadata.get("key")
        yield field, own or f"{prefix}.{field.name.upper()}"


def _nested(field: Field[Any]) -> type[Any]:
    assert isinstance(field.default_factory, type), f"{field.name}: a nested group needs a dataclass as default_factory"
    return field.default_factory
