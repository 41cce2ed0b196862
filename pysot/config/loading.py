"""TODO docstring."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from yacs.config import CfgNode

from pysot.config.defaults import default_tree
from pysot.config.experiments import find_config
from pysot.core.errors import ConfigError
from pysot.core.registry import closest

logger = logging.getLogger(__name__)


BASE_KEY = "_BASE_"


LEGACY_KEYS = ("BACKBONE.CHANNELS", "ADJUST.ADJUST_CHANNEL", "RPN.WEIGHTED")
"""Keys of the published long-term experiment that no PySOT version reads; accepted and ignored."""


TRACKERS_OF_HEAD = {
    "RPN": ("SiamRPNTracker", "SiamRPNLTTracker", "SiamMaskTracker"),
    "BAN": ("NanoTracker",),
    "IOUNET": ("ATOMTracker",),
    "TADT": ("TADTTracker",),
    "DIMP": ("DiMPTracker",),
    "LMT": ("LMTTracker",),
}
"""Which TRACK.TYPE can decode what which HEAD.TYPE produces."""


TRACKS_NOTHING = "ATTENTION"
"""HEAD.TYPE of an attention network, which is used beside a tracker; TRACK.TYPE means nothing there."""


MODEL_OF_HEAD = {"IOUNET": "iounet", "TADT": "tadt", "DIMP": "dimp", "LMT": "lmt", TRACKS_NOTHING: "attention"}
"""The model family of a HEAD.TYPE where it is not siamese."""


CHOOSES_CHANNELS = ("RPN", "BAN", "TADT")
"""Values of HEAD.TYPE whose trackers TARGET_AWARE can be switched on for."""


SIZES = ("TRACK.EXEMPLAR_SIZE", "TRACK.INSTANCE_SIZE", "TRACK.LOST_INSTANCE_SIZE", "ANCHOR.STRIDE", "POINT.STRIDE")
"""Keys whose value must be above zero."""


SHARES = ("TRACK.WINDOW_INFLUENCE", "TRACK.LR", "TRACK.MASK_THERSHOLD")
"""Keys whose value must lie in [0, 1]."""


def get_cfg() -> CfgNode:
    """A fresh, writable copy of the default tree."""
    return default_tree()


def load_config(path: str | Path, opts: Sequence[str] = ()) -> CfgNode:
    """The frozen config of one experiment.

    Precedence: defaults < `_BASE_` < file < `opts`.

    Args:
        path: a YAML file, a folder that holds `config.yaml`, or the name of an experiment ("nanotrack_v2").
        opts: KEY VALUE pairs, flat: `["TRACK.LR", "0.4"]`.

    Raises:
        ConfigError: no such file; not YAML; an unknown key (the closest one is named); a value of the wrong type;
            parts that cannot work together (`validate_config`).
    """
    tree = get_cfg()
    for source, values in _read_chain(find_config(path), ()):
        _merge(tree, values, where=str(source))
    _merge_opts(tree, opts)
    validate_config(tree)
    tree.freeze()
    return tree


def override_config(cfg: CfgNode, opts: Sequence[str]) -> CfgNode:
    """A frozen copy of `cfg` with `opts` (KEY VALUE pairs, flat) written over it; raises as `load_config` does."""
    tree = cfg.clone()
    tree.defrost()
    _merge_opts(tree, opts)
    validate_config(tree)
    tree.freeze()
    return tree


def dump_config(cfg: CfgNode) -> str:
    """The whole resolved tree as YAML text that `load_config` reads back to an equal tree."""
    return str(cfg.dump(sort_keys=False))


def validate_config(cfg: CfgNode) -> None:
    """Raises `ConfigError` when parts of `cfg` contradict each other (docs/config.md, Checks)."""
    head, tracker = cfg.HEAD.TYPE, cfg.TRACK.TYPE
    if head not in (*TRACKERS_OF_HEAD, TRACKS_NOTHING):
        raise ConfigError(f"HEAD.TYPE: unknown head family '{head}'. Known: {', '.join(TRACKERS_OF_HEAD)}.")
    known = {name for names in TRACKERS_OF_HEAD.values() for name in names}
    if head != TRACKS_NOTHING and tracker in known and tracker not in TRACKERS_OF_HEAD[head]:
        raise ConfigError(
            f"TRACK.TYPE '{tracker}' cannot work with HEAD.TYPE '{head}'. "
            f"Use one of: {', '.join(TRACKERS_OF_HEAD[head])}."
        )
    _validate_family(cfg)
    _validate_ranges(cfg)
    _validate_mask(cfg)
    _validate_target_aware(cfg)
    if head == "RPN":
        _validate_anchors(cfg)
    _validate_levels(cfg)


def _validate_family(cfg: CfgNode) -> None:
    family = MODEL_OF_HEAD.get(cfg.HEAD.TYPE, "siamese")
    if cfg.MODEL.TYPE not in ("auto", family):
        raise ConfigError(
            f"MODEL.TYPE is '{cfg.MODEL.TYPE}', but HEAD.TYPE {cfg.HEAD.TYPE} belongs to the family '{family}'. "
            f"Use auto or {family}."
        )


def _validate_ranges(cfg: CfgNode) -> None:
    for key in (*SIZES, *SHARES):
        group, name = key.split(".")
        value = cfg[group][name]
        if key in SIZES and not value > 0:
            raise ConfigError(f"{key} is {value}; expected a number above 0.")
        if key in SHARES and not 0 <= value <= 1:
            raise ConfigError(f"{key} is {value}; expected a number from 0 to 1.")


def _validate_mask(cfg: CfgNode) -> None:
    if cfg.MASK.MASK and cfg.HEAD.TYPE != "RPN":
        raise ConfigError(f"MASK.MASK needs HEAD.TYPE RPN; HEAD.TYPE is {cfg.HEAD.TYPE}. Set MASK.MASK False.")
    if cfg.TRACK.TYPE == "SiamMaskTracker" and not (cfg.MASK.MASK and cfg.REFINE.REFINE):
        raise ConfigError(
            "TRACK.TYPE SiamMaskTracker reads a refined mask. "
            "Set MASK.MASK and REFINE.REFINE True, or use SiamRPNTracker."
        )


def _validate_target_aware(cfg: CfgNode) -> None:
    """The values of the group are checked where they are used (`pysot.models.select.params`)."""
    if cfg.TARGET_AWARE.ENABLED and cfg.HEAD.TYPE not in CHOOSES_CHANNELS:
        raise ConfigError(
            f"TARGET_AWARE.ENABLED is True, but HEAD.TYPE {cfg.HEAD.TYPE} does not choose channels. Set it False, or "
            f"use one of {', '.join(CHOOSES_CHANNELS)}."
        )
    if cfg.TARGET_AWARE.ENABLED and cfg.TARGET_AWARE.MODE == "index" and cfg.HEAD.TYPE != "TADT":
        raise ConfigError(
            f"TARGET_AWARE.MODE is index, but HEAD.TYPE {cfg.HEAD.TYPE} takes maps of a fixed number of "
            "channels. Use mask."
        )


def _validate_anchors(cfg: CfgNode) -> None:
    for key in ("RATIOS", "SCALES"):
        if not all(value > 0 for value in cfg.ANCHOR[key]):
            raise ConfigError(f"ANCHOR.{key} is {list(cfg.ANCHOR[key])}; expected numbers above 0.")
    count = len(cfg.ANCHOR.RATIOS) * len(cfg.ANCHOR.SCALES)
    in_head = cfg.RPN.KWARGS.get("anchor_num", count)
    if not count == cfg.ANCHOR.ANCHOR_NUM == in_head:
        raise ConfigError(
            f"Anchors disagree: ANCHOR.RATIOS x ANCHOR.SCALES give {count}, ANCHOR.ANCHOR_NUM is "
            f"{cfg.ANCHOR.ANCHOR_NUM}, RPN.KWARGS.anchor_num is {in_head}. Make the three equal."
        )


def _validate_levels(cfg: CfgNode) -> None:
    """The neck takes one entry of in_channels per backbone output; SiamMask sends only the deepest through it."""
    used, channels = cfg.BACKBONE.KWARGS.get("used_layers"), cfg.ADJUST.KWARGS.get("in_channels")
    if not (cfg.ADJUST.ADJUST and isinstance(used, (list, tuple)) and isinstance(channels, (list, tuple))):
        return
    levels = 1 if cfg.MASK.MASK else len(used)
    if levels != len(channels):
        raise ConfigError(
            f"BACKBONE.KWARGS.used_layers {list(used)} sends {levels} feature map(s) to the neck, but "
            f"ADJUST.KWARGS.in_channels {list(channels)} expects {len(channels)}. Give one channel count per level."
        )


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
            _merge(node[key], value, where, prefix=f"{full}.")
        else:
            node[key] = _coerce(value, node[key], where, full)


def _merge_opts(tree: CfgNode, opts: Sequence[str]) -> None:
    if len(opts) % 2:
        raise ConfigError(f"--opts takes KEY VALUE pairs; got {len(opts)} words: {' '.join(map(str, opts))}.")
    for key, text in zip(opts[::2], opts[1::2], strict=True):
        values: Any = _parse_value(key, text) if isinstance(text, str) else text
        for part in reversed(str(key).split(".")):
            values = {part: values}
        _merge(tree, values, where="--opts")


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


def all_keys(node: CfgNode, prefix: str = "") -> Iterator[str]:
    """Every key of the tree in dotted form, groups included."""
    for key, value in node.items():
        yield f"{prefix}{key}"
        if isinstance(value, CfgNode):
            yield from all_keys(value, f"{prefix}{key}.")
