"""A whole system, HEAD.TYPE HEATMAP: the target's mean feature is compared with every cell of the search crop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from yacs.config import CfgNode

from pysot.core.crop import Image, context_side, get_subwindow
from pysot.datasets.samples.base import TRAINING_DATA
from pysot.datasets.samples.pairs import PairDataset
from pysot.models.backbone import BACKBONES, Backbone
from pysot.models.meta_arch import MODELS
from pysot.models.parts import make_part
from pysot.tracker.base import TRACKERS, Candidate, SearchRegion, Tracker, TrackResult
from pysot.tracker.siamese import cosine_window
from pysot.training.recipes.base import RECIPES, BackbonePlan, Batch, MeanOf, PlannedRecipe

EXEMPLAR = 127


@MODELS.register("HEATMAP")
class HeatmapNet(nn.Module):
    """Children: backbone, head."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Conv2d(backbone.out_channels[-1], 32, 1)

    def template(self, image: Tensor) -> Tensor:
        """(B, 32, 1, 1) mean feature around the middle of (B, 3, 127, 127) exemplars."""
        return self.head(self.backbone(image)[-1])[..., 4:-4, 4:-4].mean((2, 3), keepdim=True)

    def track(self, template: Tensor, search: Tensor) -> Tensor:
        """(B, S, S) logits of the target's center."""
        return (self.head(self.backbone(search)[-1]) * template).sum(1)

    @classmethod
    def from_config(cls, cfg: CfgNode) -> HeatmapNet:
        return cls(make_part(BACKBONES, cfg.BACKBONE.TYPE, cfg.BACKBONE.KWARGS))


class NoLabels:
    """A pair holds what the loss needs: `box_xyxy` in the search view, and whether it is a `negative` one."""

    @classmethod
    def from_config(cls, cfg: CfgNode) -> NoLabels:
        return cls()

    def __call__(self, *about_the_target: Any) -> dict[str, NDArray[Any]]:
        return {}


@TRAINING_DATA.register("HEATMAP")
class HeatmapPairs(PairDataset):
    labels_type = NoLabels  # type: ignore[assignment]


@RECIPES.register("HEATMAP")
class HeatmapRecipe(PlannedRecipe):
    """Binary cross-entropy against the cells inside the middle half of the target's box."""

    def losses(self, batch: Batch, mean: MeanOf) -> dict[str, Tensor]:
        logits = self.model.track(self.model.template(batch["template"]), batch["search"])
        spec = self.model.backbone.specs[-1]
        pixels = spec.offset + spec.stride * torch.arange(logits.shape[-1], device=logits.device)
        low, high = batch["box_xyxy"].unflatten(1, (2, 2)).unbind(1)
        near = ((pixels - (low + high)[..., None] / 2).abs() <= (high - low)[..., None] / 4).float()  # (B, 2, S)
        wanted = near[:, 1, :, None] * near[:, 0, None, :] * ~batch["negative"][:, None, None]
        return {"heatmap": F.binary_cross_entropy_with_logits(logits, wanted)}

    @classmethod
    def from_config(cls, cfg: CfgNode, model: Any, device: torch.device) -> HeatmapRecipe:
        return cls(model, {"heatmap": 1.0}, BackbonePlan.from_config(cfg))


@dataclass(frozen=True)
class HeatmapParams:
    heatmap_window: float = 0.3  # becomes the key TRACK.HEATMAP_WINDOW: weight of "near the last place" in [0, 1]


@TRACKERS.register("HeatmapTracker")
class HeatmapTracker(Tracker):
    """Moves to the best cell; the size stays."""

    params_type, heads = HeatmapParams, ("HEATMAP",)

    def _start(self, image: Image, box_xywh: tuple[float, float, float, float]) -> None:
        x, y, width, height = box_xywh
        self.center_xy, self.size_wh = (x + width / 2, y + height / 2), (width, height)
        self.template = self.model.template(self._crop(image, self.center_xy, self.size_wh, EXEMPLAR)[0])

    def _crop(self, image: Image, center_xy: Any, size_wh: Any, side: int) -> tuple[Tensor, float]:
        scale = context_side(size_wh, 0.5) / EXEMPLAR  # image pixels per crop pixel
        crop = get_subwindow(image, center_xy, side, max(1, round(side * scale)), image.mean(axis=(0, 1)))
        return torch.from_numpy(crop).permute(2, 0, 1)[None].float(), scale

    def search_region(self) -> SearchRegion:
        return SearchRegion(self.center_xy, self.size_wh, 255)

    @torch.inference_mode()
    def locate(self, image: Image, region: SearchRegion) -> Candidate:
        crop, scale = self._crop(image, region.center_xy, region.size_wh, region.input_size)
        score = self.model.track(self.template, crop)[0].sigmoid().numpy()
        weight, window = self.params.heatmap_window, cosine_window(len(score)).reshape(score.shape)
        row, column = np.unravel_index(np.argmax(score * (1 - weight) + window * weight), score.shape)
        spec = self.model.backbone.specs[-1]
        cell = spec.offset + spec.stride * np.array([column, row]) - (region.input_size - 1) / 2
        x, y = np.array(region.center_xy) + scale * cell
        return Candidate((float(x), float(y), *region.size_wh), float(score[row, column]), region)

    def commit(self, image: Image, candidate: Candidate, learn: bool = True) -> TrackResult:
        x, y, width, height = candidate.box_cxcywh
        self.move_to((x, y), (width, height))
        return TrackResult((x - width / 2, y - height / 2, width, height), candidate.score)
