"""How SiamMask learns (Wang et al., CVPR 2019; specs/siamrpnpp.md section 9).

Two runs make a tracker, in the authors' order: boxes and coarse masks first, then the refinement alone on top of what
the first run learned.
"""

from __future__ import annotations

import logging

from torch import Tensor

from pysot.core.errors import ConfigError
from pysot.models.siamese import SiamMask
from pysot.training.losses import mask_cells, mask_loss, mask_windows, refined_mask_loss
from pysot.training.optim import Group, learnable
from pysot.training.recipe import BackbonePlan, Batch, MeanOf, freeze, unfreeze
from pysot.training.siamese import SiameseRecipe

logger = logging.getLogger(__name__)

PATIENCE = 100
"""Batches without anything to learn a mask from before a warning says so."""


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
        windows = mask_windows(batch["mask"], cells)
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
