"""How ATOM's overlap head learns (Danelljan et al., CVPR 2019, section 3.1; docs/systems/atom.md, Training)."""

from __future__ import annotations

import torch
from torch import Tensor
from yacs.config import CfgNode

from pysot.models.meta_arch.atom import AtomNet
from pysot.training.losses import Mean
from pysot.training.recipes.base import RECIPES, BackbonePlan, Batch, MeanOf, PlannedRecipe


@RECIPES.register("IOUNET")
class IouRecipe(PlannedRecipe):
    """Predicts the overlaps of boxes around the target; as published, on a backbone that stays as it is.

    A batch is what `pysot.datasets.samples.frame_sets.FrameSetDataset` returns. The first train frame is the
    reference, and each test frame is rated against it. The loss `iou` is the mean squared error of 2 IoU - 1.
    """

    config_keys = ("TRAIN.IOU_WEIGHT", "TRAIN.LR_GROUPS")
    model: AtomNet

    def losses(self, batch: Batch, mean: MeanOf) -> dict[str, Tensor]:
        reference = self.model.features(network_input(batch["train_images"][:, 0]))
        modulation = self.model.bb_regressor.modulation(reference, batch["train_boxes"][:, 0])
        frames = batch["test_images"].shape[1]
        test = self.model.features(network_input(batch["test_images"].flatten(0, 1)))
        maps = self.model.bb_regressor.iou_features(test)
        repeated = tuple(vector.repeat_interleave(frames, dim=0) for vector in modulation)
        predicted = self.model.bb_regressor.predict_iou(
            (repeated[0], repeated[1]), maps, batch["proposals"].flatten(0, 1)
        )
        return {"iou": mean(squared_error(predicted, batch["overlaps"].flatten(0, 1)))}

    @classmethod
    def from_config(cls, cfg: CfgNode, model: AtomNet, device: torch.device) -> IouRecipe:
        factors = {name: rate / cfg.TRAIN.BASE_LR for name, rate in cfg.TRAIN.LR_GROUPS.items()}
        return cls(model, {"iou": cfg.TRAIN.IOU_WEIGHT}, BackbonePlan.from_config(cfg), factors)


def network_input(images: Tensor) -> Tensor:
    """(B, 3, S, S) float32, channels last, of uint8 images."""
    return images.to(torch.float32, memory_format=torch.channels_last)


def squared_error(predicted: Tensor, wanted: Tensor) -> Mean:
    """Mean squared error over all elements, in float32."""
    return Mean.of((predicted.float() - wanted.float()).square())
