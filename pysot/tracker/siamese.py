"""What all siamese trackers share: crops, the choice among candidates, and the smoothed state
(SiamRPN, CVPR 2018, section 4; docs/systems/siamrpn.md, Tracking); and which of the network's channels they look at
(docs/systems/tasiamrpn.md, In the tracker).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pysot.core.anchors import ResponseGrid
from pysot.core.crop import Image, context_side, get_subwindow
from pysot.core.device import device_of
from pysot.core.errors import ConfigError
from pysot.core.finite import require_finite
from pysot.models.meta_arch.siamese import SiameseModel, SiameseOutput
from pysot.models.target_aware import SearchView, SelectionParams
from pysot.tracker.base import Candidate, SearchRegion, TrackResult
from pysot.tracker.target_aware import TargetAwareTracker

MIN_SIDE = 10.0
"""A target never becomes smaller than this, in image pixels."""

Decoder: TypeAlias = Callable[[SiameseOutput, ResponseGrid], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Scores (N,) and boxes (N, 4) cx, cy, w, h in crop pixels from the crop's center."""


@dataclass(frozen=True)
class SiameseParams:
    """Hyper-parameters of one published experiment (docs/systems/siamrpn.md and nanotrack.md, Published values).

    Attributes:
        penalty_k: strength of the penalty on changes of size and aspect ratio.
        window_influence: weight of the cosine window in [0, 1].
        lr: how fast the size follows, times penalty and score.
        exemplar_size: side of the template crop, pixels.
        instance_size: side of the search crop, pixels.
        context_amount: margin around the target in the template, as a share of width + height.
        target_aware: which channels of the network are used. As published: all.
    """

    penalty_k: float = 0.04
    window_influence: float = 0.44
    lr: float = 0.4
    exemplar_size: int = 127
    instance_size: int = 255
    context_amount: float = 0.5
    target_aware: SelectionParams = field(default_factory=SelectionParams, metadata={"group": "TARGET_AWARE"})


@dataclass(frozen=True)
class SiameseCandidate(Candidate):
    """A candidate with what the smoothing and SiamMask need.

    Attributes:
        penalty: in (0, 1], 1 when size and aspect ratio are unchanged.
        index: position in the flattened response map.
        crop_side: side of the search crop in image pixels, whole.
        features: whatever `_respond` handed on.
    """

    penalty: float
    index: int
    crop_side: int
    features: Any = None


class SiameseTracker(TargetAwareTracker):
    """Base of SiamRPN, SiamMask and NanoTrack.

    The template is made once, in `init`. A subclass adds a decoder, and may change how a response is computed or
    committed.
    """

    # BASE_SIZE is in published files; the response's side is the network's
    config_keys = (*TargetAwareTracker.config_keys, "TRACK.BASE_SIZE")
    params_type = SiameseParams
    model: SiameseModel
    params: SiameseParams

    def __init__(self, model: SiameseModel, params: SiameseParams) -> None:
        super().__init__(model, params)
        self.device = device_of(model)
        self.decoder = self._make_decoder()

    @abstractmethod
    def _make_decoder(self) -> Decoder:
        """The decoder for this tracker's head."""

    def _start(self, image: Image, box_xywh: tuple[float, float, float, float]) -> None:
        x, y, width, height = box_xywh
        self.center_xy = (x + (width - 1) / 2, y + (height - 1) / 2)
        self.size_wh = (width, height)
        self.fill_bgr = image.mean(axis=(0, 1))
        side = max(1, round(context_side(self.size_wh, self.params.context_amount)))
        self._learn_template(self._cut(image, self.center_xy, self.params.exemplar_size, side))
        self.frame = 0
        self._learn_channels(image)

    def _learn_template(self, crop: Tensor) -> None:
        with torch.inference_mode():
            self.template = self.model.levels(crop)
        require_finite("The features of the first frame", self.model, *self.template)
        self.template_hw = [(x.shape[-2], x.shape[-1]) for x in self.template]

    def _learn_channels(self, image: Image) -> None:
        """Chooses the channels to use from now on, by a search crop of `image` around the target; all without selector.

        The template remains that of the first frame, seen through these channels.
        """
        if self.selector is not None:
            self.selection = self.selector.choose(self.selection_view(image), self.template_hw)
        with torch.inference_mode():
            self.kernels = self.model.kernels(self.template, self.selection)

    def selection_view(self, image: Image) -> SearchView:
        params = self.params
        exemplar_side = max(1, round(context_side(self.size_wh, params.context_amount)))
        side = max(1, round(exemplar_side * params.instance_size / params.exemplar_size))
        crop = get_subwindow(image, self.center_xy, params.instance_size, side, self.fill_bgr)
        with torch.inference_mode():
            maps = self.model.levels(self._to_input(crop))
        return self._search_view(crop, maps, params.instance_size / side)

    def _refit(self, image: Image, score: float, learn: bool) -> None:
        """Counts the frame and, with `learn`, chooses the channels anew when that is due."""
        self.frame += 1
        if learn and self.selector is not None and self.params.target_aware.due(self.frame, score):
            self._learn_channels(image)

    def search_region(self) -> SearchRegion:
        return SearchRegion(self.center_xy, self.size_wh, self.params.instance_size)

    def locate(self, image: Image, region: SearchRegion) -> SiameseCandidate:
        scale = self.params.exemplar_size / context_side(region.size_wh, self.params.context_amount)
        side = max(1, round(region.input_size / scale))
        crop = self._cut(image, region.center_xy, region.input_size, side)
        with torch.inference_mode():
            output, features = self._respond(crop)
            require_finite("The outputs for this frame", self.model, *output)
            score, boxes = self.decoder(output, self._grid(output, region))
        size_in_crop = (region.size_wh[0] * scale, region.size_wh[1] * scale)
        penalty = change_penalty(boxes, size_in_crop, self.params.penalty_k)
        best = self._choose(score * penalty, output.cls.shape[-1], region)
        box = boxes[best].astype(np.float64) / scale
        center = (region.center_xy[0] + float(box[0]), region.center_xy[1] + float(box[1]))
        return SiameseCandidate(
            box_cxcywh=(*center, float(box[2]), float(box[3])),
            score=float(score[best]),
            region=region,
            penalty=float(penalty[best]),
            index=best,
            crop_side=side,
            features=features,
        )

    def commit(self, image: Image, candidate: Candidate, learn: bool = True) -> TrackResult:
        assert isinstance(candidate, SiameseCandidate)
        box = self._smooth(candidate)
        self.center_xy, self.size_wh = clip_state(box, image)
        self._refit(image, candidate.score, learn)
        (x, y), (width, height) = self.center_xy, self.size_wh
        return TrackResult((x - width / 2, y - height / 2, width, height), candidate.score)

    def _respond(self, search: Tensor) -> tuple[SiameseOutput, Any]:
        """Response maps of one search crop, and anything `commit` will need of it."""
        return self.model.track(self.kernels, search, self.selection), None

    def _grid(self, output: SiameseOutput, region: SearchRegion) -> ResponseGrid:
        """Where the cells of the response look. Raises `ConfigError` where the network's specs do not describe it."""
        grid, side = self.model.response(self.params.exemplar_size, region.input_size), output.cls.shape[-1]
        if grid.side != side:
            raise ConfigError(
                f"The response map of {type(self.model.head).__name__} has {side} x {side} cells, but the FeatureSpec "
                f"of {type(self.model.backbone).__name__} and the head's `response` promise {grid.side}. Correct the "
                "one of the two that is of your own."
            )
        return grid

    def _choose(self, score: NDArray[np.floating], side: int, region: SearchRegion) -> int:
        """Index of the best penalized score after blending in the cosine window."""
        influence = self.params.window_influence if region.window_influence is None else region.window_influence
        return int(np.argmax(score * (1 - influence) + self._prior(side, len(score)) * influence))

    def _prior(self, side: int, count: int) -> NDArray[np.float64]:
        """(count,) "near the center": a cosine window for each of the anchors at side * side cells."""
        return np.tile(cosine_window(side), count // (side * side))

    def _smooth(self, candidate: SiameseCandidate) -> tuple[float, float, float, float]:
        """The new center as found, the new size between the old and the found one."""
        rate = candidate.penalty * candidate.score * self.params.lr
        center_x, center_y, width, height = candidate.box_cxcywh
        old_width, old_height = self.size_wh
        return center_x, center_y, old_width * (1 - rate) + width * rate, old_height * (1 - rate) + height * rate

    def _cut(self, image: Image, center_xy: tuple[float, float], size: int, side: int) -> Tensor:
        """(1, 3, size, size) network input: the square of `side` image pixels around a point."""
        return self._to_input(get_subwindow(image, center_xy, size, side, self.fill_bgr))

    def _to_input(self, crop: Image) -> Tensor:
        """(S, S, 3) uint8 to (1, 3, S, S) float32 on the model's device, values 0..255."""
        image = torch.from_numpy(crop).to(self.device).permute(2, 0, 1)[None]
        return image.to(torch.float32, memory_format=torch.channels_last)


@lru_cache(maxsize=8)
def cosine_window(side: int) -> NDArray[np.float64]:
    """(side * side,) outer product of two Hann windows whose end points are zero."""
    hann = np.hanning(side)
    return np.outer(hann, hann).ravel()


def change_penalty(
    boxes_cxcywh: NDArray[np.floating], size_wh: tuple[float, float], penalty_k: float
) -> NDArray[np.floating]:
    """(N,) factor exp(-(r s - 1) k) for a change of scale s and of aspect ratio r against `size_wh`, both >= 1.

    0 for boxes so large or small that their change is not a number.
    """
    width, height = boxes_cxcywh[:, 2], boxes_cxcywh[:, 3]
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        padding = (width + height) / 2
        scale = np.sqrt((width + padding) * (height + padding)) / context_side(size_wh, 0.5)
        ratio = (size_wh[0] / size_wh[1]) / (width / height)
        change = np.maximum(ratio, 1 / ratio) * np.maximum(scale, 1 / scale)
        return np.where(np.isfinite(change), np.exp(-(change - 1) * penalty_k), 0.0)


def clip_state(
    box_cxcywh: tuple[float, float, float, float], image: Image
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Center kept inside the image, size between `MIN_SIDE` and the image's."""
    rows, columns = image.shape[:2]
    center_x, center_y, width, height = box_cxcywh
    center = (min(max(center_x, 0.0), float(columns)), min(max(center_y, 0.0), float(rows)))
    return center, (max(MIN_SIDE, min(width, float(columns))), max(MIN_SIDE, min(height, float(rows))))
