"""Region overlap under the names and signatures PySOT's scripts import."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import RegionError
from toolkit.regions.overlap import overlap_pairs, overlap_ragged

Numbers: TypeAlias = Sequence[float] | NDArray[Any]

__all__ = ["vot_float2str", "vot_overlap", "vot_overlap_traj"]


def vot_overlap(polygon1: Numbers, polygon2: Numbers, bounds: Sequence[float] | None = None) -> float:
    """VOT's rasterized overlap of two regions.

    Args:
        polygon1, polygon2: 4 numbers x, y, w, h, or 8 (2 K) numbers x1, y1, ...; 1 number is a code.
        bounds: None, (width, height), or (top, bottom, left, right), in PySOT's order.

    Returns:
        Overlap in [0, 1]; NaN when either region is a code, holds NaN, or when neither has an area.
    """
    if len(polygon1) == 1 or len(polygon2) == 1:
        return float("nan")
    a: Any = [polygon1]
    b: Any = [polygon2]
    return float(overlap_pairs(a, b, _to_limits(bounds))[0])


def vot_overlap_traj(
    polygons1: Sequence[Numbers], polygons2: Sequence[Numbers], bounds: Sequence[float] | None = None
) -> list[float]:
    """`vot_overlap` of every pair of two trajectories of equal length, which may mix codes, boxes and polygons."""
    overlaps: list[float] = overlap_ragged(polygons1, polygons2, _to_limits(bounds)).tolist()
    return overlaps


def vot_float2str(template: str | bytes, value: float) -> str:
    """`value`, as the C float PySOT's binding takes, printed with a C template such as `%.4f`."""
    text = template.decode() if isinstance(template, bytes) else template
    with np.errstate(over="ignore"):
        return text % float(np.float32(value))


def _to_limits(bounds: Sequence[float] | None) -> tuple[float, ...] | None:
    if bounds is None:
        return None
    if len(bounds) == 2:
        return tuple(bounds)
    if len(bounds) != 4:
        raise RegionError(f"bounds has {len(bounds)} numbers: expected (width, height) or (top, bottom, left, right).")
    top, bottom, left, right = bounds
    return left, top, right, bottom
