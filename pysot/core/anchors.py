"""Where the cells of a response map lie in the search crop: anchors (docs/systems/siamrpn.md, Anchors) and points
(docs/systems/nanotrack.md, Points). Positions are relative to the crop's center.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def anchor_sizes(stride: int, ratios: Sequence[float], scales: Sequence[float]) -> NDArray[np.float32]:
    """(k, 2) widths and heights in crop pixels, ratio-major; a ratio is height / width.

    The base area is stride * stride; sides are cut to whole numbers before scaling, as published models expect.
    """
    sizes = []
    for ratio in ratios:
        width = int(math.sqrt(stride * stride / ratio))
        height = int(width * ratio)
        sizes += [(width * scale, height * scale) for scale in scales]
    return np.array(sizes, dtype=np.float32)


def anchor_grid(sizes_wh: NDArray[np.float32], stride: int, side: int) -> NDArray[np.float32]:
    """(k * side * side, 4) anchors cx, cy, w, h relative to the crop's center; anchor-major, then row, then column."""
    centers = grid_centers(stride, side)
    count = len(sizes_wh)
    grid = np.empty((count, side, side, 4), dtype=np.float32)
    grid[..., 0] = centers[None, None, :]
    grid[..., 1] = centers[None, :, None]
    grid[..., 2:] = sizes_wh[:, None, None, :]
    return grid.reshape(-1, 4)


def grid_centers(stride: int, side: int) -> NDArray[np.float32]:
    """(side,) positions of the cells along one axis, relative to the crop's center: the middle cell is at 0."""
    return (np.arange(side, dtype=np.float32) - side // 2) * stride


def point_grid(stride: int, side: int) -> NDArray[np.float32]:
    """(side * side, 2) points x, y relative to the crop's center, row by row."""
    centers = grid_centers(stride, side)
    return np.stack(np.meshgrid(centers, centers), axis=-1).reshape(-1, 2)
