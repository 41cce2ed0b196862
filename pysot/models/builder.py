"""From a config to a model. The only file under models/ that reads a cfg."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from yacs.config import CfgNode

from pysot.config.loading import validate_config
from pysot.core.errors import ConfigError
from pysot.core.registry import Registry
from pysot.models.attention import APPEARANCE_DISCRIMINATORS, ATTENTION_NETS, MOTION_DISCRIMINATORS, AttentionNet
from pysot.models.backbone import BACKBONES, Backbone
from pysot.models.head import BAN_HEADS, BOX_POOLS, IOU_HEADS, MASK_HEADS, REFINE_HEADS, RPN_HEADS
from pysot.models.head.dimp import DimpClassifier
from pysot.models.head.lmt import BoxPool, LmtHead
from pysot.models.head.mask import MaskCorr, Refine
from pysot.models.meta_arch.atom import AtomNet
from pysot.models.meta_arch.dimp import DimpNet
from pysot.models.meta_arch.lmt import LmtNet
from pysot.models.meta_arch.siamese import NanoTrack, SiameseModel, SiamMask, SiamRPN
from pysot.models.meta_arch.tadt import TadtNet
from pysot.models.neck import NECKS


def build_model(cfg: CfgNode) -> SiameseModel | AtomNet | DimpNet | LmtNet | TadtNet | AttentionNet:
    """The model that `cfg` describes, with fresh weights: that of its HEAD.TYPE.

    Raises `ConfigError` when a part is unknown, an argument does not fit, or the widths of two parts disagree.
    """
    validate_config(cfg)
    if cfg.HEAD.TYPE == "ATTENTION":
        return build_attention_net(cfg)
    backbone: Backbone = _make(BACKBONES, cfg.BACKBONE.TYPE, cfg.BACKBONE.KWARGS)
    if cfg.HEAD.TYPE == "IOUNET":
        return AtomNet(backbone, _make(IOU_HEADS, cfg.IOU.TYPE, cfg.IOU.KWARGS))
    if cfg.HEAD.TYPE == "DIMP":
        kwargs = {"channels_in": backbone.out_channels[-1], **cfg.HEAD.KWARGS}
        classifier: DimpClassifier = _call(DimpClassifier, kwargs, "HEAD.KWARGS", "the classifier of DiMP")
        return DimpNet(backbone, classifier, _make(IOU_HEADS, cfg.IOU.TYPE, cfg.IOU.KWARGS))
    if cfg.HEAD.TYPE == "LMT":
        return _build_lmt(cfg, backbone)
    if cfg.HEAD.TYPE == "TADT":
        return TadtNet(backbone)
    return _build_siamese(cfg, backbone)


def build_attention_net(cfg: CfgNode) -> AttentionNet:
    """The attention network of ATTENTION.TYPE, with fresh weights; raises as `build_model` does."""
    group = cfg.ATTENTION
    net: AttentionNet = _make(
        ATTENTION_NETS, group.TYPE, {"input_size": group.INPUT_SIZE, "clip_len": group.CLIP_LEN, **group.KWARGS}
    )
    return net


def build_discriminators(cfg: CfgNode) -> dict[str, nn.Module]:
    """The discriminators of ATTENTION.TRAIN, by the name of their turn."""
    train, size = cfg.ATTENTION.TRAIN, {"input_size": cfg.ATTENTION.INPUT_SIZE}
    discriminators = (("d_app", APPEARANCE_DISCRIMINATORS, train.D_APP), ("d_mot", MOTION_DISCRIMINATORS, train.D_MOT))
    return {
        turn: _call(registry[kind], {**size, **train[f"{turn.upper()}_KWARGS"]}, registry.key, registry.slot)
        for turn, registry, kind in discriminators
    }


def _build_lmt(cfg: CfgNode, backbone: Backbone) -> LmtNet:
    kwargs = dict(cfg.HEAD.KWARGS)
    head = {key: kwargs.pop(key) for key in ("hidden", "iou_branch", "init") if key in kwargs}
    pool: BoxPool = _make(BOX_POOLS, kwargs.pop("pool", "cells"), {"backbone": backbone, **kwargs})
    return LmtNet(
        backbone,
        pool,
        LmtHead(pool.channels * pool.size**2, **head),
        alpha_init=cfg.META.ALPHA_INIT,
        adapt_backbone=cfg.META.ADAPT_BACKBONE,
        adapt_iou=cfg.META.ADAPT_IOU,
    )


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
    """Calls the entry `name` of `registry`; see `_call`."""
    return _call(registry[name], kwargs, f"{registry.key.rsplit('.', 1)[0]}.KWARGS", f"{registry.slot} '{name}'")


def _call(part: Callable[..., Any], kwargs: dict[str, Any], key: str, title: str) -> Any:
    """`part(**kwargs)`; an argument from `key` that it does not take, or cannot use, becomes a `ConfigError`."""
    try:
        return part(**kwargs)
    except ConfigError:
        raise
    except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise ConfigError(f"{key} {dict(kwargs)} do not fit {title}: {error}.") from error


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
