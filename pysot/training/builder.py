"""From a config to a training run. What is particular to a system is in its recipe, registered in `RECIPES`."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from yacs.config import CfgNode

import pysot.training.recipes  # noqa: F401  (fills RECIPES)
from pysot.config.loading import dump_config, load_config
from pysot.core.checks import check
from pysot.core.errors import ConfigError
from pysot.datasets.builder import build_training_data, resolve_root
from pysot.datasets.sources.base import Source
from pysot.models.backbone import BACKBONES
from pysot.models.builder import build_model
from pysot.training.checkpoint import find_latest, load_checkpoint
from pysot.training.distributed import DistributedContext, broadcast_model
from pysot.training.hooks import (
    CheckpointHook,
    DurationHook,
    FailureHook,
    GradientHook,
    LogHook,
    ProgressHook,
    ValidationHook,
)
from pysot.training.loading import RunSampler, build_loader
from pysot.training.log import RunLog
from pysot.training.optim import learnable
from pysot.training.recipes.base import RECIPES, Recipe, Validation
from pysot.training.sync_batchnorm import convert
from pysot.training.trainer import Trainer, TrainParams
from pysot.training.validation import trained_on
from pysot.zoo.catalog import CATALOG
from pysot.zoo.loading import load_part, load_snapshot, load_weights
from pysot.zoo.locate import find_snapshot
from toolkit.datasets import load_benchmark
from toolkit.errors import DatasetError, abbreviate

logger = logging.getLogger(__name__)

PICTURE_DIMENSIONS = 4
"""Batch, channels, height, width."""


def build_trainer(
    cfg: CfgNode,
    device: torch.device,
    context: DistributedContext,
    *,
    resume: str = "",
    skip_missing: bool = False,
    quiet: bool = False,
) -> Trainer:
    """The run that `cfg` describes, at its start or, with `resume`, where an earlier run stopped.

    Args:
        device: where this process trains.
        resume: a checkpoint's path, or `auto` for the furthest one in TRAIN.SNAPSHOT_DIR (none: starts anew).
        skip_missing: go on without images that an annotation names but that are not there.
        quiet: no progress bar.

    Raises:
        ConfigError, SnapshotError, TrainingError: what does not fit, and what to do.
    """
    train = cfg.TRAIN
    seed_everything(train.SEED)
    recipe = build_recipe(cfg, device)
    broadcast_model(recipe.learner)
    dataset = build_training_data(cfg, skip_missing=skip_missing)
    steps_per_epoch = len(dataset) // (train.BATCH_SIZE * context.world)
    if steps_per_epoch < 1:
        raise ConfigError(
            f"An epoch of {len(dataset)} samples holds no batch of {train.BATCH_SIZE} in each of {context.world} "
            "processes. Raise DATASET.VIDEOS_PER_EPOCH or lower TRAIN.BATCH_SIZE."
        )
    sampler = RunSampler(steps_per_epoch * train.EPOCH, train.BATCH_SIZE, context)
    loader = build_loader(dataset, sampler, device, train.NUM_WORKERS, cfg.DATASET.CACHE_MIB)
    trainer = Trainer(recipe, loader, steps_per_epoch, TrainParams.from_config(cfg), context)
    snapshots, logs = Path(train.SNAPSHOT_DIR), Path(train.LOG_DIR)
    path = find_latest(snapshots) if resume == "auto" else Path(resume) if resume else None
    if path is not None:
        trainer.load_state(load_checkpoint(path, device))
        logger.info("Going on from %s: epoch %d, step %d", path, trainer.epoch + 1, trainer.iteration + 1)
    else:
        last = train.EPOCH - 1
        check(0 <= train.START_EPOCH <= last, "TRAIN.START_EPOCH", train.START_EPOCH, f"0 to TRAIN.EPOCH - 1 = {last}")
        trainer.epoch = train.START_EPOCH
        trainer.enter_epoch()
        check_backbone(cfg, recipe.model)
    sampler.first = trainer.step_number
    log = RunLog(logs if context.is_main else None, trainer.step_number if path else None)
    extra = {"config": dump_config(cfg), "seed": train.SEED}
    trainer.hooks += [LogHook(log, train.PRINT_FREQ, train.BATCH_SIZE), DurationHook(), FailureHook()]
    if train.LOG_GRADS:
        trainer.hooks.append(GradientHook(log, train.PRINT_FREQ))
    validation = build_validation(cfg, recipe, dataset.order.sources)
    if validation is not None:
        trainer.hooks.append(ValidationHook(validation, snapshots, logs, train.VALIDATE.INTERVAL, log, extra))
    trainer.hooks += [CheckpointHook(snapshots, train.SAVE_INTERVAL, train.KEEP, extra), ProgressHook(quiet)]
    return trainer


def seed_everything(seed: int) -> None:
    """Seeds the global generators: fresh weights and dropout depend on them. Training data does not."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  (for what users' own parts may draw)
    torch.manual_seed(seed)


def build_recipe(cfg: CfgNode, device: torch.device) -> Recipe:
    """Model, losses and stages of `cfg`, on `device`, with the weights of TRAIN.PRETRAINED or BACKBONE.PRETRAINED, and
    of TRAIN.PARTS_FROM, whose parts may also be those that help to train (`discriminators.d_mot.motionModel`).
    """
    train = cfg.TRAIN
    if cfg.HEAD.TYPE not in RECIPES:
        raise ConfigError(
            f"HEAD.TYPE {cfg.HEAD.TYPE} can be tracked, not trained. Known recipes: {', '.join(RECIPES)}."
        )
    model: Any = build_model(cfg)
    if cfg.BACKBONE.PRETRAINED and not train.PRETRAINED:
        load_weights(model.backbone, find_snapshot(cfg.BACKBONE.PRETRAINED))
    if train.PRETRAINED:
        load_snapshot(model, find_snapshot(train.PRETRAINED))
    recipe = RECIPES[cfg.HEAD.TYPE].from_config(cfg, model, device)
    for part, snapshot in train.PARTS_FROM.items():
        helper = part.partition(".")[0]
        owner = model if hasattr(model, helper) or not hasattr(recipe.learner, helper) else recipe.learner
        load_part(owner, part, find_snapshot(snapshot))
    if train.SYNC_BN:
        convert(recipe.learner)
    recipe.learner.to(device)
    for weight in recipe.learner.parameters():
        if weight.dim() == PICTURE_DIMENSIONS:  # the format is for pictures; a clip's weights have one dimension more
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return recipe


def check_backbone(cfg: CfgNode, model: nn.Module) -> None:
    """Raises `ConfigError` when the backbone of `model` is frozen, and nothing has given it weights."""
    backbone, train = getattr(model, "backbone", None), cfg.TRAIN
    filled = [part for part in train.PARTS_FROM if model.get_submodule(part) is backbone]
    if backbone is None or learnable(backbone) or cfg.BACKBONE.PRETRAINED or train.PRETRAINED or filled:
        return
    kinds = {name for name in BACKBONES if BACKBONES[name] is type(backbone)}
    trackers = {entry.name: entry.configs[0] for entry in CATALOG.values() if entry.is_tracker}
    fitting = [entry.name for entry in CATALOG.values() if entry.backbone in kinds] or [
        name for name, experiment in trackers.items() if load_config(experiment).BACKBONE.TYPE in kinds
    ]
    advice = f"such as {' or '.join(fitting[:2])} of the zoo" if fitting else "of which the zoo has none"
    raise ConfigError(
        f"The backbone ({type(backbone).__name__}) is frozen when training starts, and its weights are random: "
        f"BACKBONE.PRETRAINED and TRAIN.PRETRAINED are empty. Set BACKBONE.PRETRAINED to weights for it, {advice}, or "
        "TRAIN.PRETRAINED to those of a whole model; or let it learn from the first epoch with BACKBONE.TRAIN_EPOCH 0 "
        "and BACKBONE.TRAIN_LAYERS."
    )


def build_validation(cfg: CfgNode, recipe: Recipe, sources: Sequence[Source] = ()) -> Validation | None:
    """How the recipe is validated, on the sequences of TRAIN.VALIDATE.SEQUENCES; None where there are none. Those that
    `sources` train on are named in a warning.
    """
    paths = [str(resolve_root(path)) for path in cfg.TRAIN.VALIDATE.SEQUENCES]
    try:
        sequences = [sequence for path in paths for sequence in load_benchmark(path).sequences]
    except DatasetError as error:
        raise ConfigError(f"TRAIN.VALIDATE.SEQUENCES (empty it to train without validation): {error}") from None
    if both := trained_on(sources, sequences):
        logger.warning(
            "%d of the %d sequences of TRAIN.VALIDATE.SEQUENCES are trained on too, so their scores say nothing of new "
            "videos: %s. Name them in EXCLUDE of their training group.",
            len(both),
            len(sequences),
            abbreviate(both),
        )
    return recipe.validation.from_config(cfg, recipe, sequences) if paths else None
