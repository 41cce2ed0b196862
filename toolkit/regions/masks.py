"""Overlap where a mask takes part: VOT2020 and later."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import RegionError
from toolkit.regions.boxes import mask_extent
from toolkit.regions.shapes import Mask, Polygon, Rectangle, Region
from toolkit.regions.text import MAX_MASK_PIXELS

Bits: TypeAlias = NDArray[np.bool_]
Window: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom pixel, all inclusive; empty where right < left or bottom < top."""


def mask_overlap(a: Region, b: Region, bounds: tuple[float, float] | None = None, ignore: Mask | None = None) -> float:
    """IoU of the pixels of two regions, each a mask, rectangle or polygon.

    A rectangle covers round(w) columns from round(x) on; a polygon, its vertices rounded, the pixels of its outline and
    those inside. Halves are rounded to the even number.

    Args:
        bounds: (width, height) of the image; only its pixels 0 ... width - 1, 0 ... height - 1 count.
        ignore: pixels of this mask count for neither region.

    Returns:
        IoU in [0, 1]: 1 when both regions are empty, 0 when none of their pixels lies inside the bounds and outside
        `ignore`; NaN when either is a code or has a coordinate that is not finite.

    Raises:
        RegionError: the pixels to look at are too many; pass `bounds`.

    Source: VOT toolkit 2020; docs/evaluation.md, Result files.
    """
    if not all(isinstance(region, Mask) or _is_finite(region) for region in (a, b)):
        return math.nan
    extents = [extent for extent in map(_extent, (a, b)) if extent is not None]
    if not extents:
        return 1.0
    lefts, tops, rights, bottoms = zip(*extents, strict=True)
    left, top, right, bottom = min(lefts), min(tops), max(rights), max(bottoms)
    if bounds is not None:
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, math.ceil(bounds[0]) - 1), min(bottom, math.ceil(bounds[1]) - 1)
    if right < left or bottom < top:
        return 0.0
    window = left, top, right, bottom
    bits_a, bits_b = rasterize(a, window), rasterize(b, window)
    if ignore is not None:
        counted = ~rasterize(ignore, window)
        bits_a, bits_b = bits_a & counted, bits_b & counted
    union = int(np.count_nonzero(bits_a | bits_b))
    return int(np.count_nonzero(bits_a & bits_b)) / union if union else 0.0


def rasterize(region: Region, window: Window) -> Bits:
    """The pixels of a mask, rectangle or polygon inside `window`: (height, width) bool.

    Raises `RegionError` for a code, a coordinate that is not finite, or a window of too many pixels.
    """
    width, height = window[2] - window[0] + 1, window[3] - window[1] + 1
    if width * height > MAX_MASK_PIXELS:
        raise RegionError(f"A window of {width} x {height} px is too large to rasterize: pass the image's bounds.")
    bits = np.zeros((max(height, 0), max(width, 0)), np.bool_)
    if isinstance(region, Polygon) and _is_finite(region):
        from toolkit.regions.scanline import paint

        vertices = np.rint(region.points.astype(np.float32)).astype(np.float64)
        paint(vertices - np.array(window[:2], np.float64), bits)
    elif isinstance(region, Mask) or (isinstance(region, Rectangle) and _is_finite(region)):
        extent = _extent(region)
        if extent is None:
            return bits
        left, top = max(extent[0], window[0]), max(extent[1], window[1])
        right, bottom = min(extent[2], window[2]), min(extent[3], window[3])
        if right < left or bottom < top:
            return bits
        source: Bits | np.bool_ = np.True_
        if isinstance(region, Mask):
            source = region.bits[top - region.y : bottom + 1 - region.y, left - region.x : right + 1 - region.x]
        bits[top - window[1] : bottom + 1 - window[1], left - window[0] : right + 1 - window[0]] = source
    else:
        raise RegionError(f"{region} has no pixels: expected a mask, or a rectangle or polygon of finite numbers.")
    return bits


def _is_finite(region: Region) -> bool:
    if isinstance(region, Polygon):
        return bool(np.isfinite(region.points).all())
    if not isinstance(region, Rectangle):
        return False
    return all(math.isfinite(v) for v in (region.x, region.y, region.width, region.height))


def _extent(region: Region) -> Window | None:
    """The pixels a region of finite numbers can cover, None when it covers none."""
    if isinstance(region, Mask):
        return mask_extent(region)
    if isinstance(region, Rectangle):
        left, top = round(region.x), round(region.y)
        right, bottom = left + round(region.width) - 1, top + round(region.height) - 1
        return (left, top, right, bottom) if left <= right and top <= bottom else None
    if isinstance(region, Polygon):
        low, high = region.points.min(axis=0), region.points.max(axis=0)
        return math.floor(low[0]), math.floor(low[1]), math.ceil(high[0]), math.ceil(high[1])
    return None
