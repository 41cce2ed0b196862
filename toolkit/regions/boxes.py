"""From region to box and back, under the conventions VOT and PySOT use."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toolkit.errors import RegionError
from toolkit.regions.shapes import Mask, Polygon, Rectangle, Region

Floats = NDArray[np.float64]


def bounding_box(region: Region) -> Floats:
    """Smallest axis-aligned box around a region, (4,) x, y, w, h in pixels.

    Of a polygon the continuous one (`w = xmax - xmin`); of a mask the box of its set pixels, whose width counts
    columns. A code and an empty mask have none: four NaN, as an absent target has in a ground truth.
    """
    if isinstance(region, Rectangle):
        return np.array([region.x, region.y, region.width, region.height], np.float64)
    if isinstance(region, Polygon):
        low = region.points.min(axis=0)
        return np.concatenate([low, region.points.max(axis=0) - low])
    extent = mask_extent(region) if isinstance(region, Mask) else None
    if extent is None:
        return np.full(4, np.nan)
    left, top, right, bottom = extent
    return np.array([left, top, right - left + 1, bottom - top + 1], np.float64)


def mask_extent(mask: Mask) -> tuple[int, int, int, int] | None:
    """First and last column and row with a set pixel: left, top, right, bottom in image pixels; None when empty."""
    columns, rows = np.flatnonzero(mask.bits.any(axis=0)), np.flatnonzero(mask.bits.any(axis=1))
    if not len(columns):
        return None
    return mask.x + int(columns[0]), mask.y + int(rows[0]), mask.x + int(columns[-1]), mask.y + int(rows[-1])


def corners_to_boxes(corners: Floats) -> Floats:
    """(N, 4) left, top, right, bottom -> x, y, w, h."""
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)


def box_corners(boxes_xywh: Floats) -> Floats:
    """(N, 4) boxes x, y, w, h -> (N, 4, 2) vertices of x ... x + w, y ... y + h, clockwise from the top left.

    This is how the overlap sees a rectangle (docs/evaluation.md, With restarts); VOT's annotations are
    `polygon_from_box`.
    """
    points = np.empty((len(boxes_xywh), 4, 2))
    points[:, 0] = points[:, 1] = points[:, 3] = boxes_xywh[:, :2]
    points[:, 2] = boxes_xywh[:, :2] + boxes_xywh[:, 2:]
    points[:, 1, 0], points[:, 3, 1] = points[:, 2, 0], points[:, 2, 1]
    return points


def polygon_from_box(boxes_xywh: ArrayLike) -> Floats:
    """VOT's ground-truth polygon of a 4-number annotation: (..., 4) x, y, w, h -> (..., 8) x1, y1, ..., x4, y4.

    The corners are (x, y), (x, y+h-1), (x+w-1, y+h-1), (x+w-1, y): centers of the corner pixels of a box of w by h
    pixels. (VOT supervised protocol, as PySOT's test script does it.)
    """
    x, y, w, h = np.moveaxis(_check_last(boxes_xywh, 4), -1, 0)
    right, bottom = x + w - 1, y + h - 1
    return np.stack([x, y, x, bottom, right, bottom, right, y], axis=-1)


def area_preserving_box(region: ArrayLike) -> Floats:
    """Axis-aligned box of about a quadrilateral's area: PySOT's `get_axis_aligned_bbox`.

    Args:
        region: (..., 8) polygons x1, y1, ..., x4, y4, or (..., 4) boxes x, y, w, h, in pixels.

    Returns:
        (..., 4) cx, cy, w, h. Of a polygon: the mean of its vertices, and the sides of its bounding box, scaled so
        that their area is |p1 p2| |p2 p3|, plus 1. Of a box: (x + w/2, y + h/2) and its size, unchanged.

    Raises:
        RegionError: another number of values.
    """
    values = np.asarray(region, np.float64)
    if values.shape[-1:] == (4,):
        return np.concatenate([values[..., :2] + values[..., 2:] / 2, values[..., 2:]], axis=-1)
    points = _check_last(values, 8).reshape(*values.shape[:-1], 4, 2)
    sides = np.linalg.norm(np.diff(points[..., :3, :], axis=-2), axis=-1)
    extent = points.max(axis=-2) - points.min(axis=-2)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sqrt(sides.prod(axis=-1) / extent.prod(axis=-1))
    return np.concatenate([points.mean(axis=-2), scale[..., None] * extent + 1], axis=-1)


def initial_box(region: ArrayLike) -> Floats:
    """The box a tracker is started with, from 4 or 8 numbers of ground truth: (..., 4) x, y, w, h.

    It is `area_preserving_box` with the top-left corner at (cx - (w-1)/2, cy - (h-1)/2), as PySOT's test script passes
    it to `init`. A 4-number input therefore comes back half a pixel to the right and below.
    """
    box = area_preserving_box(region)
    return np.concatenate([box[..., :2] - (box[..., 2:] - 1) / 2, box[..., 2:]], axis=-1)


def _check_last(values: ArrayLike, count: int) -> Floats:
    array = np.asarray(values, np.float64)
    if array.shape[-1:] != (count,):
        wanted = "(..., 8) polygons or (..., 4) boxes" if count == 8 else "(..., 4) boxes x, y, w, h"
        raise RegionError(f"The region has shape {array.shape}: expected {wanted}.")
    return array


def bounding_boxes(regions: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 4) xywh boxes of (N, 4) boxes or (N, 8) polygons; rows of NaN stay NaN."""
    if regions.shape[1] == 4:
        return regions
    points = regions.reshape(len(regions), -1, 2)
    low, high = points.min(axis=1), points.max(axis=1)
    return np.concatenate([low, high - low], axis=1)
