"""From an experiment file to a frozen config tree.

The tree is PySOT's, key for key, so that a PySOT YAML loads unchanged, plus the keys that choose between families
(`pysot.config.defaults`). Nothing in the package keeps a global config: `load_config` returns one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from yacs.config import CfgNode

from pysot.config.defaults import default_tree
from pysot.config.experiments import find_config, list_experiments
from pysot.config.parts import add_declared, all_keys, changed_keys, check_parts, unused_keys, value_of
from pysot.config.plugins import load_plugins
from pysot.core.errors import ConfigError
from pysot.core.registry import closest

logger = logging.getLogger(__name__)

BASE_KEY = "_BASE_"
LEGACY_KEYS = ("BACKBONE.CHANNELS", "ADJUST.ADJUST_CHANNEL", "RPN.WEIGHTED")
"""Keys of the published long-term experiment that no PySOT version reads; accepted and ignored."""
SIZES = ("TRACK.EXEMPLAR_SIZE", "TRACK.INSTANCE_SIZE", "TRACK.LOST_INSTANCE_SIZE", "ANCHOR.STRIDE", "POINT.STRIDE")
"""Keys whose value must be above zero."""
SHARES = ("TRACK.WINDOW_INFLUENCE", "TRACK.LR", "TRACK.MASK_THERSHOLD")
"""Keys whose value must lie in [0, 1]."""


def get_cfg() -> CfgNode:
    """A fresh, writable tree of all defaults, those of registered parts included."""
    tree = default_tree()
    add_declared(tree)
    return tree


def load_config(path: str | Path, opts: Sequence[str] = ()) -> CfgNode:
    """The frozen, validated config of one experiment.

    Precedence: defaults < `_BASE_` < file < `opts`. Where a file changes `X.TYPE`, the `X.KWARGS` of its base do not
    apply. A key with another value than its default that none of the chosen parts reads is named in a warning.

    Args:
        path: a YAML file, a folder that holds `config.yaml`, or the name of an experiment ("nanotrack_v2").
        opts: KEY VALUE pairs, flat: `["TRACK.LR", "0.4"]`.

    Raises:
        ConfigError: no such file; not YAML; an unknown key (the closest one is named); a value of the wrong type;
            parts that cannot work together (`validate_config`).
    """
    tree = get_cfg()
    merge_files(tree, path, opts)
    validate_config(tree)
    unused = unused_keys(tree, get_cfg())
    if unused:
        logger.warning(
            "%s: set, but not read by HEAD.TYPE %s with TRACK.TYPE %s: %s. They have no effect.",
            path,
            tree.HEAD.TYPE,
            tree.TRACK.TYPE,
            ", ".join(unused),
        )
    tree.freeze()
    return tree


def merge_files(tree: CfgNode, path: str | Path, opts: Sequence[str] = ()) -> None:
    """Writes the file `path`, its bases before it and `opts` after it, into `tree`; raises as `load_config` does."""
    layers = [*((str(source), values) for source, values in _read_chain(find_config(path), ())), _from_opts(opts)]
    plugins = _load_named_plugins(layers)
    plugins = list(dict.fromkeys([*tree.PLUGINS, *plugins]))
    add_declared(tree)
    for where, values in layers:
        _merge(tree, values, where)
    tree.PLUGINS = plugins


def override_config(cfg: CfgNode, opts: Sequence[str]) -> CfgNode:
    """A frozen, validated copy of `cfg` with `opts` (KEY VALUE pairs, flat) written over it; raises as `load_config`
    does.
    """
    where, values = _from_opts(opts)
    plugins = _load_named_plugins([(where, values)])
    tree = cfg.clone()
    tree.defrost()
    add_declared(tree)
    _merge(tree, values, where)
    tree.PLUGINS = list(dict.fromkeys([*cfg.PLUGINS, *plugins]))
    validate_config(tree)
    tree.freeze()
    return tree


def validate_config(cfg: CfgNode) -> None:
    """Raises `ConfigError` when a value is out of its range, or when parts of `cfg` contradict each other."""
    for key in SIZES:
        if not value_of(cfg, key) > 0:
            raise ConfigError(f"{key} is {value_of(cfg, key)}; expected a number above 0.")
    for key in SHARES:
        if not 0 <= value_of(cfg, key) <= 1:
            raise ConfigError(f"{key} is {value_of(cfg, key)}; expected a number from 0 to 1.")
    check_parts(cfg)


def ensure_validated(cfg: CfgNode) -> None:
    """Validates a tree that can still be written to. A frozen one was validated when it was loaded."""
    if not cfg.is_frozen():
        validate_config(cfg)


def attention_config(cfg: CfgNode, snapshot: str | Path) -> CfgNode:
    """`cfg` with what its ATTENTION group leaves at the defaults of the network taken from the experiment `snapshot`,
    if there is one of that name.
    """
    if str(snapshot) not in list_experiments():
        return cfg
    theirs, defaults, tree = load_config(snapshot).ATTENTION, get_cfg().ATTENTION, cfg.clone()
    tree.defrost()
    for key in ("TYPE", "INPUT_SIZE", "CLIP_LEN", "KWARGS"):
        if tree.ATTENTION[key] == defaults[key]:
            tree.ATTENTION[key] = theirs[key]
    tree.freeze()
    return tree


def dump_config(cfg: CfgNode) -> str:
    """The whole resolved tree as YAML text that `load_config` reads back to an equal tree."""
    return str(cfg.dump(sort_keys=False))


def dump_changes(cfg: CfgNode) -> str:
    """What `cfg` says beyond the defaults, as YAML text that `load_config` reads back to an equal tree."""
    changes = CfgNode()
    for key in changed_keys(cfg, get_cfg()):
        *groups, last = key.split(".")
        node = changes
        for group in groups:
            node = node.setdefault(group, CfgNode())
        node[last] = value_of(cfg, key)
    return dump_config(changes)


def _read_chain(path: Path, seen: tuple[Path, ...]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The files that make up `path`, base first, each with its values."""
    path = path.resolve()
    if path in seen:
        raise ConfigError(f"{path}: `{BASE_KEY}` forms a loop: {' -> '.join(p.name for p in (*seen, path))}.")
    values = _read_yaml(path)
    base = values.pop(BASE_KEY, None)
    if base is not None:
        beside = path.parent / str(base)
        yield from _read_chain(beside if beside.is_file() else find_config(str(base)), (*seen, path))
    yield path, values


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds a {type(values).__name__}; a config is a tree of KEY: value lines.")
    return values


def _merge(node: CfgNode, values: dict[str, Any], where: str, prefix: str = "") -> None:
    """Writes `values` into `node`, key by key, with PySOT's strictness and readable errors."""
    for key, value in values.items():
        full = f"{prefix}{key}"
        if full in LEGACY_KEYS:
            logger.warning("%s: %s is a legacy key that nothing reads; ignored.", where, full)
        elif key not in node:
            if not node.is_new_allowed():
                raise ConfigError(f"{where}: unknown config key {full}.{closest(full, all_keys(get_cfg()))}")
            node[key] = _free_value(value)
        elif isinstance(node[key], CfgNode):
            if not isinstance(value, dict):
                raise ConfigError(f"{where}: {full} is a group of keys; got {value!r}.")
            if "KWARGS" in node[key] and value.get("TYPE", node[key].TYPE) != node[key].TYPE:
                node[key].KWARGS.clear()  # they were meant for the part that is replaced
            _merge(node[key], value, where, prefix=f"{full}.")
        else:
            node[key] = _coerce(value, node[key], where, full)


def _load_named_plugins(layers: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
    """Imports what PLUGINS names anywhere in the chain of files and options, and returns the names."""
    load_plugins()
    named: list[str] = []
    for where, values in layers:
        names = values.get("PLUGINS", [])
        if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
            raise ConfigError(f"{where}: PLUGINS is {names!r}; expected a list of module names: [my_package.parts].")
        load_plugins(names, f"{where}: PLUGINS")
        named += names
    return list(dict.fromkeys(named))


def _from_opts(opts: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """KEY VALUE pairs as a tree of values, and what to call it in messages."""
    if len(opts) % 2:
        raise ConfigError(f"--opts takes KEY VALUE pairs; got {len(opts)} words: {' '.join(map(str, opts))}.")
    values: dict[str, Any] = {}
    for key, text in zip(opts[::2], opts[1::2], strict=True):
        *groups, last = str(key).split(".")
        node = values
        for group in groups:
            node = node.setdefault(group, {})
        node[last] = _parse_value(key, text) if isinstance(text, str) else text
    return "--opts", values


def _parse_value(key: str, text: str) -> Any:
    try:
        return yaml.safe_load(text) if text else ""  # YAML would read nothing at all as null
    except yaml.YAMLError as error:
        raise ConfigError(f"--opts: '{text}' for {key} is not valid YAML. Close its brackets, or quote it.") from error


def _free_value(value: Any) -> Any:
    """Values of keys that a file may add; groups among them accept further keys."""
    if not isinstance(value, dict):
        return value
    node = CfgNode(new_allowed=True)
    for key, item in value.items():
        node[str(key)] = _free_value(item)
    return node


def _coerce(value: Any, default: Any, where: str, key: str) -> Any:
    """`value` in the type of `default`: int to float, integral float to int, list to tuple; else `ConfigError`."""
    wanted = type(default)
    if isinstance(value, str) and wanted in (int, float):  # YAML reads 1e-3, without a point, as text
        with suppress(ValueError):
            value = float(value)
    if isinstance(value, (list, tuple)) and wanted in (list, tuple):
        _check_items(value, default, where, key)
        return wanted(value)
    if type(value) is wanted:
        return value
    if wanted is float and type(value) is int:
        return float(value)
    if wanted is int and type(value) is float and value.is_integer():
        return int(value)
    raise ConfigError(
        f"{where}: {key} is a {wanted.__name__} (default {default!r}); got {value!r}, a {type(value).__name__}."
    )


def _check_items(value: Sequence[Any], default: Sequence[Any], where: str, key: str) -> None:
    """Raises `ConfigError` where a list of numbers holds something else, or a list of texts; an empty default is of
    either kind.
    """
    texts, numbers = ((str,), "texts"), ((int, float), "numbers")
    known = [kind for kind in (texts, numbers) if all(isinstance(item, kind[0]) for item in default)]
    if not any(all(type(item) in kinds for item in value) for kinds, _ in known):
        names = " or ".join(name for _, name in known)
        raise ConfigError(f"{where}: {key} is a list of {names} (default {default!r}); got {value!r}.")
