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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from yacs.config import CfgNode

from pysot.core.attention_input import frames_needed
from pysot.core.errors import ConfigError
from pysot.core.registry import closest
from pysot.datasets.augmentation import ViewParams
from pysot.datasets.proposals import DensityProposals, OverlapProposals, Proposals
from pysot.datasets.samples.base import PositionDataset
from pysot.datasets.samples.clips import ClipDataset, ClipParams
from pysot.datasets.samples.frame_sets import FrameSetDataset
from pysot.datasets.samples.pairs import Labels, PairDataset
from pysot.datasets.samples.tasks import CropViews, PatchViews, TaskDataset, TaskParams
from pysot.datasets.sources.base import SOURCES, Source
from pysot.datasets.target_crop import Cropper, Jitter
from pysot.datasets.targets import AnchorTargets, PointTargets
from pysot.models.attention import AttentionNet
from pysot.models.head.lmt import CELL_GEOMETRY

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
    """What the head of `cfg` learns from: pairs, sets of frames, or tasks."""
    if cfg.HEAD.TYPE in ("RPN", "BAN"):
        return build_pairs(cfg, skip_missing=skip_missing)
    if cfg.HEAD.TYPE == "LMT":
        return build_tasks(cfg, build_sources(cfg, skip_missing=skip_missing), seed=cfg.TRAIN.SEED)
    if cfg.HEAD.TYPE == "ATTENTION":
        return build_clips(cfg, skip_missing=skip_missing)
    return build_frame_sets(cfg, skip_missing=skip_missing)


def build_clips(cfg: CfgNode, *, skip_missing: bool = False) -> ClipDataset:
    """The clips that `cfg` describes, for attention over whole frames."""
    data, train = cfg.DATASET, cfg.ATTENTION.TRAIN
    net = AttentionNet.from_config(cfg)  # how it is to be shown frames and targets
    params = ClipParams(
        input_size=net.input_size,
        target_size=net.target_size,
        target_context=net.target_context,
        frames=frames_needed(net.clip_len),
        gap=train.GAP,
        negative=data.NEG,
        zoom=train.ZOOM,
        smallest=train.SMALLEST,
        gray=data.GRAY,
        mirror=data.MIRROR,
        brightness=train.BRIGHTNESS,
    )
    sources = build_sources(cfg, skip_missing=skip_missing)
    return ClipDataset(sources, params, seed=cfg.TRAIN.SEED, clips_per_epoch=data.VIDEOS_PER_EPOCH)


def build_tasks(cfg: CfgNode, sources: Sequence[Source], *, seed: int, vary: bool = True) -> TaskDataset:
    """The tasks of meta-learning that `cfg` describes; without `vary`, plain views, and classes are never swapped."""
    data, meta, adv = cfg.DATASET, cfg.META, cfg.ADV
    view = _view_params(data.SEARCH) if vary else ViewParams()
    shared = cfg.HEAD.KWARGS.get("pool", "cells") == "pyramid"
    params = TaskParams(
        meta.NUM_POS,
        meta.NUM_NEG,
        meta.NUM_IOU,
        tuple(meta.OVERLAP_POS),
        tuple(meta.OVERLAP_NEG),
        meta.IOU_BINS,
        meta.MIN_SAMPLES,
        meta.LABEL_SHUFFLE if vary else 0.0,
    )
    return TaskDataset(
        sources,
        PatchViews(cfg.TRAIN.SEARCH_SIZE, view) if shared else CropViews(CELL_GEOMETRY),
        params,
        seed=seed,
        tasks_per_epoch=data.VIDEOS_PER_EPOCH if vary else 0,
        gray=data.GRAY * vary,
        mirror=data.MIRROR * vary,
        adversarial_from=adv.WARMUP * cfg.TRAIN.BATCH_SIZE,
        adversarial_share=adv.PROB if adv.ENABLED else 0.0,
    )


def build_frame_sets(cfg: CfgNode, *, skip_missing: bool = False) -> FrameSetDataset:
    """The sets of frames that `cfg` describes, for an overlap head and for DiMP."""
    data, train = cfg.DATASET, cfg.TRAIN
    train_jitter, test_jitter = (
        Jitter(float(center), float(scale))
        for center, scale in zip(train.CENTER_JITTER, train.SCALE_JITTER, strict=True)
    )
    return FrameSetDataset(
        build_sources(cfg, skip_missing=skip_missing),
        build_proposals(cfg),
        Cropper(train.SEARCH_SIZE, train.SEARCH_AREA_SCALE, train.CROP_MODE),
        train_jitter,
        test_jitter,
        seed=train.SEED,
        num_train=train.NUM_TRAIN_FRAMES,
        num_test=train.NUM_TEST_FRAMES,
        causal=train.CAUSAL,
        sets_per_epoch=data.VIDEOS_PER_EPOCH,
        gray=data.GRAY,
        mirror=data.MIRROR,
        brightness=train.BRIGHTNESS,
    )


def build_proposals(cfg: CfgNode) -> Proposals:
    """Boxes for the box head of `cfg`."""
    train = cfg.TRAIN
    if train.BOX_LOSS == "kl":
        return DensityProposals(train.BOXES_PER_FRAME)
    return OverlapProposals(train.BOXES_PER_FRAME, train.MIN_IOU, tuple(float(value) for value in train.SIGMA_FACTORS))


def build_pairs(cfg: CfgNode, *, skip_missing: bool = False) -> PairDataset:
    """The template-search pairs that `cfg` describes, with the labels its head learns from."""
    data, train = cfg.DATASET, cfg.TRAIN
    return PairDataset(
        build_sources(cfg, skip_missing=skip_missing),
        build_labels(cfg),
        _view_params(data.TEMPLATE),
        _view_params(data.SEARCH),
        seed=train.SEED,
        pairs_per_epoch=data.VIDEOS_PER_EPOCH,
        negative=data.NEG,
        gray=data.GRAY,
        mirror=data.MIRROR,
        exemplar_size=train.EXEMPLAR_SIZE,
        search_size=train.SEARCH_SIZE,
        with_mask=cfg.MASK.MASK,
    )


def build_labels(cfg: CfgNode) -> Labels:
    """Anchor labels for HEAD.TYPE RPN, point labels for BAN. Checks that the grid fits the crop sizes."""
    train = cfg.TRAIN
    numbers = {"positives": train.POS_NUM, "negatives": train.NEG_NUM, "total": train.TOTAL_NUM}
    if cfg.HEAD.TYPE == "BAN":
        return PointTargets(
            stride=cfg.POINT.STRIDE, output_size=train.OUTPUT_SIZE, search_size=train.SEARCH_SIZE, **numbers
        )
    expected = (train.SEARCH_SIZE - train.EXEMPLAR_SIZE) // cfg.ANCHOR.STRIDE + 1 + train.BASE_SIZE
    if expected != train.OUTPUT_SIZE:
        raise ConfigError(
            f"TRAIN.OUTPUT_SIZE is {train.OUTPUT_SIZE}, but (SEARCH_SIZE {train.SEARCH_SIZE} - EXEMPLAR_SIZE "
            f"{train.EXEMPLAR_SIZE}) / ANCHOR.STRIDE {cfg.ANCHOR.STRIDE} + 1 + BASE_SIZE {train.BASE_SIZE} = "
            f"{expected}. Make them agree."
        )
    return AnchorTargets(
        stride=cfg.ANCHOR.STRIDE,
        ratios=cfg.ANCHOR.RATIOS,
        scales=cfg.ANCHOR.SCALES,
        output_size=train.OUTPUT_SIZE,
        search_size=train.SEARCH_SIZE,
        threshold_high=train.THR_HIGH,
        threshold_low=train.THR_LOW,
        **numbers,
    )


def _view_params(node: CfgNode) -> ViewParams:
    return ViewParams(shift=node.SHIFT, scale=node.SCALE, blur=node.BLUR, flip=node.FLIP, color=node.COLOR)


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
        built[name] = SOURCES[kind](name, **arguments)
    except TypeError as error:
        raise ConfigError(f"DATASET.{name}: the keys {sorted(arguments)} do not fit KIND {kind}: {error}.") from error
    return built[name]
