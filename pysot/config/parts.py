"""What the config layer knows of the parts that a config chooses: their names, the keys each reads, what each forbids.

A part (an architecture, a tracker, a recipe, ...) is registered in its own layer, in a `PartRegistry`; nothing here
knows one by name. Parts that were not imported are not known, and nothing is said of their keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

from yacs.config import CfgNode

from pysot.config.defaults import default_tree
from pysot.config.params import defaults_of
from pysot.core.errors import ConfigError
from pysot.core.registry import Registry

T = TypeVar("T")

SLOTS: list[PartRegistry[Any]] = []
"""Every slot of a tracker that one key of a config fills."""


class Declared(NamedTuple):
    """A key that a part brought along: its default, and who brought it."""

    default: Any
    part: str


DECLARED: dict[str, Declared] = {}
"""Keys of registered parts that the tree of `pysot.config.defaults` does not have."""


class PartRegistry(Registry[T]):
    """A registry whose entries are chosen by the config key `key`, and say which keys they read.

    An entry may have:

    - `config_keys`, a tuple of dotted keys and groups ("RPN", "TRAIN.CLS_WEIGHT") that it reads;
    - `params_type`, the dataclass of its hyper-parameters, whose keys count too (`pysot.config.params`);
    - `config_defaults`, a mapping of further keys of its own to their defaults;
    - `check_config(cfg)`, which raises `ConfigError` when keys contradict each other.

    Args:
        optional: a config may name what is not registered here (an architecture without a training recipe).
    """

    def __init__(self, slot: str, key: str, *, optional: bool = False) -> None:
        super().__init__(slot, key)
        self.optional = optional
        SLOTS.append(self)

    def register(self, *names: str) -> Callable[[T], T]:
        """As in `Registry`; keys of the entry that the tree does not have become keys of it.

        Raises `ConfigError` when another part has brought such a key along with another default.
        """
        add = super().register(*names)

        def add_with_keys(entry: T) -> T:
            for key, default in self._defaults_of(entry).items():
                if key not in _OF_THE_TREE:
                    declare(key, default, f"{self.slot} '{names[0]}'")
            return add(entry)

        return add_with_keys

    def chosen(self, cfg: CfgNode) -> T | None:
        """The entry that `cfg` names; None where nothing is known of it. Raises `ConfigError` for an unknown name."""
        name = value_of(cfg, self.key)
        return None if name not in self and (self.optional or not len(self)) else self[name]

    def keys_read_by(self, entry: T) -> set[str]:
        """The keys and groups that `entry` reads, the one that chooses it included."""
        return {self.key, *getattr(entry, "config_keys", ()), *self._defaults_of(entry)}

    @staticmethod
    def _defaults_of(entry: Any) -> dict[str, Any]:
        params_type = getattr(entry, "params_type", None)
        own = dict(getattr(entry, "config_defaults", {}))
        return own if params_type is None else own | dict(defaults_of(params_type))


def declare(key: str, default: Any, part: str) -> None:
    """Makes the dotted `key` one of the tree, with this default.

    Raises `ConfigError` when `part` is not the first to bring it and wants another default, or when the default is of
    a kind that YAML does not have.
    """
    value = list(default) if isinstance(default, tuple) else default
    if not isinstance(value, (bool, int, float, str, list)):
        raise ConfigError(
            f"The key {key} of {part} has the default {default!r}; expected a number, a text, True or False, or a "
            "tuple of numbers or texts."
        )
    known = DECLARED.get(key)
    if known is not None and (known.default, type(known.default)) != (value, type(value)):
        raise ConfigError(
            f"{part} declares the key {key} with the default {value!r}, but {known.part} has declared it with "
            f"{known.default!r}. Rename one of the two keys (metadata `key` of the field), or make the defaults equal."
        )
    DECLARED.setdefault(key, Declared(value, part))


def add_declared(tree: CfgNode) -> None:
    """Gives `tree` the declared keys that it does not have yet."""
    for key, (default, _) in DECLARED.items():
        *groups, last = key.split(".")
        node = tree
        for group in groups:
            if group not in node:
                node[group] = CfgNode()
            node = node[group]
        if last not in node:
            node[last] = list(default) if isinstance(default, list) else default


def all_keys(node: CfgNode, prefix: str = "") -> Iterator[str]:
    """Every key of the tree in dotted form, groups included."""
    for key, value in node.items():
        yield f"{prefix}{key}"
        if isinstance(value, CfgNode):
            yield from all_keys(value, f"{prefix}{key}.")


_OF_THE_TREE = frozenset(all_keys(default_tree()))


def value_of(cfg: CfgNode, key: str) -> Any:
    """The value of a dotted key."""
    for part in key.split("."):
        cfg = cfg[part]
    return cfg


def check_parts(cfg: CfgNode) -> None:
    """Lets every part that `cfg` chooses raise `ConfigError` for what it cannot work with."""
    for slot in SLOTS:
        check = getattr(slot.chosen(cfg), "check_config", None)
        if check is not None:
            check(cfg)


def unused_keys(cfg: CfgNode, defaults: CfgNode) -> list[str]:
    """Keys whose value differs from the default although none of the chosen parts reads them.

    Keys that no registered part claims belong to nobody in particular, and are not listed.
    """
    claimed: set[str] = set()
    read: set[str] = set()
    for slot in SLOTS:
        chosen = slot.chosen(cfg)
        for name in slot:
            claimed |= slot.keys_read_by(slot[name])
        if chosen is not None:
            read |= slot.keys_read_by(chosen)
    return [key for key in changed_keys(cfg, defaults) if _within(key, claimed) and not _within(key, read)]


def changed_keys(node: CfgNode, defaults: CfgNode, prefix: str = "") -> Iterator[str]:
    """Dotted keys of `node` whose values differ from those of `defaults`; groups of free keys count as one."""
    for key, value in node.items():
        known = defaults.get(key)
        if isinstance(value, CfgNode) and isinstance(known, CfgNode) and not known.is_new_allowed():
            yield from changed_keys(value, known, f"{prefix}{key}.")
        elif value != known:
            yield f"{prefix}{key}"


def _within(key: str, groups: set[str]) -> bool:
    parts = key.split(".")
    return any(".".join(parts[: count + 1]) in groups for count in range(len(parts)))
