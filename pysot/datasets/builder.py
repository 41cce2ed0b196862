"""From a config to training data. The only file under datasets/ that reads a cfg.

A user's own data is one more group of DATASET, named in DATASET.NAMES::

    DATASET:
      NAMES: [MINE]
      MINE: {KIND: folder, ROOT: my_videos, FRAME_RANGE: 50, NUM_USE: 10000}

The keys of a group other than KIND are the arguments of the source, in upper case. `OBJECTS`, `BACKGROUNDS` and
`FRAMES` name other groups of DATASET.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from yacs.config import CfgNode

import pysot.datasets.samples  # noqa: F401  (fills TRAINING_DATA)
from pysot.core.errors import ConfigError
from pysot.core.registry import closest
from pysot.datasets.samples.base import TRAINING_DATA, PositionDataset
from pysot.datasets.sources.base import SOURCES, Source

ROOT_VARIABLE = "SOT_DATA_ROOT"
"""Environment variable: the folder that relative ROOT and ANNO paths start from; by default the current one."""

_OF_OTHER_SOURCES = ("OBJECTS", "BACKGROUNDS", "FRAMES")
_PATHS = ("ROOT", "ANNO")
_NOT_SOURCES = ("TEMPLATE", "SEARCH")


def build_sources(cfg: CfgNode, *, skip_missing: bool = False) -> list[Source]:
    """The sources of DATASET.NAMES.

    Args:
        skip_missing: go on without the files that an annotation names but that are not there.

    Raises:
        ConfigError: an unknown name or kind, a missing folder, an argument the kind does not take, an empty set.
    """
    built: dict[str, Source] = {}
    return [_source(cfg, name, built, skip_missing) for name in cfg.DATASET.NAMES]


def resolve_root(path: str) -> Path:
    """A path of the config: absolute, or relative to `$SOT_DATA_ROOT`, or to the current folder where that is unset."""
    return Path(os.environ.get(ROOT_VARIABLE, ""), path)


def build_training_data(cfg: CfgNode, *, skip_missing: bool = False) -> PositionDataset[Any]:
    """What the head of `cfg` learns from, drawn from `build_sources`; raises as that does."""
    if cfg.HEAD.TYPE not in TRAINING_DATA:
        raise ConfigError(
            f"HEAD.TYPE {cfg.HEAD.TYPE} can be tracked, not trained. Known training data: {', '.join(TRAINING_DATA)}."
        )
    return TRAINING_DATA[cfg.HEAD.TYPE].from_config(cfg, build_sources(cfg, skip_missing=skip_missing))


def _source(cfg: CfgNode, name: str, built: dict[str, Source], skip_missing: bool) -> Source:
    """The source called `name`, with the sources it draws from; each is built once."""
    if name in built:
        return built[name]
    groups = [key for key, value in cfg.DATASET.items() if isinstance(value, CfgNode) and key not in _NOT_SOURCES]
    if name not in groups:
        raise ConfigError(
            f"DATASET.NAMES: there is no group DATASET.{name}.{closest(name, groups)} Known: {', '.join(groups)}. "
            "A group of your own needs at least KIND and ROOT."
        )
    arguments: dict[str, Any] = {key.lower(): value for key, value in cfg.DATASET[name].items() if key != "KIND"}
    kind = cfg.DATASET[name].get("KIND", "crop511")
    for key in _OF_OTHER_SOURCES:
        if key.lower() in arguments:
            arguments[key.lower()] = _source(cfg, arguments[key.lower()], built, skip_missing)
    for key in _PATHS:
        if key.lower() in arguments:
            arguments[key.lower()] = resolve_root(arguments[key.lower()])
    if kind == "crop511":
        arguments["skip_missing"] = skip_missing
    try:
        built[name] = SOURCES[kind].from_options(name, **arguments)
    except TypeError as error:
        raise ConfigError(f"DATASET.{name}: the keys {sorted(arguments)} do not fit KIND {kind}: {error}.") from error
    return built[name]
