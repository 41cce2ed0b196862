"""Exact overlap in numba: the strip-sweep half of csrc/region.cpp, operation for operation.

Vertices are float64 pixels. See csrc/region.h for the modes and `toolkit.regions.overlap` for the definitions. No
function here calls one of another file: numba's on-disk cache would not see that the other file has changed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Starts = NDArray[np.int64]

_HELPER: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "no_cpython_wrapper": True}


@njit(**_HELPER)
def _add_edges(xy: Floats, owner: int, edges: Floats, owners: Ints, count: int) -> int:
    """Appends x0, y0, x1, y1 (y0 < y1) of every edge that is not horizontal."""
    j = xy.shape[0] - 1
    for i in range(xy.shape[0]):
        if xy[i, 1] != xy[j, 1]:
            upper, lower = (i, j) if xy[i, 1] < xy[j, 1] else (j, i)
            edges[count, 0], edges[count, 1] = xy[upper, 0], xy[upper, 1]
            edges[count, 2], edges[count, 3] = xy[lower, 0], xy[lower, 1]
            owners[count] = owner
            count += 1
        j = i
    return count


@njit(**_HELPER)
def _crossing_y(e: Floats, f: Floats) -> float:
    """The y at which two edges cross, NaN where they do not."""
    ex, ey, fx, fy = e[2] - e[0], e[3] - e[1], f[2] - f[0], f[3] - f[1]
    cross = ex * fy - ey * fx
    if cross == 0.0:
        return np.nan
    gx, gy = f[0] - e[0], f[1] - e[1]
    t, u = (gx * fy - gy * fx) / cross, (gx * ey - gy * ex) / cross
    return e[1] + t * ey if t > 0.0 and t < 1.0 and u > 0.0 and u < 1.0 else np.nan


@njit(**_HELPER)
def _add_event(y: float, bounds: Floats, events: Floats, count: int) -> tuple[Floats, int]:
    if not (y > bounds[1] and y < bounds[3]):
        return events, count
    if count == len(events):
        grown = np.empty(2 * count)
        for k in range(count):
            grown[k] = events[k]
        events = grown
    events[count] = y
    return events, count + 1


@njit(**_HELPER)
def _sort(values: Floats | Ints, count: int) -> None:
    """Shell sort of the first `count` values, in place: compiles ten times faster than numba's own sort."""
    gap = count // 2
    while gap > 0:
        for i in range(gap, count):
            value, k = values[i], i
            while k >= gap and values[k - gap] > value:
                values[k] = values[k - gap]
                k -= gap
            values[k] = value
        gap //= 2


@njit(**_HELPER)
def _find_events(bounds: Floats, edges: Floats) -> Floats:
    """Every y at which the order of the edges along a row can change, sorted."""
    events, count = np.empty(64), 0
    for side in (1, 3):
        if math.isfinite(bounds[side]):
            events[count] = bounds[side]
            count += 1
    for i in range(len(edges)):
        e = edges[i]
        events, count = _add_event(e[1], bounds, events, count)
        events, count = _add_event(e[3], bounds, events, count)
        for side in (0, 2):
            x = bounds[side]
            if min(e[0], e[2]) < x and x < max(e[0], e[2]):
                y = e[1] + (x - e[0]) / (e[2] - e[0]) * (e[3] - e[1])
                events, count = _add_event(y, bounds, events, count)
        for j in range(i):
            if e[1] < edges[j, 3] and edges[j, 1] < e[3]:
                events, count = _add_event(_crossing_y(e, edges[j]), bounds, events, count)
    _sort(events, count)
    return events[:count]


@njit(**_HELPER)
def _find_active(edges: Floats, owners: Ints, y: float, bounds: Floats, xs: Floats, active: Ints) -> int:
    """Edges crossing the row y, from left to right, clipped to the bounds."""
    count = 0
    for i in range(len(edges)):
        e = edges[i]
        if e[1] > y or e[3] <= y:
            continue
        x = min(max(e[0] + (y - e[1]) / (e[3] - e[1]) * (e[2] - e[0]), bounds[0]), bounds[2])
        k = count
        while k > 0 and xs[k - 1] > x:
            xs[k], active[k] = xs[k - 1], active[k - 1]
            k -= 1
        xs[k], active[k] = x, owners[i]
        count += 1
    return count


@njit(**_HELPER)
def _areas(a: Floats, b: Floats, bounds: Floats) -> tuple[float, float]:
    """Areas of intersection and union, even-odd rule.

    Between two events no edges cross, so a strip is a row of trapezoids whose area is its mid-height width times its
    height. Sums of positive terms only: no cancellation, and a polygon against itself gives exactly 1.
    """
    edges, owners = np.empty((len(a) + len(b), 4)), np.empty(len(a) + len(b), np.int32)
    count = _add_edges(a, 1, edges, owners, 0)
    count = _add_edges(b, 2, edges, owners, count)
    edges = edges[:count]
    xs, active = np.empty(count), np.empty(count, np.int32)
    events = _find_events(bounds, edges)
    both, either = 0.0, 0.0
    for k in range(len(events) - 1):
        height = events[k + 1] - events[k]
        if height <= 0.0:
            continue
        count = _find_active(edges, owners, events[k] + 0.5 * height, bounds, xs, active)
        inside = 0
        for i in range(count - 1):
            inside ^= active[i]
            area = (xs[i + 1] - xs[i]) * height
            if inside == 3:
                both += area
            if inside != 0:
                either += area
    return both, either


@njit(**_HELPER)
def _overlap(a: Floats, b: Floats, bounds: Floats) -> float:
    if not (bounds[0] < bounds[2] and bounds[1] < bounds[3]):
        return 0.0
    both, either = _areas(a, b, bounds)
    if either > 0.0:
        return both / either
    # Nothing inside the bounds is no overlap; nothing anywhere is no answer.
    return 0.0 if _areas(a, b, np.array([-np.inf, -np.inf, np.inf, np.inf]))[1] > 0.0 else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def measure_areas(
    points_a: Floats, starts_a: Starts, points_b: Floats, starts_b: Starts, bounds: Floats, which: Starts, out: Floats
) -> None:
    """Exact overlap of the pairs numbered in `which` into their places of `out`; see `kernels.overlap_many`."""
    for k in which:
        a, b = points_a[starts_a[k] : starts_a[k + 1]], points_b[starts_b[k] : starts_b[k + 1]]
        out[k] = _overlap(a, b, bounds[0] if len(bounds) == 1 else bounds[k])
