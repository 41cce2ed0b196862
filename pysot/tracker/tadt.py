"""TADT: the target's own features, of chosen channels, are the filter (Li et al., Target-Aware Deep Tracking, CVPR
2019; docs/systems/tadt.md, Tracking).

Coordinates are those of edges: pixel i covers i to i + 1, and the center of a box is x + w / 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pysot.core.checks import CheckedParams
from pysot.core.crop import Image, resized_square
from pysot.core.device import device_of
from pysot.core.errors import ConfigError
from pysot.core.finite import require_finite
from pysot.core.moved import old_names
from pysot.models.meta_arch.tadt import TadtNet
from pysot.models.target_aware import SearchView, SelectionParams
from pysot.tracker.base import TRACKERS, Candidate, SearchRegion, TrackResult
from pysot.tracker.siamese import cosine_window
from pysot.tracker.target_aware import TargetAwareTracker

if not TYPE_CHECKING:
    __getattr__ = old_names(__name__)  # what pickles and scripts may call otherwise

LARGEST_TEMPLATE = 2 / 3
"""Of the map's side: a filter as large as the map could not move."""
SMALLEST_SEARCH = 2.0
"""Side of the search crop in sides of the target, however small the image is."""
SMALLEST_SIDE = 4.0
"""A target never becomes smaller than this, in image pixels."""


@dataclass(frozen=True)
class TadtParams(CheckedParams):
    """Hyper-parameters; the defaults are published, up to those of the selection, which the experiment holds.

    Attributes:
        min_size, max_size: the target is searched at the image's own scale while sqrt(w h) lies between, crop pixels.
        search_factor: side of the search crop in `max_size`; no more than the image's shorter side is looked at.
        stride: crop pixels per cell of the maps.
        scale_cells: the map is searched as it is, and larger and smaller by so many cells.
        scale_weights: factors on the best response of the larger map (a smaller target), the same and the smaller one.
        balance_channels: the sum of so many best channels of each map gets the same maximum.
        window_influence: weight of the cosine window in [0, 1]; 0.5 adds it to the response, as published.
        target_aware: which channels of the network are used.
    """

    config_group: ClassVar[str] = "TRACK.TADT"

    min_size: float = 44.0
    max_size: float = 59.0
    search_factor: float = 3.0
    stride: int = 4
    scale_cells: int = 2
    scale_weights: tuple[float, ...] = (0.99, 1.0, 1.0055)
    balance_channels: int = 49
    window_influence: float = field(default=0.44, metadata={"key": "TRACK.WINDOW_INFLUENCE"})
    target_aware: SelectionParams = field(default_factory=SelectionParams, metadata={"group": "TARGET_AWARE"})

    def __post_init__(self) -> None:
        self.check("max_size", 0 < self.min_size <= self.max_size, f"at least min_size, {self.min_size}, above 0")
        self.check("search_factor", self.search_factor > 1, "a number above 1")
        self.check("scale_cells", self.scale_cells >= 0 and self.scale_cells % 2 == 0, "an even number of cells")
        self.check("scale_weights", len(self.scale_weights) == 3, "three numbers")
        self.check_least(1, "stride", "balance_channels")


@dataclass(frozen=True)
class CropView:
    """A square part of the image, resized: `scale` crop pixels per image pixel around `center_xy`."""

    center_xy: tuple[float, float]
    scale: float
    pixels: Image


@TRACKERS.register("TADTTracker")
class TadtTracker(TargetAwareTracker):
    """Correlates the target's first features with those of each frame at three scales, in the channels that tell it
    from its surroundings and tell its scale.
    """

    params_type = TadtParams
    heads = ("TADT",)
    lost_below, found_from = 0.4, 0.5
    selection_modes = ("mask", "index")
    model: TadtNet
    params: TadtParams

    def __init__(self, model: TadtNet, params: TadtParams) -> None:
        super().__init__(model, params)
        self.device, self.spec = device_of(model), model.level_specs[-1]
        if self.spec.stride != params.stride:
            raise ConfigError(
                f"TRACK.TADT.STRIDE is {params.stride}, but the backbone {type(model.backbone).__name__} delivers maps "
                f"of stride {self.spec.stride}. Set TRACK.TADT.STRIDE to {self.spec.stride}."
            )

    def _start(self, image: Image, box_xywh: tuple[float, float, float, float]) -> None:
        x, y, width, height = box_xywh
        self.center_xy, self.size_wh = (x + width / 2, y + height / 2), (width, height)
        self.frame = 0
        side = math.sqrt(width * height)
        self.target_side = min(max(side, self.params.min_size), self.params.max_size)
        visible = min(image.shape[:2]) * self.target_side / side
        wanted = min(self.params.search_factor * self.params.max_size, visible)
        self.input_size = self._on_grid(max(wanted, SMALLEST_SEARCH * self.target_side))
        view = self._view(image, self.search_region())
        search = self._searched(view)
        cells = self.spec.cells(self.input_size)
        if any(x.shape[-2:] != (cells, cells) for x in search.maps):
            found = ", ".join(str(x.shape[-1]) for x in search.maps)
            raise ConfigError(
                f"A crop of {self.input_size} pixels gives maps of {found} cells, but the FeatureSpec of "
                f"{type(self.model.backbone).__name__} promises {cells}. Correct its `specs`."
            )
        target = (height * view.scale, width * view.scale)
        rows, columns = (odd_cells(side / self.params.stride, cells) for side in target)
        top, left = (cells - rows) // 2, (cells - columns) // 2
        self.template = [x[:, :, top : top + rows, left : left + columns] for x in search.maps]
        self.template_hw = [(rows, columns)] * len(self.template)
        self._learn(search)

    def selection_view(self, image: Image) -> SearchView:
        return self._searched(self._view(image, self.search_region()))

    def _searched(self, view: CropView) -> SearchView:
        return self._search_view(view.pixels, self._levels(view), view.scale)

    def _learn(self, view: SearchView) -> None:
        """Chooses the channels by a crop around the target; the filter remains the first frame's, seen through them."""
        if self.selector is not None:
            self.selection = self.selector.choose(view, self.template_hw)
        with torch.inference_mode():
            self.balance = self._balance(view.maps)
            self.kernel = self._chosen(self.template)

    def _balance(self, levels: list[Tensor]) -> list[float]:
        """One factor per map, so that the best channels of each add up to the same maximum as those of the deepest."""
        chosen = self.selection.levels if self.selection is not None else [None] * len(levels)
        peaks = []
        for x, level in zip(levels, chosen, strict=True):
            if level is not None:
                x = x[:, level.importance.argsort(descending=True)[: self.params.balance_channels]]
            peaks.append(float(x.sum(1).max()))
        return [peaks[-1] / peak if peak > 0 else 1.0 for peak in peaks]

    def _chosen(self, levels: list[Tensor]) -> Tensor:
        """(1, K, h, w): the kept channels of all maps, balanced, one after the other."""
        if self.selection is not None:
            mode = self.params.target_aware.mode
            levels = self.selection.pick(levels) if mode == "index" else self.selection.apply(levels)
        return torch.cat([x * factor for x, factor in zip(levels, self.balance, strict=True)], dim=1)

    def search_region(self) -> SearchRegion:
        return SearchRegion(self.center_xy, self.size_wh, self.input_size)

    def locate(self, image: Image, region: SearchRegion) -> Candidate:
        view = self._view(image, region)
        with torch.inference_mode():
            features = self._at_scales(self._chosen(self._levels(view)))
            responses = self._respond(features)
            require_finite("The responses of this frame", self.model, responses)
            index, row, column = self._best(responses, region)
            score = self._similarity(features[index], row, column)
        cells = features.shape[-1]
        side = cells * self.params.stride  # crop pixels that the map covers, around the crop's middle
        factor = cells / (cells + (1 - index) * self.params.scale_cells)
        step = factor / view.scale
        center_x = view.center_xy[0] + (column + 0.5 - side / 2) * step
        center_y = view.center_xy[1] + (row + 0.5 - side / 2) * step
        width, height = region.size_wh
        return Candidate((center_x, center_y, width * factor, height * factor), score, region)

    def commit(self, image: Image, candidate: Candidate, learn: bool = True) -> TrackResult:
        center_x, center_y, width, height = candidate.box_cxcywh
        rows, columns = image.shape[:2]
        self.center_xy = (min(max(center_x, 0.0), float(columns)), min(max(center_y, 0.0), float(rows)))
        grows = math.sqrt(width * height) > math.sqrt(math.prod(self.size_wh))
        at_limit = width > columns and height > rows if grows else min(width, height) < SMALLEST_SIDE
        if not at_limit:
            self.size_wh = (width, height)
        self.frame += 1
        due = self.params.target_aware.due(self.frame, candidate.score)
        if learn and self.selector is not None and due:
            self._learn(self.selection_view(image))
        (x, y), (width, height) = self.center_xy, self.size_wh
        return TrackResult((x - width / 2, y - height / 2, width, height), candidate.score)

    def _view(self, image: Image, region: SearchRegion) -> CropView:
        """The crop of `region`; outside the image its border repeats."""
        side = self._on_grid(region.input_size)
        scale = self.target_side / math.sqrt(region.size_wh[0] * region.size_wh[1])
        whole = max(1, round(side / scale))
        left, top = (round(center - whole / 2) for center in region.center_xy)
        pixels = resized_square(image, (left, top), whole, side)
        return CropView((left + whole / 2, top + whole / 2), side / whole, pixels)

    def _on_grid(self, side: float) -> int:
        """The next side, in crop pixels, at which maps have an odd number of cells, so that one is in the middle."""
        stride = self.params.stride
        whole = math.ceil(side / stride) * stride
        return whole if self.spec.cells(whole) % 2 else whole + stride

    def _levels(self, view: CropView) -> list[Tensor]:
        with torch.inference_mode():
            pixels = torch.from_numpy(view.pixels).to(self.device).permute(2, 0, 1)[None]
            return self.model.levels(pixels.to(torch.float32, memory_format=torch.channels_last))

    def _at_scales(self, features: Tensor) -> Tensor:
        """(3, K, S, S): the map (1, K, S, S) enlarged, as it is, and reduced, cut or padded to its size."""
        cells, change = features.shape[-1], self.params.scale_cells
        if change == 0:
            return features.expand(3, -1, -1, -1)
        margin = change // 2
        larger, smaller = (
            F.interpolate(features, size=(size, size), mode="bilinear", align_corners=False)
            for size in (cells + change, cells - change)
        )
        return torch.cat([larger[:, :, margin:-margin, margin:-margin], features, F.pad(smaller, [margin] * 4)])

    def _respond(self, features: Tensor) -> Tensor:
        """(3, S, S) correlation with the filter, 0 where it would reach over the border; the largest value is 1."""
        rows, columns = self.kernel.shape[-2:]
        inner = F.conv2d(features, self.kernel)[:, 0]
        full = F.pad(inner, (columns // 2, columns // 2, rows // 2, rows // 2))
        return full / full.amax().clamp_min(torch.finfo(full.dtype).tiny)

    def _best(self, responses: Tensor, region: SearchRegion) -> tuple[int, int, int]:
        """Scale, row and column, these two in crop pixels, of the best response with the cosine window blended in."""
        side = responses.shape[-1] * self.params.stride
        influence = self.params.window_influence if region.window_influence is None else region.window_influence
        fine = F.interpolate(responses[None], size=(side, side), mode="bicubic", align_corners=False)[0]
        blended = fine.flatten(1).cpu().numpy() * (1 - influence) + cosine_window(side) * influence
        index = int(np.argmax(blended.max(1) * np.array(self.params.scale_weights)))
        row, column = divmod(int(blended[index].argmax()), side)
        return index, row, column

    def _similarity(self, features: Tensor, row: int, column: int) -> float:
        """Cosine, in [0, 1], between the filter and `features` (K, S, S) at a place in crop pixels."""
        rows, columns = self.kernel.shape[-2:]
        top, left = (place // self.params.stride - size // 2 for place, size in ((row, rows), (column, columns)))
        part = features[:, max(0, top) : max(0, top + rows), max(0, left) : max(0, left + columns)]
        if part.shape[1:] != self.kernel.shape[2:]:
            return 0.0
        cosine = float(F.cosine_similarity(part.flatten(), self.kernel.flatten(), dim=0))
        return min(max(cosine, 0.0), 1.0)


def odd_cells(cells: float, of: int) -> int:
    """The odd number of cells for a target of `cells`, at most `LARGEST_TEMPLATE` of the map's `of`."""
    limit = max(1, math.ceil(LARGEST_TEMPLATE * of / 2) * 2 - 1)
    return min(math.floor(cells / 2) * 2 + 1, limit)
