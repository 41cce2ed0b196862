"""What a head is to answer for a search view: labels of anchors (docs/systems/siamrpn.md, Labels) and of
points (docs/systems/nanotrack.md, Training).

Labels are 1 (target), 0 (background) and -1 (without influence on the loss). Only a few cells of each kind are kept,
at random, so that the thousands of background cells do not outweigh the target.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from yacs.config import CfgNode

from pysot.core.anchors import (
    SMALLEST_SIDE,
    ResponseGrid,
    anchor_grid,
    anchor_sizes,
    encode_anchor_boxes,
    encode_point_boxes,
    point_grid,
)
from pysot.core.errors import ConfigError
from pysot.core.geometry import cxcywh_to_xyxy, iou_xyxy, xyxy_to_cxcywh
from pysot.models.builder import build_outline

_NEAR = 3
"""A negative pair's candidates lie at most this many cells from the object's center."""


class AnchorTargets:
    """Labels and box deltas for every anchor.

    Args:
        stride, ratios, scales: the anchors, as `ANCHOR` has them; k = len(ratios) * len(scales).
        output_size: side S of the response map.
        middle: where its middle cell looks, pixels from the view's center; see `pysot.core.anchors.ResponseGrid`.
        search_size: side of the search view, pixels.
        threshold_high, threshold_low: an anchor with a larger IoU is target, with a smaller one background.
        positives: most anchors labeled target.
        total: most anchors labeled in a positive pair, `total - positives` of them background.
        negatives: most anchors labeled (background) in a negative pair.
    """

    def __init__(
        self,
        *,
        stride: int = 8,
        ratios: Sequence[float] = (0.33, 0.5, 1, 2, 3),
        scales: Sequence[float] = (8,),
        output_size: int = 25,
        middle: float = 0.0,
        search_size: int = 255,
        threshold_high: float = 0.6,
        threshold_low: float = 0.3,
        positives: int = 16,
        negatives: int = 16,
        total: int = 64,
    ) -> None:
        self.grid, self.search_size = ResponseGrid(output_size, stride, middle), search_size
        self.threshold_high, self.threshold_low = threshold_high, threshold_low
        self.positives, self.negatives, self.background = positives, negatives, total - positives
        anchors = anchor_grid(anchor_sizes(stride, ratios, scales), self.grid)
        anchors[:, :2] += search_size // 2
        self.anchors_cxcywh = anchors.reshape(-1, output_size, output_size, 4)
        """(k, S, S, 4) float32, search pixels."""
        corners = cxcywh_to_xyxy(self.anchors_cxcywh).astype(np.float64)
        # one coordinate after the other in memory: halves the time that the overlaps take
        self._anchors_xyxy = np.moveaxis(np.ascontiguousarray(np.moveaxis(corners, -1, 0)), 0, -1)

    def __call__(
        self, box_xyxy: NDArray[np.float64], negative: bool, rng: np.random.Generator
    ) -> dict[str, NDArray[np.int64] | NDArray[np.float32]]:
        """Targets of one search view.

        Args:
            box_xyxy: (4,) the object that is in the view, search pixels.
            negative: it is not the template's.

        Returns:
            `label_cls` (k, S, S) int64; `label_loc` (4, k, S, S) float32: dx, dy, dw, dh for every anchor, zero in a
            negative pair; `label_loc_weight` (k, S, S) float32: 1 / number of targets where the label is 1, else 0.
        """
        if negative:
            return self._negative(box_xyxy, rng)
        overlap = self.overlap(box_xyxy)
        label = np.full(overlap.shape, -1, dtype=np.int64)
        _choose(label, overlap > self.threshold_high, 1, self.positives, rng)
        _choose(label, overlap < self.threshold_low, 0, self.background, rng)
        positive = label == 1
        weight = positive.astype(np.float32) / np.float32(positive.sum() + 1e-6)
        deltas = encode_anchor_boxes(xyxy_to_cxcywh(box_xyxy), self.anchors_cxcywh)
        return {"label_cls": label, "label_loc": deltas, "label_loc_weight": weight}

    def overlap(self, box_xyxy: NDArray[np.float64]) -> NDArray[np.float64]:
        """(k, S, S) IoU of every anchor with the box, 0..1."""
        return np.asarray(iou_xyxy(self._anchors_xyxy, box_xyxy), dtype=np.float64)

    def _negative(
        self, box_xyxy: NDArray[np.float64], rng: np.random.Generator
    ) -> dict[str, NDArray[np.int64] | NDArray[np.float32]]:
        """Background labels around the other object's center, where a tracker is most likely to take it."""
        shape = self.anchors_cxcywh.shape[:-1]
        candidates = np.zeros(shape, dtype=np.bool_)
        center_xy = xyxy_to_cxcywh(box_xyxy)[:2]
        columns, rows = (self._near(float(center)) for center in center_xy)
        candidates[:, rows, columns] = True
        label = np.full(shape, -1, dtype=np.int64)
        _choose(label, candidates, 0, self.negatives, rng)
        return {
            "label_cls": label,
            "label_loc": np.zeros((4, *shape), dtype=np.float32),
            "label_loc_weight": np.zeros(shape, dtype=np.float32),
        }

    def _near(self, position: float) -> slice:
        """The cells along one axis around a position in search pixels; PySOT's rounding, up and half a cell on."""
        side, stride, middle = self.grid
        cell = side // 2 + math.ceil((position - self.search_size // 2 - middle) / stride + 0.5)
        return slice(max(0, cell - _NEAR), max(0, min(side, cell + _NEAR + 1)))

    @classmethod
    def from_config(cls, cfg: CfgNode) -> AnchorTargets:
        """The labels of an anchor head. Raises `ConfigError` when its response map does not have TRAIN.OUTPUT_SIZE."""
        train, grid = cfg.TRAIN, _Grid.from_config(cfg)
        return cls(
            stride=grid.stride,
            ratios=cfg.ANCHOR.RATIOS,
            scales=cfg.ANCHOR.SCALES,
            output_size=grid.side,
            middle=grid.middle,
            search_size=train.SEARCH_SIZE,
            threshold_high=train.THR_HIGH,
            threshold_low=train.THR_LOW,
            positives=train.POS_NUM,
            negatives=train.NEG_NUM,
            total=train.TOTAL_NUM,
        )


class PointTargets:
    """Labels and box distances for every point of an anchor-free head.

    A point is target inside the ellipse with half the box's axes, background outside the one with the full axes.

    Args:
        stride: distance of two points, search pixels.
        output_size, middle, search_size, positives, negatives, total: see `AnchorTargets`.
    """

    def __init__(
        self,
        *,
        stride: int = 16,
        output_size: int = 16,
        middle: float = 0.0,
        search_size: int = 255,
        positives: int = 16,
        negatives: int = 16,
        total: int = 64,
    ) -> None:
        self.positives, self.negatives, self.background = positives, negatives, total - positives
        self.grid = ResponseGrid(output_size, stride, middle)
        points = point_grid(self.grid) + search_size // 2
        self.points_xy = points.reshape(output_size, output_size, 2)
        """(S, S, 2) float32, search pixels."""

    def __call__(
        self, box_xyxy: NDArray[np.float64], negative: bool, rng: np.random.Generator
    ) -> dict[str, NDArray[np.int64] | NDArray[np.float32]]:
        """Targets of one search view.

        Args:
            box_xyxy, negative: see `AnchorTargets`.

        Returns:
            `label_cls` (S, S) int64; `label_loc` (4, S, S) float32: distances from each point to the box's left, top,
            right and bottom, search pixels (negative outside), zero in a negative pair.
        """
        reach = encode_point_boxes(box_xyxy, self.points_xy)
        target = (self._ellipse(box_xyxy, 4) < 1) & (reach > 0).all(axis=0)  # an inverted box has no point inside
        label = np.full(target.shape, -1, dtype=np.int64)
        if negative:
            _choose(label, target, 0, self.negatives, rng)
            return {"label_cls": label, "label_loc": np.zeros_like(reach)}
        _choose(label, target, 1, self.positives, rng)
        _choose(label, self._ellipse(box_xyxy, 2) > 1, 0, self.background, rng)
        return {"label_cls": label, "label_loc": reach}

    def _ellipse(self, box_xyxy: NDArray[np.float64], divisor: float) -> NDArray[np.float64]:
        """(S, S) below 1 inside the ellipse with semi-axes width / divisor and height / divisor."""
        box = xyxy_to_cxcywh(box_xyxy)
        semi_axes = np.maximum(box[2:], SMALLEST_SIDE) / divisor
        return (((self.points_xy - box[:2]) / semi_axes) ** 2).sum(axis=-1)

    @classmethod
    def from_config(cls, cfg: CfgNode) -> PointTargets:
        """The labels of an anchor-free head; raises as those of anchors do."""
        grid = _Grid.from_config(cfg)
        return cls(
            stride=grid.stride,
            output_size=grid.side,
            middle=grid.middle,
            search_size=cfg.TRAIN.SEARCH_SIZE,
            positives=cfg.TRAIN.POS_NUM,
            negatives=cfg.TRAIN.NEG_NUM,
            total=cfg.TRAIN.TOTAL_NUM,
        )


class _Grid:
    """Where the cells of the response map of a config's own network look."""

    @staticmethod
    def from_config(cfg: CfgNode) -> ResponseGrid:
        train = cfg.TRAIN
        grid: ResponseGrid = build_outline(cfg).response(train.EXEMPLAR_SIZE, train.SEARCH_SIZE)  # type: ignore[operator]
        if grid.side != train.OUTPUT_SIZE:
            raise ConfigError(
                f"TRAIN.OUTPUT_SIZE is {train.OUTPUT_SIZE}, but with TRAIN.EXEMPLAR_SIZE {train.EXEMPLAR_SIZE} and "
                f"TRAIN.SEARCH_SIZE {train.SEARCH_SIZE} the response map of BACKBONE.TYPE {cfg.BACKBONE.TYPE} and its "
                f"head has {grid.side} x {grid.side} cells. Set TRAIN.OUTPUT_SIZE to {grid.side}."
            )
        return grid


def _choose(
    label: NDArray[np.int64], candidates: NDArray[np.bool_], value: int, most: int, rng: np.random.Generator
) -> None:
    """Writes `value` into `label` at all candidates, or at `most` random ones when there are more."""
    places = np.flatnonzero(candidates)
    if len(places) > most:
        places = rng.choice(places, most, replace=False)
    label.reshape(-1)[places] = value
