"""PySOT's anchors, as corners."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pysot.core.anchors import ResponseGrid, anchor_grid, anchor_sizes
from pysot.core.geometry import cxcywh_to_xyxy


class Anchors:
    """The anchors of one cell, and of all cells of a response map.

    Attributes:
        anchors: (k, 4) x1, y1, x2, y2 around 0.
        all_anchors: after `generate_all_anchors`: (4, k, S, S) x1, y1, x2, y2, and (4, k, S, S) cx, cy, w, h.
    """

    all_anchors: tuple[NDArray[np.float32], NDArray[np.float32]]

    def __init__(
        self, stride: int, ratios: Sequence[float], scales: Sequence[float], image_center: int = 0, size: int = 0
    ) -> None:
        self.stride, self.ratios, self.scales = stride, ratios, scales
        self.image_center, self.size = image_center, size
        self.anchor_num = len(scales) * len(ratios)
        self.generate_anchors()

    def generate_anchors(self) -> None:
        """Makes `anchors`."""
        sizes = anchor_sizes(self.stride, self.ratios, self.scales)
        self.anchors: NDArray[np.float32] = np.concatenate([-sizes, sizes], axis=1) * np.float32(0.5)

    def generate_all_anchors(self, im_c: int, size: int) -> bool:
        """Makes `all_anchors` of `size` cells along each axis around the pixel `im_c`; False where they are there."""
        if (self.image_center, self.size) == (im_c, size):
            return False
        self.image_center, self.size = im_c, size
        grid = anchor_grid(anchor_sizes(self.stride, self.ratios, self.scales), ResponseGrid(size, self.stride))
        grid[:, :2] += im_c
        self.all_anchors = self._maps(cxcywh_to_xyxy(grid).astype(np.float32)), self._maps(grid)
        return True

    def _maps(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.moveaxis(boxes.reshape(self.anchor_num, self.size, self.size, 4), -1, 0)
