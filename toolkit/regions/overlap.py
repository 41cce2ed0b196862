"""Overlap (intersection over union) of rectangles and polygons, one pair or many at once.

Three modes, which differ by up to a pixel along the outline:

- `raster`: VOT's. Vertices are rounded (half away from zero) and every row is filled from node to node inclusively, so
  a 20 px wide rectangle covers 21 columns. Published VOT numbers since 2015 as PySOT computes them.
- `legacy`: VOT's older one. No rounding, half-open rows and columns.
- `exact`: continuous areas (even-odd rule where an outline crosses itself).

What the definitions leave open, the same in every mode: a NaN, infinite or larger than 1e18 coordinate, or two regions
without any area (a point, a line), give NaN; one region with an area and one without give 0. In the raster modes the
coordinates are first rounded to float32, as the reference stores them, and a window of more than 32768 px per side
(only possible without bounds) is measured exactly, where counting pixels would change less than 1e-4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toolkit.errors import RegionError
from toolkit.regions.backend import select
from toolkit.regions.boxes import box_corners
from toolkit.regions.masks import mask_overlap
from toolkit.regions.shapes import Mask, Region
from toolkit.regions.text import to_numbers

Mode: TypeAlias = Literal["raster", "legacy", "exact"]
Floats: TypeAlias = NDArray[np.float64]

_MODES = {"raster": 0, "legacy": 1, "exact": 2}
_EVERYWHERE = np.array([[-np.inf, -np.inf, np.inf, np.inf]])


def overlap_pairs(a: ArrayLike, b: ArrayLike, bounds: ArrayLike | None = None, mode: Mode = "raster") -> Floats:
    """Overlap of row k of `a` with row k of `b`.

    Args:
        a, b: (N, 4) boxes x, y, w, h or (N, 2 K) polygons x1, y1, ..., in pixels; the two may differ in kind.
        bounds: None, (width, height) of the image or (N, 2) of each image: only 0 <= x <= width, 0 <= y <= height
            counts (in pixels, column `width` included, as VOT does). Also (left, top, right, bottom), or (N, 4) of it.
        mode: `raster`, `legacy` or `exact`; see the module's text.

    Returns:
        (N,) float64 in [0, 1], NaN where a region has a NaN coordinate or neither has an area. The work is done
        without holding the interpreter lock, so threads run it in parallel.

    Raises:
        RegionError: an array of another shape, different N, or an unknown mode.

    Source: evaluation protocol of VOT, region overlap (rounded scan-line fill).
    """
    points_a, starts_a = _vertices(a, "a")
    points_b, starts_b = _vertices(b, "b")
    return measure(points_a, starts_a, points_b, starts_b, bounds, mode)


def overlap_ragged(
    a: Sequence[ArrayLike], b: Sequence[ArrayLike], bounds: ArrayLike | None = None, mode: Mode = "raster"
) -> Floats:
    """`overlap_pairs` for lists whose entries differ in length: boxes, polygons, and codes of length 1 (NaN).

    Returns (N,) float64. Raises `RegionError` when the lists differ in length or an entry is no region.
    """
    points_a, starts_a = _concatenate(a)
    points_b, starts_b = _concatenate(b)
    return measure(points_a, starts_a, points_b, starts_b, bounds, mode)


def region_overlap(
    a: Region, b: Region, bounds: tuple[float, float] | None = None, mode: Mode = "raster", ignore: Mask | None = None
) -> float:
    """Overlap of two regions of any kind, in [0, 1]; NaN when either is a code.

    Two rectangles or polygons are compared as by `overlap_pairs`; where a mask takes part or `ignore` is given, pixels
    are compared as by `mask_overlap` and `mode` must be `raster`. `bounds` is (width, height) of the image.

    Raises:
        RegionError: `legacy` or `exact` with a mask, or a region too large to rasterize.
    """
    if ignore is None and not isinstance(a, Mask) and not isinstance(b, Mask):
        return float(overlap_ragged([to_numbers(a)], [to_numbers(b)], bounds, mode)[0])
    if mode != "raster":
        raise RegionError(f"Masks have no '{mode}' overlap: use mode 'raster'.")
    return mask_overlap(a, b, bounds, ignore)


def measure(
    points_a: Floats,
    starts_a: NDArray[np.int64],
    points_b: Floats,
    starts_b: NDArray[np.int64],
    bounds: ArrayLike | None,
    mode: Mode,
) -> Floats:
    """The overlap of polygons given as vertices `points` (M, 2) and the index `starts` (N + 1,) where each begins."""
    if len(starts_a) != len(starts_b):
        raise RegionError(
            f"{len(starts_a) - 1} regions against {len(starts_b) - 1}: pass as many of one as of the other."
        )
    if mode not in _MODES:
        raise RegionError(f"Unknown overlap mode '{mode}': choose {', '.join(_MODES)}.")
    out = np.empty(len(starts_a) - 1)
    limits = _limits(bounds, len(out))
    if len(out):
        _, overlap_many = select()
        overlap_many(points_a, starts_a, points_b, starts_b, limits, _MODES[mode], out)
    return out


def rectangle_iou(a_xywh: ArrayLike, b_xywh: ArrayLike) -> Floats:
    """Continuous IoU of boxes, the one of success plots (no +1 convention).

    Args:
        a_xywh, b_xywh: (..., 4) x, y, w, h in pixels; broadcast against each other.

    Returns:
        (...) float64 in [0, 1]; NaN where a value is NaN or where the areas add up to 0.
    """
    a, b = np.asarray(a_xywh, np.float64), np.asarray(b_xywh, np.float64)
    for boxes in (a, b):
        if boxes.shape[-1:] != (4,):
            raise RegionError(f"Boxes have shape {boxes.shape}: expected (..., 4) with x, y, w, h.")
    corner = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    sides = np.maximum(corner - np.maximum(a[..., :2], b[..., :2]), 0.0)
    intersection = sides[..., 0] * sides[..., 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        iou = intersection / (a[..., 2] * a[..., 3] + b[..., 2] * b[..., 3] - intersection)
    return np.clip(iou, 0.0, 1.0)


def _vertices(rows: ArrayLike, name: str) -> tuple[Floats, NDArray[np.int64]]:
    values = _numbers(rows, f"Argument {name}")
    if values.ndim != 2 or not _is_region_length(values.shape[1]):
        raise RegionError(
            f"Argument {name} has shape {values.shape}: expected (N, 4) boxes or (N, 2 K) polygons, K >= 3."
        )
    points = (box_corners(values) if values.shape[1] == 4 else values).reshape(-1, 2)
    count = 4 if values.shape[1] == 4 else values.shape[1] // 2
    starts = np.arange(0, len(points) + 1, count, dtype=np.int64)
    return np.ascontiguousarray(points), starts


def _concatenate(regions: Sequence[ArrayLike]) -> tuple[Floats, NDArray[np.int64]]:
    lengths = np.array([_length(region, k) for k, region in enumerate(regions)], np.int64)
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(np.where(lengths <= 4, lengths, lengths // 2), out=starts[1:])
    points = np.full((int(starts[-1]), 2), np.nan)
    for length in set(lengths.tolist()) - {1}:
        rows = np.flatnonzero(lengths == length)
        group: Any = [regions[k] for k in rows.tolist()]
        values = _numbers(group, f"One of the regions of {length} numbers")
        if values.ndim != 2:
            raise RegionError(f"Region {rows[0]} is an array of {values.ndim - 1} dimensions: expected a flat one.")
        outlines = box_corners(values) if length == 4 else values.reshape(len(rows), -1, 2)
        points[starts[rows][:, None] + np.arange(outlines.shape[1])] = outlines
    return points, starts


def _length(region: ArrayLike, index: int) -> int:
    try:
        count = len(region)  # type: ignore[arg-type]
    except TypeError:
        count = 0
    if count != 1 and not _is_region_length(count):
        raise RegionError(f"Region {index} has {count} numbers: expected 1 (a code), 4 or 2 K with K >= 3.")
    return count


def _numbers(values: ArrayLike, name: str) -> Floats:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise RegionError(
            f"{name} is not an array of numbers ({error}): pass x, y, w, h or x1, y1, x2, y2, ..."
        ) from error


def _is_region_length(count: int) -> bool:
    return count == 4 or (count >= 6 and count % 2 == 0)


def _limits(bounds: ArrayLike | None, n: int) -> Floats:
    """(1, 4) or (n, 4) left, top, right, bottom."""
    if bounds is None:
        return _EVERYWHERE
    values = _numbers(bounds, "Argument bounds")
    values = values[None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[1] not in (2, 4) or len(values) not in (1, n) or np.isnan(values).any():
        raise RegionError(
            f"Argument bounds has shape {np.shape(bounds)}: expected (width, height) or ({n}, 2), or left, top, right, "
            "bottom as 4 numbers or (N, 4), without NaN."
        )
    limits = np.zeros((len(values), 4))
    limits[:, 4 - values.shape[1] :] = values
    return limits
