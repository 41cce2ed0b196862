"""The four things a tracker or an annotation can say about one frame: rectangle, polygon, mask, or a code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import RegionError


@dataclass(frozen=True)
class Rectangle:
    """Axis-aligned box, 0-based float pixels, top-left corner and size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, eq=False)
class Polygon:
    """Closed polygon, `points` (K, 2) float64 x, y in pixels, K >= 3, in order around the outline.

    Raises `RegionError` on points of another shape.
    """

    points: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.points.shape[1] != 2 or len(self.points) < 3:
            raise RegionError(f"Polygon points have shape {self.points.shape}: expected (K, 2) with K >= 3 vertices.")


@dataclass(frozen=True, eq=False)
class Mask:
    """Binary mask with its place in the image: `bits` (h, w) bool, whose pixel [0, 0] is image pixel (x, y).

    Raises `RegionError` when `bits` is not a two-dimensional bool array.
    """

    bits: NDArray[np.bool_]
    x: int = 0
    y: int = 0

    def __post_init__(self) -> None:
        if self.bits.ndim != 2 or self.bits.dtype != np.bool_:
            raise RegionError(
                f"Mask bits are {self.bits.dtype} of shape {self.bits.shape}: expected bool (h, w); convert with `> 0`."
            )


@dataclass(frozen=True)
class Special:
    """A code instead of a region: 0 not run, 1 initialized here, 2 failed here (VOT); any other as written."""

    code: int


Region: TypeAlias = Rectangle | Polygon | Mask | Special
