"""Closed outlines as point lists, and their exact rasters.

Coordinates are continuous image pixels with pixel (column, row) covering [column, column + 1) x [row, row + 1), so
that the box of a mask (first column, first row, width, height) and of its outline agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from toolkit.synthetic.texture import Rng

Points: TypeAlias = NDArray[np.float64]
"""(K, 2) float64 x, y."""


def ellipse(center: tuple[float, float], radii: tuple[float, float], count: int = 32) -> Points:
    """An axis-aligned ellipse as `count` points."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([center[0] + radii[0] * np.cos(angle), center[1] + radii[1] * np.sin(angle)], axis=1)


def rounded(corners: Iterable[tuple[float, float]] | Points, radius: float = 0.2, arc: int = 5) -> Points:
    """A polygon with rounded corners: each corner becomes a quadratic curve of `arc` points.

    `radius` is the share (0..0.5) of the adjoining edges that the curve takes.
    """
    points = np.asarray(list(corners), np.float64)
    before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    start, end = points + radius * (before - points), points + radius * (after - points)
    t = np.linspace(0, 1, arc)[:, None, None]
    curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * points + t**2 * end
    return np.asarray(curve.transpose(1, 0, 2).reshape(-1, 2))


def rounded_box(left: float, top: float, right: float, bottom: float, radius: float = 0.2) -> Points:
    """A rectangle with rounded corners."""
    return densify(rounded([(left, top), (right, top), (right, bottom), (left, bottom)], radius))


def blob(rng: Rng, roughness: float = 0.25, waves: int = 4, count: int = 48) -> Points:
    """An irregular closed shape of mean radius 0.5: a circle whose radius varies by random low harmonics."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radius = np.ones(count)
    for wave in range(2, 2 + waves):
        radius += roughness * rng.uniform(0.2, 1) / wave * 2 * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
    radius = 0.5 * np.maximum(radius, 0.3)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def star(points: int, depth: float, turn: float = 0.0) -> Points:
    """A star with `points` tips of radius 0.5 and valleys at radius 0.5 * `depth`, corners slightly rounded."""
    angle = turn + np.arange(2 * points) * np.pi / points
    radius = np.where(np.arange(2 * points) % 2 == 0, 0.5, 0.5 * depth)
    return densify(rounded(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), 0.2, 4))


def densify(points: Points, longest: float = 0.08) -> Points:
    """The same outline with extra points, no edge longer than `longest`, so that bending keeps it true."""
    edges = np.roll(points, -1, axis=0) - points
    pieces = np.maximum(np.ceil(np.hypot(edges[:, 0], edges[:, 1]) / longest).astype(int), 1)
    parts = [p + e * (np.arange(n) / n)[:, None] for p, e, n in zip(points, edges, pieces, strict=True)]
    return np.concatenate(parts)


def bounds(outlines: Iterable[Points]) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) around all outlines."""
    points = np.concatenate(list(outlines))
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def rasterize(outlines: Iterable[Points], x: int, y: int, width: int, height: int) -> NDArray[np.bool_]:
    """The pixels whose center lies inside any outline (even-odd rule per outline), in a window of the image.

    Returns (height, width) bool; element [0, 0] is image pixel (x, y).
    """
    mask = np.zeros((height, width), bool)
    for points in outlines:
        mask |= _rasterize_one(points, x, y, width, height)
    return mask


def _rasterize_one(points: Points, x: int, y: int, width: int, height: int) -> NDArray[np.bool_]:
    """Marks where each scan line through the pixel centers crosses an edge; the running parity is the inside."""
    after = np.roll(points, -1, axis=0)
    centers = y + np.arange(height)[:, None] + 0.5
    crosses = (points[:, 1] <= centers) != (after[:, 1] <= centers)
    rows, edges = np.nonzero(crosses)
    start, end = points[edges], after[edges]
    at = start[:, 0] + (centers[rows, 0] - start[:, 1]) * (end[:, 0] - start[:, 0]) / (end[:, 1] - start[:, 1])
    columns = np.clip(np.ceil(at - 0.5 - x), 0, width).astype(int)
    flips = np.bincount(rows * (width + 1) + columns, minlength=height * (width + 1)).reshape(height, width + 1)
    return np.asarray(np.cumsum(flips, axis=1)[:, :width] % 2 == 1)


def clipped_extremes(points: Points, size: tuple[int, int]) -> Points:
    """Points whose box is the tight box of the outline's part inside the image of `size` (width, height).

    They are the ends of every edge cut to the image (Liang and Barsky 1984) and the image corners inside the outline;
    (0, 2) when nothing of it is inside.
    """
    start, step = points, np.roll(points, -1, axis=0) - points
    enter, leave = np.zeros(len(points)), np.ones(len(points))
    for axis in (0, 1):
        with np.errstate(divide="ignore", invalid="ignore"):
            at = np.sort(np.stack([-start[:, axis], size[axis] - start[:, axis]]) / step[:, axis], axis=0)
        within = (start[:, axis] >= 0) & (start[:, axis] <= size[axis])
        parallel = step[:, axis] == 0
        enter = np.maximum(enter, np.where(parallel, np.where(within, 0.0, 2.0), at[0]))
        leave = np.minimum(leave, np.where(parallel, 1.0, at[1]))
    kept = enter <= leave
    ends = [start[kept] + step[kept] * t[kept, None] for t in (enter, leave)]
    corners = np.array([(0, 0), (size[0], 0), (size[0], size[1]), (0, size[1])], np.float64)
    return np.concatenate([*ends, corners[[_holds(points, corner) for corner in corners]]])


def _holds(points: Points, place: Points) -> bool:
    """Whether the outline holds the point (2,), by the even-odd rule."""
    after = np.roll(points, -1, axis=0)
    crosses = (points[:, 1] <= place[1]) != (after[:, 1] <= place[1])
    start, end = points[crosses], after[crosses]
    at = start[:, 0] + (place[1] - start[:, 1]) * (end[:, 0] - start[:, 0]) / (end[:, 1] - start[:, 1])
    return bool(np.count_nonzero(at > place[0]) % 2)
