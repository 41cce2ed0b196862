"""From a config to a model. The only file under models/ that reads a cfg."""

from __future__ import annotations

from typing import Any

from torch import nn
from yacs.config import CfgNode

from pysot.core.config import validate_config
from pysot.core.errors import ConfigError
from pysot.core.registry import Registry
from pysot.models.backbone import BACKBONES, Backbone
from pysot.models.head import BAN_HEADS, IOU_HEADS, MASK_HEADS, REFINE_HEADS, RPN_HEADS
from pysot.models.head.mask import MaskCorr, Refine
from pysot.models.iou_model import AtomNet
from pysot.models.neck import NECKS
from pysot.models.siamese import NanoTrack, SiameseModel, SiamMask, SiamRPN


def build_model(cfg: CfgNode) -> SiameseModel | AtomNet:
    """The model that `cfg` describes, with fresh weights: an `AtomNet`, or one of the siamese ones.

    Raises `ConfigError` when a part is unknown, an argument does not fit, or the widths of two parts disagree.
    """
    validate_config(cfg)
    backbone: Backbone = _make(BACKBONES, cfg.BACKBONE.TYPE, cfg.BACKBONE.KWARGS)
    if cfg.HEAD.TYPE == "IOUNET":
        return AtomNet(backbone, _make(IOU_HEADS, cfg.IOU.TYPE, cfg.IOU.KWARGS))
    return _build_siamese(cfg, backbone)


def _build_siamese(cfg: CfgNode, backbone: Backbone) -> SiameseModel:
    neck: nn.Module | None = _make(NECKS, cfg.ADJUST.TYPE, cfg.ADJUST.KWARGS) if cfg.ADJUST.ADJUST else None
    if cfg.HEAD.TYPE == "BAN":
        return NanoTrack(backbone, neck, _make(BAN_HEADS, cfg.BAN.TYPE, cfg.BAN.KWARGS))
    _check_widths(cfg, backbone)
    rpn_head = _make(RPN_HEADS, cfg.RPN.TYPE, cfg.RPN.KWARGS)
    if not cfg.MASK.MASK:
        return SiamRPN(backbone, neck, rpn_head)
    mask_head: MaskCorr = _make(MASK_HEADS, cfg.MASK.TYPE, cfg.MASK.KWARGS)
    refine: Refine | None = _make(REFINE_HEADS, cfg.REFINE.TYPE, {}) if cfg.REFINE.REFINE else None
    return SiamMask(backbone, neck, rpn_head, mask_head, refine)


def _make(registry: Registry[Any], name: str, kwargs: dict[str, Any]) -> Any:
    """Calls the entry `name` of `registry`; an argument it does not take, or cannot use, becomes a `ConfigError`."""
    entry = registry[name]
    try:
        return entry(**kwargs)
    except ConfigError:
        raise
    except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        group = registry.key.rsplit(".", 1)[0]
        raise ConfigError(f"{group}.KWARGS {dict(kwargs)} do not fit {registry.slot} '{name}': {error}.") from error


def _check_widths(cfg: CfgNode, backbone: Backbone) -> None:
    """Neck and head must expect the channels that the backbone and the neck deliver."""
    widths = backbone.out_channels[-1:] if cfg.MASK.MASK else backbone.out_channels
    source = f"BACKBONE.TYPE {cfg.BACKBONE.TYPE}"
    if cfg.ADJUST.ADJUST:
        _compare(source, widths, "ADJUST.KWARGS.in_channels", cfg.ADJUST.KWARGS.get("in_channels"))
        widths, source = _as_list(cfg.ADJUST.KWARGS.get("out_channels")), "ADJUST.KWARGS.out_channels"
    key = "feature_in" if cfg.RPN.TYPE == "UPChannelRPN" else "in_channels"
    _compare(source, widths, f"RPN.KWARGS.{key}", cfg.RPN.KWARGS.get(key))


def _compare(source: str, delivered: list[int], key: str, expected: Any) -> None:
    if expected is not None and delivered != _as_list(expected):
        raise ConfigError(
            f"{source} delivers feature maps of {delivered} channels, but {key} is {expected}. Make them equal."
        )


def _as_list(value: Any) -> list[int]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
