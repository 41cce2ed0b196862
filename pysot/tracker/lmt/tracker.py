"""LMT: localization-aware meta tracker guided with adversarial features (Lin et al., IEEE Access 2019;
docs/systems/lmt.md).

No implementation was published. What the paper leaves open follows Meta-Tracker's MetaSDNet and MDNet, or is our
choice; docs/systems/lmt.md says which is which.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pysot.core.box_sampling import Spread, boxes_in_range, in_range, stratified_boxes
from pysot.core.crop import Image
from pysot.core.errors import SotError
from pysot.core.geometry import xywh_to_cxcywh
from pysot.models.meta_arch.lmt import LmtNet
from pysot.models.target_aware import SearchView
from pysot.online.meta_step import Params, binary_loss, inner_steps, overlap_loss
from pysot.tracker.base import TRACKERS, Candidate, SearchRegion, State, TrackResult
from pysot.tracker.lmt.box_regression import BoxRegressor
from pysot.tracker.lmt.frame_view import FrameView
from pysot.tracker.lmt.iou_guide import adjust_scores, best_candidates
from pysot.tracker.lmt.online_update import FrameMemory, UpdateParams, update_classifier
from pysot.tracker.lmt.params import LmtParams
from pysot.tracker.target_aware import TargetAwareTracker

logger = logging.getLogger(__name__)

NEAR = Spread("gaussian", trans=0.1, scale=1.2, aspect=1.1)
AROUND_FIRST = Spread("uniform", trans=1.0, scale=2.0, aspect=1.1)
ANYWHERE = Spread("whole", scale=1.2, aspect=1.1)
AROUND = Spread("uniform", trans=1.5, scale=1.2, aspect=1.1)
FOR_REGRESSION = Spread("uniform", trans=0.3, scale=1.5, aspect=1.1)
"""How samples are scattered: targets, background of the first frame, background later, boxes for the regression."""
IOU_BOXES, IOU_BINS = 64, 10
"""Boxes of the first frame from which the overlap branch learns the target."""
MDNET_FIRST = UpdateParams(iters=50, lr=5e-4)
MDNET_POSITIVES, MDNET_NEGATIVES = 500, 5000
"""The first frame as MDNet learns it, for comparison."""


@dataclass(frozen=True)
class LmtCandidate(Candidate):
    """Where the target was found, and what it takes to learn there.

    Attributes:
        raw_xywh: mean of the best candidates, before the regression: where the next frame's are drawn around.
        target_score: their mean adjusted score, a logit; minus infinity where there was nothing to look at.
        view: the frame's features.
    """

    raw_xywh: tuple[float, float, float, float]
    target_score: float
    view: FrameView


@TRACKERS.register("LMTTracker")
class LmtTracker(TargetAwareTracker):
    """A classifier made for the target by one learned step, guided by predicted overlaps; boxes by ridge regression.

    Channels are chosen of the maps that boxes are read from, so that all heads see the same ones.
    """

    refits = False
    params_type = LmtParams
    heads = ("LMT",)
    lost_below, found_from = 0.5, 0.731
    model: LmtNet
    params: LmtParams

    def _start(self, image: Image, box_xywh: tuple[float, float, float, float]) -> None:
        self.rng = np.random.default_rng(self.params.seed)
        self.frame, self.lost, self.lost_frames = 0, False, 0
        self.image_hw = image.shape[:2]
        self.reported_xywh = box_xywh
        self.box_xywh = _clipped(box_xywh, self.image_hw)
        with torch.no_grad():
            self.learned: dict[str, Tensor] = {name: v.detach() for name, v in self.model.adapted().items()}
            self.selection = None
            view = self._view(image, self._region(self.box_xywh), self.learned)
            self.template_hw = [(cells, cells) for cells in self.model.pool.box_cells]
            if self.selector is not None:
                self.selection = self.selector.choose(self._view_of_maps(view), self.template_hw)
                view.selection = self.selection
            self._learn_first(view, image)
            if self.model.adapts_backbone:
                view = self._view(image, self._region(self.box_xywh), self.learned)
            self._learn_boxes(view)
            params = self.params
            self.positives = FrameMemory(params.frames_long)
            self.negatives = FrameMemory(params.frames_short)
            self._remember(view, params.n_pos_update, params.n_neg_update)

    def selection_view(self, image: Image) -> SearchView:
        with torch.no_grad():
            return self._view_of_maps(self._view(image, self.search_region(), self.learned))

    def _view_of_maps(self, view: FrameView) -> SearchView:
        return self._search_view(view.pixels, view.maps, 1 / view.patch.step_xy[0])

    def _learn_first(self, view: FrameView, image: Image) -> None:
        """Makes the model's initialization that of this target."""
        params = self.params
        if params.init == "mdnet":
            self._learn_as_mdnet(view)
        if params.init != "meta":
            return
        target = self.box_xywh
        positives = self._positives(view, params.n_pos_init, params.overlap_pos_init)
        negatives = self._first_negatives(view, params.n_neg_init)
        boxes, overlaps = stratified_boxes(target, IOU_BOXES, IOU_BINS, view.bounds_xyxy, self.rng)
        everything = np.concatenate([positives, negatives, boxes])
        true = torch.from_numpy(overlaps).to(next(self.model.parameters()))
        fixed = None if self.model.adapts_backbone else view.features(everything)
        adapt_iou = any(name.startswith("head.iou.") for name in self.learned)

        def loss(theta: Params) -> Tensor:
            features = fixed
            if features is None:
                features = self._view(image, self._region(self.box_xywh), theta).features(everything)
            good, bad, near = features.split([len(positives), len(negatives), len(boxes)])
            total = binary_loss(self.model.classify(good, theta), self.model.classify(bad, theta))
            if adapt_iou:
                total = total + params.iou_weight * overlap_loss(self.model.predict_iou(near, theta), true)
            return total

        start = {name: value.clone().requires_grad_() for name, value in self.learned.items()}
        rates = {name: value.detach() for name, value in self.model.rates.by_name().items()}
        learned = inner_steps(loss, start, rates, params.inner_steps)
        if not all(bool(value.isfinite().all()) for value in learned.values()):
            raise SotError(
                f"The step on the first frame made weights that are not finite: the weights or rates of this "
                f"{type(self.model).__name__} are damaged. Load another snapshot."
            )
        self.learned = {name: value.detach() for name, value in learned.items()}

    def _learn_as_mdnet(self, view: FrameView) -> None:
        """A new classifier, learned from many samples in many steps, in place of the learned one."""
        fresh = self.model.head.cls.mdnet_weights(torch.Generator().manual_seed(self.params.seed))
        like = next(self.model.parameters())
        classifier = {f"head.cls.{name}": value.to(like) for name, value in fresh.items()}
        positives = view.features(self._positives(view, MDNET_POSITIVES, self.params.overlap_pos_init))
        negatives = view.features(self._first_negatives(view, MDNET_NEGATIVES))
        self.learned |= self._updated(classifier, positives, negatives, MDNET_FIRST)

    def _updated(
        self, classifier: Params, positives: Tensor, negatives: Tensor, plan: UpdateParams
    ) -> dict[str, Tensor]:
        last = "head.cls." + self.model.head.cls.names[-1]
        classify = self.model.classify
        return update_classifier(classify, classifier, last, positives, negatives, plan, self.rng)

    def _learn_boxes(self, view: FrameView) -> None:
        """The regression, from boxes around the target; none where no box can be drawn."""
        params, self.regressor = self.params.bbreg, None
        if not params.enabled:
            return
        target = self.box_xywh
        args = (params.num, FOR_REGRESSION, params.overlap, view.bounds_xyxy, self.rng, params.scale)
        boxes = boxes_in_range(target, *args)
        if len(boxes) > 1:
            features = view.features(boxes)
            self.regressor = BoxRegressor(
                features, torch.from_numpy(boxes).to(features), torch.tensor(target).to(features), params.alpha
            )

    def _positives(self, view: FrameView, count: int, overlap: tuple[float, float]) -> NDArray[np.float64]:
        """Boxes on the target; the target's own where no other can be drawn."""
        boxes = boxes_in_range(self.box_xywh, count, NEAR, overlap, view.bounds_xyxy, self.rng)
        return boxes if len(boxes) else np.array([self.box_xywh])

    def _first_negatives(self, view: FrameView, count: int) -> NDArray[np.float64]:
        """Background of the first frame: half around the target, half anywhere that is seen."""
        overlap, bounds = self.params.overlap_neg_init, view.bounds_xyxy
        near = boxes_in_range(self.box_xywh, count // 2, AROUND_FIRST, overlap, bounds, self.rng)
        far = boxes_in_range(self.box_xywh, count - len(near), ANYWHERE, overlap, bounds, self.rng)
        return np.concatenate([near, far])

    def _view(self, image: Image, region: SearchRegion, params: Params) -> FrameView:
        width, height = region.size_wh
        wider = region.input_size / self.params.patch_side
        reach = wider * max(self.params.trans_expand, self.params.trans) * (width + height) / 2
        largest = max(region.input_size, self.model.geometry.crop_side)
        return FrameView(
            self.model,
            params,
            image,
            region.center_xy,
            region.size_wh,
            reach,
            largest,
            self.params.features,
            self.selection,
        )

    def _region(self, box_xywh: tuple[float, float, float, float]) -> SearchRegion:
        x, y, width, height = box_xywh
        return SearchRegion((x + width / 2, y + height / 2), (width, height), self.params.patch_side)

    def move_to(self, center_xy: tuple[float, float], size_wh: tuple[float, float]) -> None:
        (x, y), (width, height) = center_xy, size_wh
        self.box_xywh = self.reported_xywh = (x - width / 2, y - height / 2, width, height)

    def search_region(self) -> SearchRegion:
        return self._region(self.box_xywh)

    def locate(self, image: Image, region: SearchRegion) -> LmtCandidate:
        params = self.params
        (x, y), (width, height) = region.center_xy, region.size_wh
        around = (x - width / 2, y - height / 2, width, height)
        with torch.no_grad():
            view = self._view(image, region, self.learned)
            if not view.has_room:
                return self._nothing(region, around, view)
            trans = (params.trans_expand if self.lost else params.trans) * region.input_size / params.patch_side
            rng = np.random.default_rng((params.seed, self.frame))
            boxes = Spread("gaussian", trans, params.scale).draw(around, params.n_samples, view.bounds_xyxy, rng)
            features = view.features(boxes)
            scores = self.model.classify(features, self.learned)[:, 1]
            if params.guide.enabled and self.model.head.has_iou:
                scores = adjust_scores(scores, self.model.predict_iou(features, self.learned), params.guide)
            best, target_score = best_candidates(scores, params.topk)
            if not math.isfinite(target_score):
                return self._nothing(region, around, view)
            chosen = boxes[best.cpu().numpy()]
            raw = _box(chosen.mean(axis=0))
            found = target_score > params.success_thr
            refined = self._regress(features[best], chosen, image) if found else raw
        score = 1 / (1 + math.exp(-min(max(target_score, -50.0), 50.0)))
        return LmtCandidate(_box(xywh_to_cxcywh(refined)), score, region, raw, target_score, view)

    def _nothing(
        self, region: SearchRegion, around: tuple[float, float, float, float], view: FrameView
    ) -> LmtCandidate:
        """No candidate lies in the image, or no score is a number."""
        return LmtCandidate(_box(xywh_to_cxcywh(around)), 0.0, region, around, -math.inf, view)

    def _regress(
        self, features: Tensor, boxes_xywh: NDArray[np.float64], image: Image
    ) -> tuple[float, float, float, float]:
        """Mean of the boxes after the regression; one that it moves too far counts as it was."""
        if self.regressor is None:
            return _box(boxes_xywh.mean(axis=0))
        moved = self.regressor(features, torch.from_numpy(boxes_xywh).to(features)).double().cpu().numpy()
        limits, kept = self.params.bbreg, boxes_xywh.copy()
        for index, (new, old) in enumerate(zip(moved, boxes_xywh, strict=True)):
            if np.isfinite(new).all() and in_range(new[None], old, limits.overlap, limits.scale)[0]:
                kept[index] = new
        return _clipped(_box(kept.mean(axis=0)), image.shape[:2])

    def commit(self, image: Image, candidate: Candidate, learn: bool = True) -> TrackResult:
        assert isinstance(candidate, LmtCandidate)
        self.frame += 1
        params = self.params
        self.lost = not candidate.target_score > params.success_thr
        if not self.lost:
            self.lost_frames = 0
            self.box_xywh = candidate.raw_xywh
            x, y, width, height = candidate.box_cxcywh
            self.reported_xywh = (x - width / 2, y - height / 2, width, height)
            if learn:
                with torch.no_grad():
                    self._remember(candidate.view, params.n_pos_update, params.n_neg_update)
        if image.shape[:2] != self.image_hw:
            logger.info("The image changed from %s to %s (height, width).", self.image_hw, image.shape[:2])
            self.image_hw = image.shape[:2]
            self.box_xywh, self.reported_xywh = (
                _clipped(box, self.image_hw) for box in (self.box_xywh, self.reported_xywh)
            )
        if self.lost:
            self.lost_frames += 1
            if learn and (self.lost_frames - 1) % params.short_interval == 0:
                self._update(short=True)
        elif learn and self.frame % params.long_interval == 0:
            self._update(short=False)
        return TrackResult(self.reported_xywh, candidate.score, State.LOST if self.lost else State.TRACKED)

    def _remember(self, view: FrameView, positives: int, negatives: int) -> None:
        """Keeps features of boxes on and beside the target where it is now."""
        params, bounds = self.params, view.bounds_xyxy
        good = boxes_in_range(self.box_xywh, positives, NEAR, params.overlap_pos_update, bounds, self.rng)
        bad = boxes_in_range(self.box_xywh, negatives, AROUND, params.overlap_neg_update, bounds, self.rng)
        features = view.features(np.concatenate([good, bad]))
        self.positives.add(features[: len(good)])
        self.negatives.add(features[len(good) :])

    def _update(self, short: bool) -> None:
        """The classifier learns from the last frames, or from all that are remembered."""
        params = self.params
        positives = self.positives.last(params.frames_short if short else None)
        negatives = self.negatives.last()
        if params.iter_update < 1 or not len(positives) or not len(negatives):
            return
        classifier: Mapping[str, Tensor] = {k: v for k, v in self.learned.items() if k.startswith("head.cls.")}
        self.learned = self.learned | self._updated(classifier, positives, negatives, params.update)


def _box(values: NDArray[np.floating] | tuple[float, ...]) -> tuple[float, float, float, float]:
    first, second, third, fourth = (float(value) for value in values)
    return first, second, third, fourth


def _clipped(
    box_xywh: tuple[float, float, float, float], image_hw: tuple[int, ...]
) -> tuple[float, float, float, float]:
    """The part of a box inside the image; where there is next to none, a box of its size moved inside."""
    height, width = image_hw[:2]
    x, y, w, h = box_xywh
    left, top, right, bottom = max(x, 0.0), max(y, 0.0), min(x + w, width), min(y + h, height)
    if right - left >= min(w, 2.0) and bottom - top >= min(h, 2.0):
        return left, top, right - left, bottom - top
    w, h = min(w, float(width)), min(h, float(height))
    return min(max(x, 0.0), width - w), min(max(y, 0.0), height - h), w, h
