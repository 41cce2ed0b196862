"""What ATOM and DiMP share: a classifier that is learned while tracking says where the target is, a network that
predicts overlaps says how large it is (Danelljan et al., CVPR 2019, section 3; docs/systems/atom.md).
"""

from __future__ import annotations

import logging
import math
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pysot.core.checks import CheckedParams
from pysot.core.crop import Image, SampledPatch, context_side, sample_patch
from pysot.core.finite import require_finite
from pysot.models.head.iounet import TargetOverlap
from pysot.models.target_aware import SearchView, SelectionParams
from pysot.online.augmentation import AugmentationParams, augment, drop_channels
from pysot.online.box_refinement import BoxParams, ascend, best_box, jitter_boxes
from pysot.online.localization import Finding, LocalizationParams, Peak
from pysot.online.map_window import WindowedMaps
from pysot.online.patch import PatchView, resize_patch
from pysot.tracker.base import Candidate, SearchRegion, State, TrackResult
from pysot.tracker.target_aware import TargetAwareTracker

logger = logging.getLogger(__name__)

MARGIN = 0.2
"""At least this share of the target's size stays inside the image."""
CONTEXT = 0.5
"""Share of width + height that a target's context adds where channels are chosen, as in siamese templates."""
SMALLEST, LARGEST = 1.0, 10.0
"""Limits of a target's sides: image pixels, and image sides."""
WINDOW_SLACK = 0.15
"""How far beside the first boxes, in their sizes, refined ones are expected."""
VIEWS_AT_ONCE = 4
"""Views of the first frame that go through the network together: a few keep its maps in the processor's cache."""
STATES = {
    Finding.NOT_FOUND: State.LOST,
    Finding.UNCERTAIN: State.UNCERTAIN,
    Finding.HARD_NEGATIVE: State.TRACKED,
    Finding.NORMAL: State.TRACKED,
}


@dataclass(frozen=True)
class OnlineParams(CheckedParams):
    """Hyper-parameters of both trackers; the defaults are ATOM's (docs/systems/atom.md, Published values).

    Attributes:
        target_aware: which channels the classifier takes. As published: all.
        image_sample_size: side of the search crop as the network takes it, pixels; a multiple of 32.
        search_area_scale: side of the search crop in the image, in target sizes sqrt(w h).
        integer_division: how half a crop is taken; see `pysot.core.crop.sample_patch`.
        memory_size: sample slots.
        learning_rate, hn_learning_rate: share of a new sample, and of one that shows a distractor.
        init_min_weight: share that the first frame's samples keep; 0 lets them fade.
        train_skipping: frames between updates of the classifier.
        window_output: multiply the scores by a Hann window.
        hn_without_window: look for distractors in the scores without that window.
        update_scale_when_uncertain: let the search area follow the box when the place is uncertain.
        seed: of the random boxes, views and first weights. The same seed gives the same boxes.
    """

    config_group: ClassVar[str] = "TRACK.ONLINE"

    image_sample_size: int = 288
    search_area_scale: float = 5.0
    integer_division: bool = True
    memory_size: int = 250
    learning_rate: float = 0.01
    hn_learning_rate: float = 0.02
    init_min_weight: float = 0.25
    train_skipping: int = 10
    window_output: bool = False
    hn_without_window: bool = False
    update_scale_when_uncertain: bool = True
    seed: int = 0
    localization: LocalizationParams = field(default_factory=LocalizationParams, metadata={"group": "TRACK.ONLINE"})
    aug: AugmentationParams = field(default_factory=AugmentationParams, metadata={"group": "TRACK.ONLINE.AUG"})
    box: BoxParams = field(default_factory=BoxParams, metadata={"group": "TRACK.ONLINE.BOX"})
    target_aware: SelectionParams = field(default_factory=SelectionParams, metadata={"group": "TARGET_AWARE"})

    def __post_init__(self) -> None:
        size = self.image_sample_size
        self.check("image_sample_size", size > 0 and size % 32 == 0, "a multiple of 32")
        self.check("search_area_scale", self.search_area_scale > 0, "a number above 0")
        for name in ("learning_rate", "hn_learning_rate"):
            self.check(name, 0 < getattr(self, name) < 1, "a number between 0 and 1")
        self.check("init_min_weight", 0 <= self.init_min_weight < 1, "a number from 0 up to, not including, 1")
        self.check_least(1, "train_skipping")


@dataclass(frozen=True)
class OnlineCandidate(Candidate):
    """The classifier's choice, and what it takes to refine the box there and to learn from the crop.

    Attributes:
        finding: how far to trust it.
        view: the crop it was found in.
        features: the backbone's maps of that crop.
        sample: what the classifier took of them.
    """

    finding: Finding
    view: PatchView
    features: list[Tensor]
    sample: Tensor


def whole_pixels(place_xy: tuple[float, float]) -> tuple[float, float]:
    """`place_xy` rounded."""
    return float(round(place_xy[0])), float(round(place_xy[1]))


class OnlineTracker(TargetAwareTracker):
    """Base of ATOM and DiMP. A subclass adds the classifier: how it is learned, scores, and is updated.

    Channels are chosen of the map that the classifier takes; boxes are refined on the maps as they are.
    """

    refits = False
    model: Any
    params: OnlineParams

    def __init__(self, model: Any, params: OnlineParams) -> None:
        super().__init__(model, params)
        self._unpadded = model.bb_regressor.unpadded()
        self._like = model.bb_regressor.iou_predictor.weight.detach()  # never shortened

    @property
    def stride(self) -> int:
        """View pixels per cell of the map that the classifier sees."""
        stride: int = self.model.bb_regressor.cells.strides[1]
        return stride

    @abstractmethod
    def _learn_first(self, samples: Tensor, shifts: NDArray[np.int64], view: PatchView) -> None:
        """Learns the classifier.

        Args:
            samples: (n, H, W, C) classifier features of the views of the first frame, and of the plain one with
                channels dropped.
            shifts: (n, 2) pixels (down, right) by which the content of each view is shifted.
            view: the plain view.
        """

    @abstractmethod
    def _look(self, image: Image, region: SearchRegion) -> tuple[PatchView, SampledPatch]:
        """Cuts `region` out of the image (`_cut`)."""

    @abstractmethod
    def _find(self, features: Tensor, view: PatchView, region: SearchRegion) -> tuple[Peak, Tensor]:
        """The target in (1, C, H, W) classifier features; its offset in image pixels; and the sample to remember."""

    @abstractmethod
    def _update(self, candidate: OnlineCandidate, center_xy: tuple[float, float]) -> None:
        """Learns from a frame where the classifier found the target at `center_xy`. The tracker has the refined box."""

    def _start(self, image: Image, box_xywh: tuple[float, float, float, float]) -> None:
        x, y, width, height = box_xywh
        self.rng = np.random.default_rng(self.params.seed)
        self.frame = 0
        self.image_hw = image.shape[:2]
        self.center_xy = (x + (width - 1) / 2, y + (height - 1) / 2)
        self.size_wh = self.search_size_wh = (width, height)
        side, aug = self.params.image_sample_size, self.params.aug
        expanded = int(side * aug.expansion)
        expanded += (expanded - side) % 2
        view = PatchView(whole_pixels(self.center_xy), self._scale(self.size_wh), side)
        pixels = resize_patch(self._cut(image, view.center_xy, view.scale, expanded), expanded, self._like)
        views, shifts = augment(pixels[0].permute(1, 2, 0).cpu().numpy(), side, aug, self.rng)
        with torch.no_grad():
            features, first = self._features_of_views(views, view)
            require_finite("The features of the first frame", self.model, features)
            box = torch.tensor([view.box_in_patch(self.center_xy, self.size_wh)], dtype=torch.float64).to(self._like)
            head = self.model.bb_regressor
            self.overlap = TargetOverlap(head, head.modulation(first, box), rows=1 + self.params.box.num_random)
            samples = features.permute(0, 2, 3, 1)
            dropped = drop_channels(samples[0], aug.dropout_num, aug.dropout_p, self.rng)
            shifts = np.concatenate([shifts, np.zeros((len(dropped), 2), shifts.dtype)])
            self._learn_first(torch.cat([samples, dropped]), shifts, view)

    def _features_of_views(self, views: NDArray[Any], plain: PatchView) -> tuple[Tensor, list[Tensor]]:
        """(n, C, H, W) classifier features of (n, S, S, 3) views, and the backbone's maps of the first view, the plain
        one, by which channels are chosen.
        """
        images = torch.from_numpy(views).to(self._like).permute(0, 3, 1, 2)
        maps = [self.model.features(part) for part in images.split(VIEWS_AT_ONCE)]
        first = [level[:1] for level in maps[0]]
        context = context_side(self.size_wh, CONTEXT) / plain.scale
        cells = [max(1, round(context / spec.stride)) for spec in self.model.level_specs]
        self.template_hw = [(count, count) for count in cells]
        if self.selector is not None:
            self.selection = self.selector.choose(self._view_of_maps(views[0], first, plain), self.template_hw)
        features = torch.cat([self._classifier_features(part) for part in maps])
        return features.contiguous(memory_format=torch.channels_last), first

    def selection_view(self, image: Image) -> SearchView:
        view, patch = self._look(image, self.search_region())
        pixels = resize_patch(patch, view.side, self._like)
        with torch.no_grad():
            maps = self.model.features(pixels)
        return self._view_of_maps(pixels[0].permute(1, 2, 0).cpu().numpy(), maps, view)

    def _view_of_maps(self, pixels: NDArray[Any], maps: list[Tensor], view: PatchView) -> SearchView:
        return self._search_view(np.rint(pixels).astype(np.uint8), maps[-1:], 1 / view.scale)

    def _classifier_features(self, maps: list[Tensor]) -> Tensor:
        """What the classifier takes of the backbone's maps, of the selected channels."""
        if self.selection is not None:
            maps = [*maps[:-1], *self.selection.apply(maps[-1:])]
        features: Tensor = self.model.classifier_features(maps)
        return features

    def _scale(self, size_wh: tuple[float, float]) -> float:
        """Image pixels per network pixel when looking for a target of `size_wh` image pixels."""
        return math.sqrt(size_wh[0] * size_wh[1]) * self.params.search_area_scale / self.params.image_sample_size

    def _cut(
        self, image: Image, center_xy: tuple[float, float], scale: float, side: int, **border: Any
    ) -> SampledPatch:
        """The square that becomes `side` network pixels; `border` as in `sample_patch`."""
        return sample_patch(
            image, center_xy, scale * side, side, integer_division=self.params.integer_division, **border
        )

    def _windowed(
        self, scores: NDArray[np.floating], window: NDArray[np.float64], region: SearchRegion
    ) -> NDArray[np.floating]:
        """`scores` times `window`, as far as the parameters or the region want it."""
        influence = region.window_influence
        if influence is None:
            influence = float(self.params.window_output)
        return scores * (1 - influence + influence * window) if influence else scores

    def move_to(self, center_xy: tuple[float, float], size_wh: tuple[float, float]) -> None:
        super().move_to(center_xy, size_wh)
        self.search_size_wh = size_wh

    def search_region(self) -> SearchRegion:
        return SearchRegion(self.center_xy, self.search_size_wh, self.params.image_sample_size)

    def locate(self, image: Image, region: SearchRegion) -> OnlineCandidate:
        view, patch = self._look(image, region)
        with torch.no_grad():
            features = self.model.features(resize_patch(patch, view.side, self._like))
            peak, sample = self._find(self._classifier_features(features), view, region)
        center = [own + offset for own, offset in zip(view.center_xy, peak.offset_xy, strict=True)]
        return OnlineCandidate(
            box_cxcywh=(center[0], center[1], *region.size_wh),
            score=min(max(peak.score, 0.0), 1.0),
            region=region,
            finding=peak.finding,
            view=view,
            features=features,
            sample=sample,
        )

    def commit(self, image: Image, candidate: Candidate, learn: bool = True) -> TrackResult:
        assert isinstance(candidate, OnlineCandidate)
        if candidate.region.input_size != self.params.image_sample_size and candidate.finding is not Finding.NOT_FOUND:
            # Found in a crop of another size: look again where it is, in one the classifier can learn from.
            near = SearchRegion(candidate.box_cxcywh[:2], candidate.box_cxcywh[2:], self.params.image_sample_size)
            candidate = self.locate(image, near)
        self.frame += 1
        if candidate.finding is not Finding.NOT_FOUND:
            center = self._inside(candidate.box_cxcywh[:2], image)
            self.center_xy, self.size_wh = self._refine(candidate, center)
            if self.params.update_scale_when_uncertain or candidate.finding is not Finding.UNCERTAIN:
                self.search_size_wh = self.size_wh
            if learn:
                with torch.no_grad():
                    self._update(candidate, center)
        if image.shape[:2] != self.image_hw:
            self._fit_to(image)
        (x, y), (width, height) = self.center_xy, self.size_wh
        box = (x - (width - 1) / 2, y - (height - 1) / 2, width, height)
        return TrackResult(box, candidate.score, STATES[candidate.finding])

    def _refine(
        self, candidate: OnlineCandidate, center_xy: tuple[float, float]
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        """Center and size, image pixels, of the box that overlaps most; those that are known where none is better."""
        view, params = candidate.view, self.params.box
        first = torch.tensor(view.box_in_patch(center_xy, self.size_wh), dtype=torch.float64).to(self._like)
        boxes = jitter_boxes(first, params, self.rng)
        head = self.model.bb_regressor
        maps = WindowedMaps(head.iou_features, self._unpadded, candidate.features, WINDOW_SLACK, head.cells)
        moved, overlaps = ascend(lambda asked: self.overlap(*maps.seen_by(asked)), boxes, params)
        best = best_box(moved, overlaps, params)
        if best is None:  # of a sound network too, when its ascent leaves the numbers
            with torch.no_grad():
                require_finite("The predicted overlaps", self.model, self.overlap(*maps.seen_by(boxes))[0])
            return center_xy, self.size_wh
        center, size = view.box_in_image(tuple(best.tolist()))
        largest = LARGEST * max(self.image_hw)
        width, height = (min(max(value, SMALLEST), largest) for value in size)
        return center, (width, height)

    def _inside(self, center_xy: tuple[float, float], image: Image) -> tuple[float, float]:
        """`center_xy` moved so that a share of the target stays inside the image."""
        margins = [(MARGIN - 0.5) * value for value in self.size_wh]
        x, y = (
            max(min(value, limit - margin), margin)
            for value, limit, margin in zip(center_xy, image.shape[1::-1], margins, strict=True)
        )
        return x, y

    def _fit_to(self, image: Image) -> None:
        """After the image's size changed: the target is no larger than the image, and inside it."""
        logger.info("The image changed from %s to %s (height, width).", self.image_hw, image.shape[:2])
        self.image_hw = image.shape[:2]
        self.size_wh = (min(self.size_wh[0], image.shape[1]), min(self.size_wh[1], image.shape[0]))
        self.search_size_wh = self.size_wh
        self.center_xy = self._inside(self.center_xy, image)
