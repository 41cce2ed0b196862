"""From a config to a model."""

from __future__ import annotations

import torch
from torch import nn
from yacs.config import CfgNode

from pysot.config.loading import ensure_validated
from pysot.models import attention
from pysot.models.meta_arch import MODELS

__all__ = ["attention", "build_model", "build_outline"]


def build_model(cfg: CfgNode) -> nn.Module:
    """The model that `cfg` describes, with fresh weights: that of its HEAD.TYPE.

    Raises `ConfigError` when a part is unknown, an argument does not fit, or the widths of two parts disagree.
    """
    ensure_validated(cfg)
    model: nn.Module = MODELS[cfg.HEAD.TYPE].from_config(cfg)  # type: ignore[attr-defined]
    return model


def build_outline(cfg: CfgNode) -> nn.Module:
    """The model that `cfg` describes without weights: what can be asked of its parts, not run. Raises as `build_model`
    does.
    """
    with torch.device("meta"):
        return build_model(cfg)
