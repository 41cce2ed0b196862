"""Anchors (docs/systems/siamrpn.md, Anchors) and points (docs/systems/nanotrack.md, Points) of a response map, and the
box coders of both: what a head answers for a box, and back.

Grids are relative to the crop's center; the coders work in any common frame. Codes have their four numbers on the first
axis, as the maps of a head do, boxes on the last one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SMALLEST_SIDE = 1e-3
"""Width and height, in pixels, that an encoded box is taken to have at least: its logarithms stay finite."""

NEGLIGIBLE = 1.0
"""Pixels: so near to the center of a crop a response map's middle cell is taken to be there, as in published grids."""


class ResponseGrid(NamedTuple):
    """Where a response map of `side` x `side` cells looks for the target.

    Attributes:
        side: cells along an axis.
        stride: search pixels between neighboring cells.
        middle: where cell `side // 2` finds the target, search pixels from the crop's center.
    """

    side: int
    stride: int
    middle: float = 0.0

    @classmethod
    def starting_at(cls, first: float, stride: int, side: int) -> ResponseGrid:
        """The grid whose cell 0 finds the target `first` pixels from the search crop's center."""
        middle = first + side // 2 * stride
        return cls(side, stride, 0.0 if abs(middle) <= NEGLIGIBLE else middle)


def anchor_sizes(stride: int, ratios: Sequence[float], scales: Sequence[float]) -> NDArray[np.float32]:
    """(k, 2) widths and heights in crop pixels, ratio-major; a ratio is height / width.

    The base area is stride * stride; sides are cut to whole numbers before scaling, as published models expect.
    """
    sizes = []
    for ratio in ratios:
        width = int(math.sqrt(stride * stride / ratio))
        height = int(width * ratio)
        sizes += [(width * scale, height * scale) for scale in scales]
    return np.array(sizes, dtype=np.float32)


def anchor_grid(sizes_wh: NDArray[np.float32], grid: ResponseGrid) -> NDArray[np.float32]:
    """(k * side * side, 4) anchors cx, cy, w, h relative to the crop's center; anchor-major, then row, then column."""
    centers, count, side = grid_centers(grid), len(sizes_wh), grid.side
    anchors = np.empty((count, side, side, 4), dtype=np.float32)
    anchors[..., 0] = centers[None, None, :]
    anchors[..., 1] = centers[None, :, None]
    anchors[..., 2:] = sizes_wh[:, None, None, :]
    return anchors.reshape(-1, 4)


def grid_centers(grid: ResponseGrid) -> NDArray[np.float32]:
    """(side,) positions of the cells along one axis, relative to the crop's center."""
    return (np.arange(grid.side, dtype=np.float32) - grid.side // 2) * grid.stride + np.float32(grid.middle)


def point_grid(grid: ResponseGrid) -> NDArray[np.float32]:
    """(side * side, 2) points x, y relative to the crop's center, row by row."""
    centers = grid_centers(grid)
    return np.stack(np.meshgrid(centers, centers), axis=-1).reshape(-1, 2)


def encode_anchor_boxes(box_cxcywh: NDArray[np.floating], anchors_cxcywh: NDArray[np.float32]) -> NDArray[np.float32]:
    """(4, ...) dx, dy, dw, dh that turn each of (..., 4) anchors into the box (4,): the distance of the centers in
    anchor sizes, and the logarithm of the ratio of the sizes.
    """
    deltas = np.empty((4, *anchors_cxcywh.shape[:-1]), dtype=np.float32)
    for axis in range(2):
        size = anchors_cxcywh[..., axis + 2]
        deltas[axis] = (box_cxcywh[axis] - anchors_cxcywh[..., axis]) / size
        deltas[axis + 2] = np.log(max(box_cxcywh[axis + 2], SMALLEST_SIDE) / size)
    return deltas


def decode_anchor_boxes(deltas: NDArray[np.float32], anchors_cxcywh: NDArray[np.float32]) -> NDArray[np.float32]:
    """(..., 4) boxes cx, cy, w, h of (4, ...) deltas from (..., 4) anchors: the inverse of `encode_anchor_boxes`."""
    boxes = np.empty_like(anchors_cxcywh)
    for axis in range(2):
        boxes[..., axis] = deltas[axis] * anchors_cxcywh[..., axis + 2] + anchors_cxcywh[..., axis]
    with np.errstate(over="ignore"):  # a wild size becomes infinite, and its penalty then rules it out
        boxes[..., 2:] = np.moveaxis(np.exp(deltas[2:]), 0, -1) * anchors_cxcywh[..., 2:]
    return boxes


def encode_point_boxes(box_xyxy: NDArray[np.floating], points_xy: NDArray[np.float32]) -> NDArray[np.float32]:
    """(4, ...) distances from each of (..., 2) points to the left, top, right and bottom side of the box (4,)."""
    reach = np.concatenate([points_xy - box_xyxy[:2], box_xyxy[2:] - points_xy], axis=-1)
    return np.ascontiguousarray(np.moveaxis(reach, -1, 0), dtype=np.float32)


def decode_point_boxes(reach: NDArray[np.float32], points_xy: NDArray[np.float32]) -> NDArray[np.float32]:
    """(..., 4) corners of boxes with (4, ...) distances from (..., 2) points: the inverse of `encode_point_boxes`."""
    sides = np.moveaxis(reach, 0, -1)
    return np.concatenate([points_xy - sides[..., :2], points_xy + sides[..., 2:]], axis=-1)
