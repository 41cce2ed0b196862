"""How DiMP learns, end to end (Bhat et al., DiMP, ICCV 2019; docs/systems/dimp.md, Training)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from yacs.config import CfgNode

from pysot.config.params import params_from_config
from pysot.core.checks import CheckedParams
from pysot.models.meta_arch.dimp import DimpNet
from pysot.training.losses import Mean
from pysot.training.recipes.atom import network_input, squared_error
from pysot.training.recipes.base import RECIPES, BackbonePlan, Batch, MeanOf, PlannedRecipe


@dataclass(frozen=True)
class DimpLosses(CheckedParams):
    """Which losses, and their numbers.

    Attributes:
        classifier: hinge (DiMP) or kl (PrDiMP).
        boxes: iou (squared error of overlaps) or kl.
        hinge_threshold: labels below it are background.
        label_sigma: standard deviation of the wanted scores, in target sizes.
        search_area_scale: side of the crop in target sizes.
        crop_side: of the crops, pixels.
    """

    config_group: ClassVar[str] = "TRAIN"

    classifier: str = field(default="hinge", metadata={"key": "TRAIN.CLF_LOSS"})
    boxes: str = field(default="iou", metadata={"key": "TRAIN.BOX_LOSS"})
    hinge_threshold: float = field(default=0.05, metadata={"key": "TRAIN.HINGE_THR"})
    label_sigma: float = 0.25
    search_area_scale: float = 5.0
    crop_side: int = field(default=255, metadata={"key": "TRAIN.SEARCH_SIZE"})

    def __post_init__(self) -> None:
        self.check_choice("classifier", ("hinge", "kl"))
        self.check_choice("boxes", ("iou", "kl"))


@RECIPES.register("DIMP")
class DimpRecipe(PlannedRecipe):
    """The classifier that is predicted from the train frames finds the target in the test frames, and the box head
    rates boxes around it there.

    A batch is what `pysot.datasets.samples.frame_sets.FrameSetDataset` returns. Losses: `box`; `clf_init` of the
    filter that the initializer predicts, `clf_iter` the mean over those between, `clf` of the last one.

    Args:
        model, plan, factors: see `PlannedRecipe`.
        weights: factors of these losses.
        params: which losses.
    """

    config_keys = ("TRAIN.IOU_WEIGHT", "TRAIN.CLF_WEIGHTS", "TRAIN.LR_GROUPS")
    params_type = DimpLosses
    model: DimpNet

    def __init__(
        self,
        model: DimpNet,
        weights: Mapping[str, float],
        plan: BackbonePlan,
        params: DimpLosses,
        factors: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(model, weights, plan, factors)
        self.params = params

    def losses(self, batch: Batch, mean: MeanOf) -> dict[str, Tensor]:
        frames_first = {
            key: batch[key].transpose(0, 1) for key in ("train_images", "train_boxes", "test_images", "proposals")
        }
        train, test = (
            network_input(frames_first[key].flatten(0, 1)).unflatten(0, frames_first[key].shape[:2])
            for key in ("train_images", "test_images")
        )
        output = self.model(train, frames_first["train_boxes"], test, frames_first["proposals"])
        rates = output.overlaps.transpose(0, 1)  # (B, m, P) of the proposals in the test frames
        if self.params.boxes == "kl":
            losses = {"box": mean(box_kl_loss(rates, batch["log_proposal"], batch["log_target"]))}
        else:
            losses = {"box": mean(squared_error(rates, batch["overlaps"]))}
        first, *between, last = [mean(self._score_loss(scores.transpose(0, 1), batch)) for scores in output.scores]
        losses |= {"clf": last, "clf_init": first}
        if between:
            losses["clf_iter"] = sum(between[1:], start=between[0]) / len(between)
        return losses

    def _score_loss(self, scores: Tensor, batch: Batch) -> Mean:
        """Of one iterate: `scores` (B, m, H, W) of the test frames."""
        params = self.params
        stride = self.model.bb_regressor.cells.strides[1]
        sigma = params.label_sigma * (params.crop_side / stride) / params.search_area_scale
        size_hw = (scores.shape[-2], scores.shape[-1])
        offset = params.crop_side / 2 / stride - self.model.classifier.center_cell(params.crop_side)
        labels = gaussian_scores(batch["test_boxes"], size_hw, stride, sigma, offset)
        if params.classifier == "kl":
            return grid_kl_loss(scores, labels)
        return hinge_loss(scores, labels, params.hinge_threshold)

    @classmethod
    def from_config(cls, cfg: CfgNode, model: DimpNet, device: torch.device) -> DimpRecipe:
        train = cfg.TRAIN
        last, first, between = train.CLF_WEIGHTS
        weights = {"box": train.IOU_WEIGHT, "clf": last, "clf_init": first, "clf_iter": between}
        factors = {name: rate / train.BASE_LR for name, rate in train.LR_GROUPS.items()}
        return cls(model, weights, BackbonePlan.from_config(cfg), params_from_config(cfg, DimpLosses), factors)


def gaussian_scores(
    boxes_xywh: Tensor, size_hw: tuple[int, int], stride: float, sigma: float, offset: float = 0.0
) -> Tensor:
    """(..., H, W) Gaussians of height 1 at the centers of the boxes.

    Args:
        boxes_xywh: (..., 4) crop pixels.
        size_hw: of the score maps.
        stride: crop pixels per cell.
        sigma: standard deviation, cells.
        offset: cells by which the box of a target in the center is ahead of its score: with a padded backbone 0 where
            scores lie on corners of the features' cells (even filters), 0.5 where on their centers (odd ones).
    """
    center = (boxes_xywh[..., :2] + boxes_xywh[..., 2:] / 2) / stride - offset
    rows, columns = (torch.arange(size, device=center.device, dtype=center.dtype) for size in size_hw)
    vertical = (rows - center[..., 1:]).square()[..., :, None]
    horizontal = (columns - center[..., :1]).square()[..., None, :]
    return torch.exp(-(vertical + horizontal) / (2 * sigma**2))


def hinge_loss(scores: Tensor, labels: Tensor, threshold: float = 0.05) -> Mean:
    """Squared error where the label is `threshold` or more; elsewhere scores below zero cost nothing, those above are
    drawn to zero.
    """
    scores, labels = scores.float(), labels.float()
    background = labels < threshold
    error = torch.where(background, F.relu(scores), scores) - labels.masked_fill(background, 0.0)
    return Mean.of(error.square())


def grid_kl_loss(scores: Tensor, labels: Tensor) -> Mean:
    """Kullback-Leibler divergence, up to a constant, from the density that `labels` (any non-negative maps, normalized
    here) give over the cells to the softmax of the scores; mean over maps. A map without any label counts nothing.
    """
    scores, labels = scores.float().flatten(-2), labels.float().flatten(-2)
    total = labels.sum(-1, keepdim=True)
    density = labels / total.clamp(min=1e-12)
    cost = scores.logsumexp(-1) - (scores * density).sum(-1)
    seen = total[..., 0] > 0
    return Mean((cost * seen).sum(), seen.sum())


def box_kl_loss(rates: Tensor, log_proposal: Tensor, log_target: Tensor) -> Mean:
    """The same over boxes, by importance sampling: the density is exp(rates), normalized.

    Args:
        rates: (..., N) outputs of the box head for N boxes drawn with log-density `log_proposal`.
        log_target: (..., N) log-density of these boxes that is to be learned.
    """
    rates = rates.float()
    normalizer = (rates - log_proposal).logsumexp(-1) - math.log(rates.shape[-1])
    return Mean.of(normalizer - (rates * (log_target - log_proposal).exp()).mean(-1))
