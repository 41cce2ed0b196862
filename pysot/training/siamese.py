"""How the siamese trackers learn: SiamRPN and SiamRPN++ (specs/siamrpnpp.md section 8), NanoTrack
(specs/nanotrack.md section 8).
"""

from __future__ import annotations

from torch import Tensor, nn

from pysot.models.siamese import SiameseModel, SiameseOutput
from pysot.training.distill import FeatureDistillation
from pysot.training.losses import anchor_cls_loss, anchor_loc_loss, point_cls_loss, point_loc_loss
from pysot.training.recipe import BackbonePlan, Batch, MeanOf, PlannedRecipe


class SiameseRecipe(PlannedRecipe):
    """Heads learn from the first epoch, the backbone's chosen layers from `plan.unfreeze_epoch`.

    Args:
        model: to be trained, in train form.
        weights: factors of the losses `cls`, `loc` and, with a teacher, `distill`.
        plan: when the backbone learns.
        distillation: compares the backbone with a teacher's.
        hard_negatives: share of the background cells that count in `cls`, the hardest ones.
    """

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


class NanoTrackRecipe(SiameseRecipe):
    """The same for an anchor-free head: cross-entropy of the points, linear IoU loss of the boxes."""

    def head_losses(self, output: SiameseOutput, batch: Batch, mean: MeanOf) -> dict[str, Tensor]:
        positive, negative = point_cls_loss(output.cls, batch["label_cls"], self.hard_negatives)
        loc = point_loc_loss(output.loc, batch["label_cls"], batch["label_loc"])
        return {"cls": 0.5 * mean(positive) + 0.5 * mean(negative), "loc": mean(loc)}
