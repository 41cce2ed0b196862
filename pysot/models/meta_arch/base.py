"""The architecture slot: how backbone, neck and heads of one tracking system are put together."""

from __future__ import annotations

from typing import Any

from torch import nn
from yacs.config import CfgNode

from pysot.config.parts import PartRegistry
from pysot.core.errors import ConfigError

MODELS: PartRegistry[type[nn.Module]] = PartRegistry("architecture", key="HEAD.TYPE")
"""Module classes with a class method `from_config(cfg)` that returns a model with fresh weights, and `config_keys`."""

BACKBONE_KEYS = ("BACKBONE", "MODEL")
"""What every architecture with a backbone reads."""


def check_family(cfg: CfgNode, family: str) -> None:
    """Raises `ConfigError` when MODEL.TYPE names another family than HEAD.TYPE belongs to."""
    if cfg.MODEL.TYPE not in ("auto", family):
        raise ConfigError(
            f"MODEL.TYPE is '{cfg.MODEL.TYPE}', but HEAD.TYPE {cfg.HEAD.TYPE} belongs to the family '{family}'. "
            f"Use auto or {family}."
        )


def check_agrees(key: str, stated: Any, source: str, what: str, delivered: Any) -> None:
    """Raises `ConfigError` when a config states at `key` something else than `source` delivers; None states nothing.

    Args:
        what: of which the value is, with `{}` for it: "maps of {} channels".
    """
    if stated is not None and stated != delivered:
        found = what.format(delivered)
        raise ConfigError(f"{source} delivers {found}, but {key} is {stated}. Set {key} to {delivered}.")
