"""From a config to the adversarial training of attention; called by `pysot.training.builder`."""

from __future__ import annotations

from yacs.config import CfgNode

from pysot.models.attention import AttentionNet
from pysot.models.builder import build_judges
from pysot.training.attention import AttentionLosses, AttentionRecipe
from pysot.training.recipe import BackbonePlan


def attention_recipe(cfg: CfgNode, model: AttentionNet, plan: BackbonePlan) -> AttentionRecipe:
    """The generator, its judges, and how they learn in turn."""
    train = cfg.ATTENTION.TRAIN
    losses = AttentionLosses(
        alpha_app=train.ALPHA_APP,
        alpha_mot=train.ALPHA_MOT,
        d_app_every=train.D_APP_EVERY,
        d_mot_every=train.D_MOT_EVERY,
        target_map=train.TARGET_MAP,
        smoothing=train.SMOOTHING,
        positive_weight=train.POSITIVE_WEIGHT,
    )
    return AttentionRecipe(model, build_judges(cfg), plan, losses, cfg.ATTENTION.CLIP, train.D_FACTOR)
