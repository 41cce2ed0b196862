"""From a config to a training run. With the command line the only reader of a cfg under training/."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler
from yacs.config import CfgNode

from pysot.config.loading import dump_config, load_config
from pysot.core.device import is_cpu
from pysot.core.errors import ConfigError
from pysot.datasets.builder import build_training_data, resolve_root
from pysot.datasets.sources.images import set_cache_size
from pysot.models.attention import AttentionNet
from pysot.models.builder import build_model
from pysot.models.inference import prepare_for_inference
from pysot.models.meta_arch.atom import AtomNet
from pysot.models.meta_arch.dimp import DimpNet
from pysot.models.meta_arch.lmt import LmtNet
from pysot.models.meta_arch.siamese import SiameseModel, SiamMask
from pysot.tracker.builder import build_tracker
from pysot.training.checkpoint import find_latest, load_checkpoint
from pysot.training.distributed import DistributedContext, broadcast_model
from pysot.training.hooks import CheckpointHook, FailureHook, LogHook, ProgressHook, ValidationHook
from pysot.training.log import RunLog
from pysot.training.recipes.atom import IouRecipe
from pysot.training.recipes.base import BackbonePlan, Recipe
from pysot.training.recipes.dimp import DimpLosses, DimpRecipe
from pysot.training.recipes.distill import FeatureDistillation
from pysot.training.recipes.lmt import MetaRecipe, meta_recipe, task_validation
from pysot.training.recipes.siamese import NanoTrackRecipe, SiameseRecipe, SiamMaskRecipe
from pysot.training.recipes.tanet import AttentionRecipe, attention_recipe
from pysot.training.schedule import learning_rates
from pysot.training.sync_batchnorm import convert
from pysot.training.tanet_validation import AttentionValidation, MapSheetHook
from pysot.training.trainer import Trainer, TrainParams
from pysot.training.validation import inference_copy, validate
from pysot.zoo.loading import load_part, load_snapshot, load_weights
from pysot.zoo.locate import find_snapshot
from toolkit.datasets import load_benchmark

logger = logging.getLogger(__name__)


def build_trainer(
    cfg: CfgNode,
    device: torch.device,
    workers: DistributedContext,
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
    seed_everything(cfg.TRAIN.SEED)
    recipe = build_recipe(cfg, device)
    broadcast_model(recipe.learner)
    dataset = build_training_data(cfg, skip_missing=skip_missing)
    batch = cfg.TRAIN.BATCH_SIZE
    steps_per_epoch = len(dataset) // (batch * workers.world)
    if steps_per_epoch < 1:
        raise ConfigError(
            f"An epoch of {len(dataset)} samples holds no batch of {batch} in each of {workers.world} processes. Raise "
            "DATASET.VIDEOS_PER_EPOCH or lower TRAIN.BATCH_SIZE."
        )
    sampler = RunSampler(steps_per_epoch * cfg.TRAIN.EPOCH, batch, workers)
    loader = build_loader(cfg, dataset, sampler, device)
    trainer = Trainer(recipe, loader, steps_per_epoch, train_params(cfg), workers)
    folder = Path(cfg.TRAIN.SNAPSHOT_DIR)
    path = find_latest(folder) if resume == "auto" else Path(resume) if resume else None
    if path is not None:
        trainer.load_state(load_checkpoint(path, device))
        sampler.first = trainer.step_number
        logger.info("Going on from %s: epoch %d, step %d", path, trainer.epoch + 1, trainer.iteration + 1)
    log = RunLog(Path(cfg.TRAIN.LOG_DIR) if workers.is_main else None, trainer.step_number if path else None)
    extra = {"config": dump_config(cfg), "seed": cfg.TRAIN.SEED}
    trainer.hooks += [LogHook(log, cfg.TRAIN.PRINT_FREQ, batch), FailureHook()]
    measure = build_validation(cfg, recipe)
    if measure is not None:
        key = "hit" if isinstance(recipe.model, AttentionNet) else "auc"
        trainer.hooks.append(ValidationHook(measure, folder, cfg.TRAIN.VALIDATE.INTERVAL, log, extra, key))
    if isinstance(measure, AttentionValidation):
        trainer.hooks.append(MapSheetHook(measure, Path(cfg.TRAIN.LOG_DIR) / "maps"))
    trainer.hooks.append(CheckpointHook(folder, cfg.TRAIN.SAVE_INTERVAL, cfg.TRAIN.KEEP, extra))
    trainer.hooks.append(ProgressHook(quiet))
    return trainer


def seed_everything(seed: int) -> None:
    """Seeds the global generators: fresh weights and dropout depend on them. Training data does not."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  (for what users' own parts may draw)
    torch.manual_seed(seed)


def build_recipe(cfg: CfgNode, device: torch.device) -> Recipe:
    """Model, losses and stages of `cfg`, on `device`, with the weights of TRAIN.PRETRAINED or BACKBONE.PRETRAINED, and
    of TRAIN.PARTS_FROM.
    """
    train = cfg.TRAIN
    model: Any = build_model(cfg)
    if cfg.BACKBONE.PRETRAINED and not train.PRETRAINED:
        load_weights(model.backbone, find_snapshot(cfg.BACKBONE.PRETRAINED))
    if train.PRETRAINED:
        load_snapshot(model, find_snapshot(train.PRETRAINED))
    for part, snapshot in train.PARTS_FROM.items():
        load_part(model, part, find_snapshot(snapshot))
    recipe = _recipe_for(cfg, model, device)
    if train.SYNC_BN:
        convert(recipe.learner)
    recipe.learner.to(device)
    recipe.learner.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return recipe


def _recipe_for(cfg: CfgNode, model: Any, device: torch.device) -> Recipe:
    """The recipe of the model's family. Raises `ConfigError` when TRAIN asks of it what it cannot do."""
    plan = BackbonePlan(cfg.BACKBONE.TRAIN_LAYERS, cfg.BACKBONE.TRAIN_EPOCH, cfg.BACKBONE.LAYERS_LR)
    factors = {name: rate / cfg.TRAIN.BASE_LR for name, rate in cfg.TRAIN.LR_GROUPS.items()}
    if isinstance(model, AtomNet):
        return IouRecipe(model, {"iou": cfg.TRAIN.IOU_WEIGHT}, plan, factors)
    if isinstance(model, DimpNet):
        return _dimp_recipe(cfg, model, plan, factors)
    if isinstance(model, LmtNet):
        return meta_recipe(cfg, model, plan)
    if isinstance(model, AttentionNet):
        return attention_recipe(cfg, model, plan)
    return _siamese_recipe(cfg, model, plan, device)


def _dimp_recipe(cfg: CfgNode, model: DimpNet, plan: BackbonePlan, factors: dict[str, float]) -> DimpRecipe:
    train = cfg.TRAIN
    last, first, between = train.CLF_WEIGHTS
    weights = {"box": train.IOU_WEIGHT, "clf": last, "clf_init": first, "clf_iter": between}
    losses = DimpLosses(
        classifier=train.CLF_LOSS,
        boxes=train.BOX_LOSS,
        hinge_threshold=train.HINGE_THR,
        label_sigma=train.LABEL_SIGMA,
        search_area_scale=train.SEARCH_AREA_SCALE,
        crop_side=train.SEARCH_SIZE,
    )
    return DimpRecipe(model, weights, plan, losses, factors)


def _siamese_recipe(cfg: CfgNode, model: SiameseModel, plan: BackbonePlan, device: torch.device) -> SiameseRecipe:
    train = cfg.TRAIN
    _check_parts(cfg)
    weights = {"cls": train.CLS_WEIGHT, "loc": train.LOC_WEIGHT}
    if isinstance(model, SiamMask):
        weights |= {"mask": train.MASK_WEIGHT, "refine": train.MASK_WEIGHT}
        return SiamMaskRecipe(model, weights, plan, refine_only=train.PARTS == "refine")
    recipe_type = NanoTrackRecipe if cfg.HEAD.TYPE == "BAN" else SiameseRecipe
    weights["distill"] = train.DISTILL.WEIGHT
    return recipe_type(model, weights, plan, _distillation(cfg, model, device), train.HARD_NEGATIVES)


def _check_parts(cfg: CfgNode) -> None:
    train = cfg.TRAIN
    if train.PARTS not in ("all", "refine"):
        raise ConfigError(f"TRAIN.PARTS is '{train.PARTS}'; expected all or refine.")
    if cfg.MASK.MASK and train.DISTILL.TEACHER:
        raise ConfigError(
            f"TRAIN.DISTILL.TEACHER is '{train.DISTILL.TEACHER}', but a SiamMask does not learn from a teacher. Empty "
            "it, or set MASK.MASK False."
        )
    if train.PARTS == "refine" and not (cfg.MASK.MASK and cfg.REFINE.REFINE):
        raise ConfigError("TRAIN.PARTS refine needs a SiamMask. Set MASK.MASK and REFINE.REFINE True, or PARTS all.")
    if train.PARTS == "refine" and not train.PRETRAINED:
        raise ConfigError(
            "TRAIN.PARTS refine learns the refinement on top of a trained SiamMask, but TRAIN.PRETRAINED is empty. "
            "Train with TRAIN.PARTS all first, and name that snapshot."
        )


def _distillation(cfg: CfgNode, model: SiameseModel, device: torch.device) -> FeatureDistillation | None:
    name = cfg.TRAIN.DISTILL.TEACHER
    if not name:
        return None
    teacher = build_model(load_config(name))
    if not isinstance(teacher, SiameseModel):
        raise ConfigError(f"TRAIN.DISTILL.TEACHER: {name} is no siamese tracker. Name one with HEAD.TYPE RPN or BAN.")
    load_snapshot(teacher, find_snapshot(name))
    return FeatureDistillation(model, cfg.TRAIN.DISTILL.LAYER, prepare_for_inference(teacher, device))


def train_params(cfg: CfgNode) -> TrainParams:
    """The loop's numbers."""
    train = cfg.TRAIN
    precisions = {"bf16": torch.bfloat16, "fp16": torch.float16}
    if train.AMP_DTYPE not in precisions:
        raise ConfigError(f"TRAIN.AMP_DTYPE is '{train.AMP_DTYPE}'; expected one of {', '.join(precisions)}.")
    if train.GRAD_REDUCE not in ("sum", "avg"):
        raise ConfigError(f"TRAIN.GRAD_REDUCE is '{train.GRAD_REDUCE}'; expected sum or avg.")
    warmup = train.LR_WARMUP
    rates = learning_rates(
        train.EPOCH,
        train.LR.TYPE,
        dict(train.LR.KWARGS),
        base_lr=train.BASE_LR,
        warmup_epochs=warmup.EPOCH if warmup.WARMUP else 0,
        warmup_kind=warmup.TYPE,
        warmup_options=dict(warmup.KWARGS),
    )
    return TrainParams(
        epochs=train.EPOCH,
        rates=rates,
        optimizer=train.OPTIMIZER,
        momentum=train.MOMENTUM,
        weight_decay=train.WEIGHT_DECAY,
        grad_clip=train.GRAD_CLIP,
        grad_reduce=train.GRAD_REDUCE,
        amp=precisions[train.AMP_DTYPE] if train.AMP else None,
    )


class RunSampler(Sampler[list[int]]):
    """The positions of every batch of this process, from step `first` of the run to its last.

    All processes together take consecutive positions in one step, so that N processes with batches of B/N see in
    every step what one process with batches of B sees.
    """

    def __init__(self, steps: int, batch_size: int, workers: DistributedContext, first: int = 0) -> None:
        self.steps, self.batch_size, self.workers, self.first = steps, batch_size, workers, first

    def __len__(self) -> int:
        return self.steps - self.first

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first, self.steps):
            start = (step * self.workers.world + self.workers.rank) * self.batch_size
            yield list(range(start, start + self.batch_size))


def build_loader(cfg: CfgNode, dataset: Any, sampler: RunSampler, device: torch.device) -> DataLoader[dict[str, Any]]:
    """Batches in the order of `sampler`, read by TRAIN.NUM_WORKERS processes (0: by this one)."""
    count, cache = cfg.TRAIN.NUM_WORKERS, cfg.DATASET.CACHE_MIB
    if count == 0:
        set_cache_size(cache)
    else:  # here, not in the forked readers: there OpenCV would wait for ever for the threads of its parent
        cv2.setNumThreads(1)
    return DataLoader(
        dataset,
        batch_sampler=sampler,
        num_workers=count,
        worker_init_fn=WorkerSetup(cache // max(count, 1)),
        pin_memory=not is_cpu(device),
        prefetch_factor=4 if count else None,
        generator=torch.Generator(),  # the loader's own draws must not move the global generator
    )


class WorkerSetup:
    """Called in each loader process: one thread, and its share of the cache of decoded frames."""

    def __init__(self, cache_mib: int) -> None:
        self.cache_mib = cache_mib

    def __call__(self, worker: int) -> None:
        torch.set_num_threads(1)
        if cv2.getNumThreads() != 1:  # never in a forked process: see build_loader
            cv2.setNumThreads(1)
        set_cache_size(self.cache_mib)


def build_validation(cfg: CfgNode, recipe: Recipe) -> Callable[[], dict[str, float]] | None:
    """Tracks the sequences of TRAIN.VALIDATE.SEQUENCES with the recipe's model; None where there are none."""
    plan = cfg.TRAIN.VALIDATE
    if not plan.SEQUENCES:
        return None
    sequences = [s for path in plan.SEQUENCES for s in load_benchmark(str(resolve_root(path))).sequences]
    if isinstance(recipe, AttentionRecipe):
        return AttentionValidation(recipe.model, recipe.clip, sequences, plan.MAX_FRAMES or None)

    def measure() -> dict[str, float]:
        model = inference_copy(recipe.model)  # type: ignore[arg-type]
        return validate(lambda: build_tracker(cfg, model), sequences, plan.MAX_FRAMES or None)

    return task_validation(cfg, recipe, measure) if isinstance(recipe, MetaRecipe) else measure
