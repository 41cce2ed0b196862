"""How the siamese trackers learn: SiamRPN and SiamRPN++ (specs/siamrpnpp.md section 8), NanoTrack
(specs/nanotrack.md section 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from pysot.core.errors import ConfigError
from pysot.models.siamese import SiameseModel, SiameseOutput
from pysot.training.distill import FeatureDistillation
from pysot.training.losses import anchor_cls_loss, anchor_loc_loss, point_cls_loss, point_loc_loss
from pysot.training.optim import Group, learnable
from pysot.training.recipe import Batch, MeanOf, Recipe, freeze, unfreeze


@dataclass(frozen=True)
class BackbonePlan:
    """When the backbone learns.

    Attributes:
        layers: its children that learn; the others keep the weights they were given.
        unfreeze_epoch: epoch (from 0) at which they start.
        factor: their learning rate relative to the head's.
    """

    layers: Sequence[str]
    unfreeze_epoch: int
    factor: float


class SiameseRecipe(Recipe):
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
        super().__init__(model, weights)
        self.plan, self.distillation, self.hard_negatives = plan, distillation, hard_negatives
        children = [name for name, _ in model.backbone.named_children()]
        if unknown := [name for name in plan.layers if name not in children]:
            raise ConfigError(
                f"BACKBONE.TRAIN_LAYERS: {type(model.backbone).__name__} has no layer {unknown}. It has: {children}."
            )
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

    def stage(self, epoch: int) -> int:
        return int(epoch >= self.plan.unfreeze_epoch)

    def enter(self, stage: int) -> list[Group]:
        unfreeze(self.learner)
        freeze(self.model.backbone)
        groups = []
        if stage == 1:
            for name in self.plan.layers:
                unfreeze(self.model.backbone.get_submodule(name))
            groups.append(Group("backbone", learnable(self.model.backbone), self.plan.factor))
        for name, child in self.learner_parts():
            groups.append(Group(name, learnable(child)))
        return groups

    def learner_parts(self) -> list[tuple[str, nn.Module]]:
        """Everything beside the backbone, by name."""
        parts = [(name, child) for name, child in self.model.named_children() if name != "backbone"]
        return parts if self.distillation is None else [*parts, ("distillation", self.distillation)]


class NanoTrackRecipe(SiameseRecipe):
    """The same for an anchor-free head: cross-entropy of the points, linear IoU loss of the boxes."""

    def head_losses(self, output: SiameseOutput, batch: Batch, mean: MeanOf) -> dict[str, Tensor]:
        positive, negative = point_cls_loss(output.cls, batch["label_cls"], self.hard_negatives)
        loc = point_loc_loss(output.loc, batch["label_cls"], batch["label_loc"])
        return {"cls": 0.5 * mean(positive) + 0.5 * mean(negative), "loc": mean(loc)}
