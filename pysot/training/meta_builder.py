"""From a config to the parts of a meta-learning run (HEAD.TYPE LMT); `pysot.training.builder` puts them together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from yacs.config import CfgNode

from pysot.core.errors import ConfigError
from pysot.datasets.builder import build_tasks, resolve_root
from pysot.datasets.folder import FolderSource
from pysot.models.lmt_model import LmtNet
from pysot.training.adversarial import AdversarialParams
from pysot.training.meta import MetaParams, MetaRecipe, validate_tasks
from pysot.training.recipe import BackbonePlan

VALIDATION_SEED = 7
"""Of the held-out tasks, which are the same in every run."""


def meta_recipe(cfg: CfgNode, model: LmtNet, plan: BackbonePlan) -> MetaRecipe:
    """Losses and stages of LMT."""
    meta = cfg.META
    if not cfg.TRAIN.BASE_LR > 0:
        raise ConfigError(f"TRAIN.BASE_LR is {cfg.TRAIN.BASE_LR}; expected a number above 0.")
    params = MetaParams(
        inner_steps=meta.INNER_STEPS,
        first_order=meta.FIRST_ORDER,
        clamp_alpha=meta.CLAMP_ALPHA,
        focal=meta.FOCAL,
        iou_weight=meta.IOU_WEIGHT,
        rate_factor=meta.LR_ALPHA / cfg.TRAIN.BASE_LR,
    )
    adversarial: dict[str, Any] = {field.name: cfg.ADV[field.name.upper()] for field in fields(AdversarialParams)}
    return MetaRecipe(model, plan, params, AdversarialParams(**adversarial))


def task_validation(
    cfg: CfgNode, recipe: MetaRecipe, track: Callable[[], dict[str, float]]
) -> Callable[[], dict[str, float]]:
    """Scores of `track`, and look-ahead accuracy and overlap error on tasks of the same sequences."""
    paths, each = list(cfg.TRAIN.VALIDATE.SEQUENCES), cfg.META.VAL_TASKS
    sources = [FolderSource(str(path), resolve_root(path), frame_range=10, num_use=each) for path in paths]
    tasks = build_tasks(cfg, sources, seed=VALIDATION_SEED, vary=False)
    samples = [tasks[index] for index in range(each * len(sources))]
    return lambda: {**track(), **validate_tasks(recipe, samples)}
