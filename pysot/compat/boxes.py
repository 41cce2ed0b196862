"""PySOT's box helpers: corners, centers and the rectangles of VOT's regions."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolkit.regions.boxes import area_preserving_box

Corner = namedtuple("Corner", "x1 y1 x2 y2")
"""Left, top, right, bottom."""
BBox = Corner
Center = namedtuple("Center", "x y w h")
"""Center and size."""


def corner2center(corner: Any) -> Any:
    """Center and size of x1, y1, x2, y2, each a number or an array; a `Center` of a `Corner`, else a tuple."""
    x1, y1, x2, y2 = corner[0], corner[1], corner[2], corner[3]
    center = Center((x1 + x2) * 0.5, (y1 + y2) * 0.5, x2 - x1, y2 - y1)
    return center if isinstance(corner, Corner) else tuple(center)


def center2corner(center: Any) -> Any:
    """Corners of x, y, w, h, each a number or an array; a `Corner` of a `Center`, else a tuple."""
    x, y, w, h = center[0], center[1], center[2], center[3]
    corner = Corner(x - w * 0.5, y - h * 0.5, x + w * 0.5, y + h * 0.5)
    return corner if isinstance(center, Center) else tuple(corner)


def IoU(rect1: Any, rect2: Any) -> Any:  # noqa: N802
    """Intersection over union of x1, y1, x2, y2, each a number or an array."""
    width = np.minimum(rect1[2], rect2[2]) - np.maximum(rect1[0], rect2[0])
    height = np.minimum(rect1[3], rect2[3]) - np.maximum(rect1[1], rect2[1])
    shared = np.maximum(0, width) * np.maximum(0, height)
    areas = [(rect[2] - rect[0]) * (rect[3] - rect[1]) for rect in (rect1, rect2)]
    return shared / (areas[0] + areas[1] - shared)


def cxy_wh_2_rect(pos: Any, sz: Any) -> NDArray[Any]:
    """(4,) x, y, w, h, 0-based, of a center and a size."""
    return np.array([pos[0] - sz[0] / 2, pos[1] - sz[1] / 2, sz[0], sz[1]])


def rect_2_cxy_wh(rect: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Center (2,) and size (2,) of x, y, w, h, 0-based."""
    return np.array([rect[0] + rect[2] / 2, rect[1] + rect[3] / 2]), np.array([rect[2], rect[3]])


def cxy_wh_2_rect1(pos: Any, sz: Any) -> NDArray[Any]:
    """(4,) x, y, w, h, 1-based, of a 0-based center and a size."""
    return np.add(cxy_wh_2_rect(pos, sz), (1, 1, 0, 0))


def rect1_2_cxy_wh(rect: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """0-based center (2,) and size (2,) of x, y, w, h, 1-based."""
    center, size = rect_2_cxy_wh(rect)
    return center - 1, size


def get_axis_aligned_bbox(region: NDArray[Any]) -> tuple[float, float, float, float]:
    """cx, cy, w, h of an upright box of about the area of `region`: 8 numbers of a polygon, or 4 of a box."""
    cx, cy, w, h = area_preserving_box(np.asarray(region).ravel()).tolist()
    return cx, cy, w, h


def get_min_max_bbox(region: NDArray[Any]) -> tuple[float, float, float, float]:
    """cx, cy, w, h of `region`: of a polygon the mean of its vertices and the size of the box around it."""
    values = np.asarray(region, dtype=np.float64).ravel()
    if len(values) != 8:
        return get_axis_aligned_bbox(values)
    points = values.reshape(4, 2)
    (cx, cy), (w, h) = points.mean(axis=0).tolist(), np.ptp(points, axis=0).tolist()
    return cx, cy, w, h
