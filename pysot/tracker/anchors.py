"""Anchor boxes, and reading boxes out of an anchor head's response maps (specs/siamrpnpp.md sections 5 and 6)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pysot.models.siamese import SiameseOutput


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
    """(k * side * side, 4) anchors cx, cy, w, h relative to the crop's centre; anchor-major, then row, then column."""
    centers = grid_centers(stride, side)
    count = len(sizes_wh)
    grid = np.empty((count, side, side, 4), dtype=np.float32)
    grid[..., 0] = centers[None, None, :]
    grid[..., 1] = centers[None, :, None]
    grid[..., 2:] = sizes_wh[:, None, None, :]
    return grid.reshape(-1, 4)


def grid_centers(stride: int, side: int) -> NDArray[np.float32]:
    """(side,) positions of the cells along one axis, relative to the crop's centre: the middle cell is at 0."""
    return (np.arange(side, dtype=np.float32) - side // 2) * stride


class AnchorDecoder:
    """Boxes and scores from cls (1, 2k, S, S) and loc (1, 4k, S, S)."""

    def __init__(self, stride: int, ratios: Sequence[float], scales: Sequence[float]) -> None:
        self.stride, self.sizes = stride, anchor_sizes(stride, ratios, scales)
        self._grids: dict[int, NDArray[np.float32]] = {}

    def __call__(self, output: SiameseOutput) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Scores (N,) in [0, 1] and boxes (N, 4) cx, cy, w, h in crop pixels from its centre; N = k * S * S."""
        anchors = self._anchors(output.cls.shape[-1])
        score = output.cls[0].reshape(2, -1).softmax(0)[1].cpu().numpy()
        delta = output.loc[0].reshape(4, -1).cpu().numpy()
        boxes = np.empty_like(anchors)
        boxes[:, 0] = delta[0] * anchors[:, 2] + anchors[:, 0]
        boxes[:, 1] = delta[1] * anchors[:, 3] + anchors[:, 1]
        with np.errstate(over="ignore"):  # a wild size becomes infinite, and its penalty then rules it out
            boxes[:, 2:] = np.exp(delta[2:]).T * anchors[:, 2:]
        return score, boxes

    def _anchors(self, side: int) -> NDArray[np.float32]:
        if side not in self._grids:
            self._grids[side] = anchor_grid(self.sizes, self.stride, side)
        return self._grids[side]
