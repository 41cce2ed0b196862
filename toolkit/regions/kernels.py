"""`overlap_many` of the native extension, on numba: for machines without a compiler, with the same bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.regions.scanline import TOO_LARGE, count_pixels
from toolkit.regions.sweep import measure_areas

Floats = NDArray[np.float64]
Starts = NDArray[np.int64]

_LEGACY, _EXACT = 1, 2
_LARGEST_COORDINATE = 1e18  # beyond it, products of coordinates leave the range of float32


def overlap_many(
    points_a: Floats, starts_a: Starts, points_b: Floats, starts_b: Starts, bounds: Floats, mode: int, out: Floats
) -> None:
    """Overlap of n pairs of polygons into `out` (n,), without holding the interpreter lock.

    `points_*` (M, 2) holds the vertices of all polygons of a side and `starts_*` (n + 1,) where each one begins;
    `bounds` (n, 4) or (1, 4) is left, top, right, bottom; `mode` 0 raster, 1 legacy, 2 exact (csrc/region.h).
    """
    good = _measurable(points_a, starts_a) & _measurable(points_b, starts_b)
    out[~good] = np.nan
    rest = np.flatnonzero(good)
    if mode != _EXACT:
        count_pixels(points_a, starts_a, points_b, starts_b, bounds, rest, mode == _LEGACY, out)
        rest = np.flatnonzero(out == TOO_LARGE)
    if len(rest):
        measure_areas(points_a, starts_a, points_b, starts_b, bounds, rest, out)


def _measurable(points: Floats, starts: Starts) -> NDArray[np.bool_]:
    """(n,) whether every coordinate of a polygon, none of which is empty, is a number of a usable size."""
    usable = np.abs(points).max(axis=1) <= _LARGEST_COORDINATE
    return np.logical_and.reduceat(usable, starts[:-1])
