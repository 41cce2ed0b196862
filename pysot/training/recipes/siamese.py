"""How the siamese trackers learn: SiamRPN and SiamRPN++ (docs/systems/siamrpn.md, Schedule),
NanoTrack (docs/systems/nanotrack.md, Training).
"""

from __future__ import annotations

import logging

import torch
from torch import Tensor, nn
from yacs.config import CfgNode

from pysot.core.checks import check_choice
from pysot.core.errors import ConfigError
from pysot.models.meta_arch.siamese import SiameseModel, SiameseOutput, SiamMask
from pysot.training.losses import (
    anchor_cls_loss,
    anchor_loc_loss,
    mask_cells,
    mask_loss,
    mask_windows,
    point_cls_loss,
    point_loc_loss,
    refined_mask_loss,
)
from pysot.training.optim import Group, learnable
from pysot.training.recipes.base import RECIPES, BackbonePlan, Batch, MeanOf, PlannedRecipe, freeze, unfreeze
from pysot.training.recipes.distill import FeatureDistillation

logger = logging.getLogger(__name__)

PATIENCE = 100
"""Batches without anything to learn a mask from before a warning says so."""


@RECIPES.register("RPN")
class SiameseRecipe(PlannedRecipe):
    """Heads learn from the first epoch, the backbone's chosen layers from `plan.unfreeze_epoch`.

    Args:
        model: to be trained, in train form.
        weights: factors of the losses `cls`, `loc` and, with a teacher, `distill`.
        plan: when the backbone learns.
        distillation: compares the backbone with a teacher's.
        hard_negatives: share of the background cells that count in `cls`, the hardest ones.
    """

    config_keys = (
        "MASK", "REFINE", "TRAIN.CLS_WEIGHT", "TRAIN.LOC_WEIGHT", "TRAIN.MASK_WEIGHT", "TRAIN.DISTILL",
        "TRAIN.HARD_NEGATIVES", "TRAIN.PARTS",
    )  # fmt: skip
    model: SiameseModel

    def __init__(
        self,
        model: SiameseModel,
        weights: dict[str, float],
        plan: BackbonePlan,
        distillation: FeatureDistillation | None = None,
        hard_negatives: float = 1.0,
    ) -> None:
        super().__init__(model, weights, plan)
        self.distillation, self.hard_negatives = distillation, hard_negatives
        if distillation is not None:
            self.learner = nn.ModuleDict({"model": model, "distillation": distillation})

    def losses(self, batch: Batch, mean: MeanOf) -> dict[str, Tensor]:
        images = [batch["template"], batch["search"]]
        if self.distillation is None:
            return self.head_losses(self.model(*images), batch, mean)
        with self.distillation.watch() as maps:
            output = self.model(*images)
        losses = self.head_losses(output, batch, mean)
        losses["distill"] = mean(self.distillation(images, maps))
        return losses

    def head_losses(self, output: SiameseOutput, batch: Batch, mean: MeanOf) -> dict[str, Tensor]:
        """`cls` and `loc` of an anchor head."""
        positive, negative = anchor_cls_loss(output.cls, batch["label_cls"], self.hard_negatives)
        loc = anchor_loc_loss(output.loc, batch["label_loc"], batch["label_loc_weight"])
        return {"cls": 0.5 * mean(positive) + 0.5 * mean(negative), "loc": mean(loc)}

    def learner_parts(self) -> list[tuple[str, nn.Module]]:
        parts = super().learner_parts()
        return parts if self.distillation is None else [*parts, ("distillation", self.distillation)]

    @classmethod
    def from_config(cls, cfg: CfgNode, model: SiameseModel, device: torch.device) -> SiameseRecipe:
        """The recipe of the head, or, with MASK.MASK, that of SiamMask."""
        train = cfg.TRAIN
        check_choice("TRAIN.PARTS", train.PARTS, ("all", "refine"))
        if train.PARTS == "refine" and not (cfg.MASK.MASK and cfg.REFINE.REFINE):
            raise ConfigError(
                "TRAIN.PARTS refine needs a SiamMask. Set MASK.MASK and REFINE.REFINE True, or PARTS all."
            )
        if isinstance(model, SiamMask):
            return SiamMaskRecipe.from_config(cfg, model, device)
        weights = {"cls": train.CLS_WEIGHT, "loc": train.LOC_WEIGHT, "distill": train.DISTILL.WEIGHT}
        teacher = FeatureDistillation.from_config(cfg, model, device) if train.DISTILL.TEACHER else None
        return cls(model, weights, BackbonePlan.from_config(cfg), teacher, train.HARD_NEGATIVES)


@RECIPES.register("BAN")
class NanoTrackRecipe(SiameseRecipe):
    """The same for an anchor-free head: cross-entropy of the points, linear IoU loss of the boxes."""

    def head_losses(self, output: SiameseOutput, batch: Batch, mean: MeanOf) -> dict[str, Tensor]:
        positive, negative = point_cls_loss(output.cls, batch["label_cls"], self.hard_negatives)
        loc = point_loc_loss(output.loc, batch["label_cls"], batch["label_loc"])
        return {"cls": 0.5 * mean(positive) + 0.5 * mean(negative), "loc": mean(loc)}


class SiamMaskRecipe(SiameseRecipe):
    """Boxes as `SiameseRecipe`, and a mask at every cell that has a target anchor.

    No cell is left out. In the refinement run each costs about 4 MB of activations (a batch of 28 pairs has some 200
    cells); where that is too much, lower TRAIN.BATCH_SIZE or TRAIN.POS_NUM.

    Args:
        model: to be trained, in train form.
        weights: factors of the losses `cls`, `loc` and `mask`, or of `refine` alone.
        plan: when the backbone learns.
        refine_only: False learns everything but `refine_head`, from the coarse masks. True learns `refine_head` and
            nothing else, from the refined masks; the other parts keep weights and batch-norm statistics, `plan` has
            no effect, and the run is one stage.

    Raises `ConfigError` when `refine_only` finds no refinement in the model.
    """

    model: SiamMask

    def __init__(
        self, model: SiamMask, weights: dict[str, float], plan: BackbonePlan, *, refine_only: bool = False
    ) -> None:
        if refine_only and not hasattr(model, "refine_head"):
            raise ConfigError("TRAIN.PARTS refine needs a model with refinement. Set REFINE.REFINE True.")
        super().__init__(model, weights, plan)
        self.refine_only = refine_only
        self._batches_without = 0

    def losses(self, batch: Batch, mean: MeanOf) -> dict[str, Tensor]:
        """`cls`, `loc` and `mask`, or `refine` alone. `batch` holds `mask` and `has_mask` beside the labels."""
        output, features = self.model.forward_with_mask(batch["template"], batch["search"])
        cells = mask_cells(batch["label_cls"], batch["has_mask"])
        side = batch["template"].shape[-1]
        windows = mask_windows(batch["mask"], cells, side, *self.model.mask_window(side))
        self._count(len(cells))
        if self.refine_only:
            return {"refine": mean(refined_mask_loss(self.model.refine_cells(features, cells), windows))}
        losses = self.head_losses(output, batch, mean)
        losses["mask"] = mean(mask_loss(self.model.mask_cells(features, cells), windows))
        return losses

    def stage(self, epoch: int) -> int:
        return 0 if self.refine_only else super().stage(epoch)

    def enter(self, stage: int) -> list[Group]:
        if not self.refine_only:
            groups = super().enter(stage)
            if hasattr(self.model, "refine_head"):
                freeze(self.model.refine_head)
            return [group for group in groups if group.name != "refine_head"]
        freeze(self.learner)
        unfreeze(self.model.refine_head)
        return [Group("refine_head", learnable(self.model.refine_head))]

    def _count(self, cells: int) -> None:
        """Warns once of training data without masks: nothing else would tell."""
        if self._batches_without < 0:
            return
        self._batches_without = self._batches_without + 1 if cells == 0 else -1
        if self._batches_without == PATIENCE:
            logger.warning(
                "None of the first %d batches had a mask to learn from. Name a source with masks in DATASET.NAMES, "
                "or set MASK.MASK False.",
                PATIENCE,
            )

    @classmethod
    def from_config(cls, cfg: CfgNode, model: SiamMask, device: torch.device) -> SiamMaskRecipe:  # type: ignore[override]
        train = cfg.TRAIN
        if train.DISTILL.TEACHER:
            raise ConfigError(
                f"TRAIN.DISTILL.TEACHER is '{train.DISTILL.TEACHER}', but a SiamMask does not learn from a teacher. "
                "Empty it, or set MASK.MASK False."
            )
        if train.PARTS == "refine" and not train.PRETRAINED:
            raise ConfigError(
                "TRAIN.PARTS refine learns the refinement on top of a trained SiamMask, but TRAIN.PRETRAINED is empty. "
                "Train with TRAIN.PARTS all first, and name that snapshot."
            )
        weights = {
            "cls": train.CLS_WEIGHT,
            "loc": train.LOC_WEIGHT,
            "mask": train.MASK_WEIGHT,
            "refine": train.MASK_WEIGHT,
        }
        return cls(model, weights, BackbonePlan.from_config(cfg), refine_only=train.PARTS == "refine")
