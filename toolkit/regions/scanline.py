"""Raster and legacy overlap in numba: the scan-line half of csrc/region.cpp, operation for operation.

Vertices are float64 pixels. See csrc/region.h for the modes and `toolkit.regions.overlap` for the definitions. No
function here calls one of another file: numba's on-disk cache would not see that the other file has changed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Starts = NDArray[np.int64]
Box = tuple[float, float, float, float]  # left, top, right, bottom

TOO_LARGE = -1.0
"""Stands in the result for a pair whose window is too large to be counted."""

_LARGEST_NODE = 1073741824.0  # 2^30: a column number that always fits an int32
_LARGEST_WINDOW = 32768.0  # px per side; pixel counts then fit an int32
_SMALLEST_AREA_RATIO = 1e-10
_HELPER: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "no_cpython_wrapper": True}


@njit(**_HELPER)
def _as_float(v: float) -> float:
    """VOT's C code stores coordinates as float: the rounding decides which pixel a border belongs to."""
    return np.float64(np.float32(v))


@njit(**_HELPER)
def _round_half_away(v: float) -> float:
    return np.floor(v + 0.5) if v >= 0.0 else np.ceil(v - 0.5)


@njit(**_HELPER)
def _bounding_box(xy: Floats) -> Box:
    left = right = _as_float(xy[0, 0])
    top = bottom = _as_float(xy[0, 1])
    for k in range(1, xy.shape[0]):
        x, y = _as_float(xy[k, 0]), _as_float(xy[k, 1])
        left, right = min(left, x), max(right, x)
        top, bottom = min(top, y), max(bottom, y)
    return left, top, right, bottom


@njit(**_HELPER)
def _crop(box: Box, bounds: Floats, legacy: bool) -> Box:
    left, top, right, bottom = box
    if not legacy:
        left, top, right, bottom = np.floor(left), np.floor(top), np.ceil(right), np.ceil(bottom)
    return max(left, bounds[0]), max(top, bounds[1]), min(right, bounds[2]), min(bottom, bounds[3])


@njit(**_HELPER)
def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


@njit(**_HELPER)
def _apart(a: Box, b: Box) -> bool:
    """Whether the reference calls two boxes apart: the overlap is then 0 without looking at a pixel.

    Its ratio, signs and all: a box outside the bounds has negative sides. Two boxes without an area have none (NaN).
    """
    both = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
    return bool(both / (_area(a) + _area(b) - both) <= 0.0)


@njit(**_HELPER)
def _place(xy: Floats, left: float, top: float, legacy: bool) -> tuple[Floats, Floats]:
    """Vertices in the coordinates of the raster window."""
    xs, ys = np.empty(xy.shape[0]), np.empty(xy.shape[0])
    for k in range(xy.shape[0]):
        x, y = _as_float(xy[k, 0]) - left, _as_float(xy[k, 1]) - top
        xs[k] = x if legacy else _round_half_away(x)
        ys[k] = y if legacy else _round_half_away(y)
    return xs, ys


@njit(**_HELPER)
def _extent(ys: Floats) -> tuple[float, float]:
    top = bottom = ys[0]
    for y in ys:
        top, bottom = min(top, y), max(bottom, y)
    return top, bottom


@njit(**_HELPER)
def _two_chains(xs: Floats, ys: Floats) -> bool:
    """Whether the outline is one chain of edges going down and one going up, so that a row holds one span.

    A horizontal edge on the way would add a third node to its row; at the top or bottom it adds none.
    """
    top, bottom = _extent(ys)
    changes, first_sign, sign = 0, 0, 0
    j = len(xs) - 1
    for i in range(len(xs)):
        if abs(xs[i]) > _LARGEST_NODE:
            return False
        if ys[i] == ys[j]:
            if xs[i] != xs[j] and ys[i] != top and ys[i] != bottom:
                return False
        else:
            now = 1 if ys[i] > ys[j] else -1
            if first_sign == 0:
                first_sign = now
            if sign != 0 and now != sign:
                changes += 1
            sign = now
        j = i
    if sign != first_sign:
        changes += 1
    return changes == 2


@njit(**_HELPER)
def _row_range(top: float, bottom: float, legacy: bool, height: int) -> tuple[int, int]:
    """Rows [first, end) of the window that an edge crosses: both ends included, in legacy mode without the top."""
    first = np.floor(top) + 1.0 if legacy else top
    end = np.floor(bottom) + 1.0
    return int(min(max(first, 0.0), float(height))), int(min(max(end, 0.0), float(height)))


@njit(**_HELPER)
def _fill_columns(xs: Floats, ys: Floats, legacy: bool, height: int, down: Ints, up: Ints) -> tuple[int, int]:
    """Writes the two nodes of every row of a two-chain shape; returns the rows [first, end) written."""
    j = len(xs) - 1
    for i in range(len(xs)):
        if ys[i] != ys[j]:
            first, end = _row_range(min(ys[i], ys[j]), max(ys[i], ys[j]), legacy, height)
            part = (down if ys[i] > ys[j] else up)[first:end]
            xi, yi, dx, dy = xs[i], ys[i], xs[j] - xs[i], ys[j] - ys[i]
            for k in range(len(part)):
                part[k] = np.int32(xi + (np.float64(first + k) - yi) / dy * dx)
        j = i
    top, bottom = _extent(ys)
    return _row_range(top, bottom, legacy, height)


@njit(**_HELPER)
def _finish_spans(left: Ints, right: Ints, first: int, end: int, width: int, legacy: bool) -> int:
    """Turns two unordered nodes per row into a clipped inclusive span (right < left where empty), counts its pixels."""
    total = 0
    shrink, edge = np.int32(legacy), np.int32(width - 1)
    left, right = left[first:end], right[first:end]
    for k in range(len(left)):
        low, high = min(left[k], right[k]), max(left[k], right[k])
        start = max(low, np.int32(0))
        stop = np.int32(-1) if low == high else min(np.int32(high - shrink), edge)
        left[k], right[k] = start, stop
        total += int(max(np.int32(stop - start + 1), np.int32(0)))
    return total


@njit(**_HELPER)
def _count_two_chains(
    xa: Floats, ya: Floats, xb: Floats, yb: Floats, legacy: bool, width: int, height: int, columns: Ints
) -> float:
    al, ar, bl, br = columns[0], columns[1], columns[2], columns[3]
    first_a, end_a = _fill_columns(xa, ya, legacy, height, al, ar)
    first_b, end_b = _fill_columns(xb, yb, legacy, height, bl, br)
    pixels_a = _finish_spans(al, ar, first_a, end_a, width, legacy)
    pixels_b = _finish_spans(bl, br, first_b, end_b, width, legacy)
    rows = slice(max(first_a, first_b), min(end_a, end_b))
    al, ar, bl, br = al[rows], ar[rows], bl[rows], br[rows]
    both = 0
    for k in range(len(al)):
        both += int(max(np.int32(min(ar[k], br[k]) - max(al[k], bl[k]) + 1), np.int32(0)))
    return both / (pixels_a + pixels_b - both)


@njit(**_HELPER)
def _insert(nodes: Ints, count: int, node: int) -> None:
    """Puts `node` in its place among the `count` sorted ones."""
    k = count
    while k > 0 and nodes[k - 1] > node:
        nodes[k] = nodes[k - 1]
        k -= 1
    nodes[k] = node


@njit(**_HELPER)
def _find_nodes(xs: Floats, ys: Floats, row: float, legacy: bool, nodes: Ints) -> int:
    """Sorted columns where the outline crosses one row. A vertex on the row counts for both of its edges (raster)."""
    count = 0
    j = len(xs) - 1
    for i in range(len(xs)):
        top, bottom = min(ys[i], ys[j]), max(ys[i], ys[j])
        if not (top == bottom or row > bottom or row < top or (legacy and row == top)):
            x = xs[i] + (row - ys[i]) / (ys[j] - ys[i]) * (xs[j] - xs[i])
            _insert(nodes, count, np.int32(min(max(x, -_LARGEST_NODE), _LARGEST_NODE)))
            count += 1
        j = i
    return count


@njit(**_HELPER)
def _pair_nodes(nodes: Ints, count: int, legacy: bool, width: int, spans: Ints) -> tuple[int, int]:
    """Pairs the nodes of a row into disjoint inclusive spans inside the window: number of spans, number of pixels."""
    spans_count, total, i = 0, 0, 0
    while i + 1 < count:
        if not legacy and nodes[i] == nodes[i + 1]:
            i += 1
            continue
        left = max(nodes[i], 0)
        right = min(nodes[i + 1] - (1 if legacy else 0), width - 1)
        if spans_count > 0:
            left = max(left, spans[spans_count - 1, 1] + 1)
        if left <= right:
            spans[spans_count, 0], spans[spans_count, 1] = left, right
            spans_count += 1
            total += right - left + 1
        i += 2
    return spans_count, total


@njit(**_HELPER)
def _common_pixels(a: Ints, count_a: int, b: Ints, count_b: int) -> int:
    total, i, j = 0, 0, 0
    while i < count_a and j < count_b:
        total += max(min(a[i, 1], b[j, 1]) - max(a[i, 0], b[j, 0]) + 1, 0)
        if a[i, 1] < b[j, 1]:
            i += 1
        else:
            j += 1
    return total


@njit(**_HELPER)
def _count_any(xa: Floats, ya: Floats, xb: Floats, yb: Floats, legacy: bool, width: int, height: int) -> float:
    nodes = np.empty(max(len(xa), len(xb)), np.int32)
    spans_a, spans_b = np.empty((len(xa), 2), np.int32), np.empty((len(xb), 2), np.int32)
    pixels_a, pixels_b, both = 0, 0, 0
    for row in range(height):
        count = _find_nodes(xa, ya, float(row), legacy, nodes)
        count_a, pixels = _pair_nodes(nodes, count, legacy, width, spans_a)
        pixels_a += pixels
        count = _find_nodes(xb, yb, float(row), legacy, nodes)
        count_b, pixels = _pair_nodes(nodes, count, legacy, width, spans_b)
        pixels_b += pixels
        both += _common_pixels(spans_a, count_a, spans_b, count_b)
    return both / (pixels_a + pixels_b - both)


@njit(cache=True, nogil=True, error_model="numpy")
def paint(xy: Floats, bits: NDArray[np.bool_]) -> None:
    """Sets the pixels of `bits` (h, w) that the polygon `xy` (K, 2), whole pixels of `bits`, covers for VOT's masks.

    As the raster mode fills a row, but a horizontal edge is a node too, and two nodes in one column set their pixel:
    tips and lines are seen.
    """
    xs, ys = np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])
    nodes = np.empty(len(xs), np.int32)
    for row in range(bits.shape[0]):
        count = _find_nodes(xs, ys, float(row), False, nodes)
        for k in range(len(xs)):
            if ys[k] == row and ys[k - 1] == row:
                _insert(nodes, count, np.int32(min(max(xs[k], -_LARGEST_NODE), _LARGEST_NODE)))
                count += 1
        k = 0
        while k + 1 < count:
            left, right = max(nodes[k], 0), min(nodes[k + 1], bits.shape[1] - 1)
            if left <= right:
                bits[row, left : right + 1] = True
            k += 1 if nodes[k] == nodes[k + 1] else 2


@njit(**_HELPER)
def _overlap(a: Floats, b: Floats, bounds: Floats, legacy: bool, columns: Ints) -> tuple[float, Ints]:
    """Overlap of one pair, and the row buffer, which grows with the tallest window met."""
    box_a, box_b = _crop(_bounding_box(a), bounds, legacy), _crop(_bounding_box(b), bounds, legacy)
    left, top = min(box_a[0], box_b[0]), min(box_a[1], box_b[1])
    width = np.trunc(max(box_a[2], box_b[2]) - left) + 1.0
    height = np.trunc(max(box_a[3], box_b[3]) - top) + 1.0
    area_a, area_b = _area(box_a), _area(box_b)
    incomparable = area_a / area_b < _SMALLEST_AREA_RATIO or area_b / area_a < _SMALLEST_AREA_RATIO
    if incomparable or width < 1.0 or height < 1.0 or _apart(box_a, box_b):
        return 0.0, columns
    if width > _LARGEST_WINDOW or height > _LARGEST_WINDOW:
        return TOO_LARGE, columns
    xa, ya = _place(a, left, top, legacy)
    xb, yb = _place(b, left, top, legacy)
    if not (_two_chains(xa, ya) and _two_chains(xb, yb)):
        return _count_any(xa, ya, xb, yb, legacy, int(width), int(height)), columns
    if columns.shape[1] < height:
        columns = np.empty((4, int(height)), np.int32)
    return _count_two_chains(xa, ya, xb, yb, legacy, int(width), int(height), columns), columns


@njit(cache=True, nogil=True, error_model="numpy")
def count_pixels(
    points_a: Floats,
    starts_a: Starts,
    points_b: Floats,
    starts_b: Starts,
    bounds: Floats,
    which: Starts,
    legacy: bool,
    out: Floats,
) -> None:
    """Rasterized overlap of the pairs numbered in `which` into their places of `out`; see `kernels.overlap_many`."""
    columns = np.empty((4, 512), np.int32)
    for k in which:
        a, b = points_a[starts_a[k] : starts_a[k + 1]], points_b[starts_b[k] : starts_b[k + 1]]
        limits = bounds[0] if len(bounds) == 1 else bounds[k]
        out[k], columns = _overlap(a, b, limits, legacy, columns)
