"""Reading boxes out of an anchor head's response maps (docs/systems/siamrpn.md, Tracking)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pysot.core.anchors import (
    ResponseGrid,
    anchor_grid,
    anchor_sizes,
    decode_anchor_boxes,
    decode_point_boxes,
    point_grid,
)
from pysot.core.geometry import xyxy_to_cxcywh
from pysot.models.meta_arch.siamese import SiameseOutput


class AnchorDecoder:
    """Boxes and scores from cls (1, 2k, S, S) and loc (1, 4k, S, S)."""

    def __init__(self, stride: int, ratios: Sequence[float], scales: Sequence[float]) -> None:
        self.sizes = anchor_sizes(stride, ratios, scales)
        self._anchors: dict[ResponseGrid, NDArray[np.float32]] = {}

    def __call__(self, output: SiameseOutput, grid: ResponseGrid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Scores (N,) in [0, 1] and boxes (N, 4) cx, cy, w, h in crop pixels from its center; N = k * S * S."""
        if grid not in self._anchors:
            self._anchors[grid] = anchor_grid(self.sizes, grid)
        score = output.cls[0].reshape(2, -1).softmax(0)[1].cpu().numpy()
        delta = output.loc[0].reshape(4, -1).cpu().numpy()
        return score, decode_anchor_boxes(delta, self._anchors[grid])


class PointDecoder:
    """Boxes and scores from cls (1, 2, S, S) and loc (1, 4, S, S): distances left, top, right, bottom, crop pixels."""

    def __init__(self) -> None:
        self._points: dict[ResponseGrid, NDArray[np.float32]] = {}

    def __call__(self, output: SiameseOutput, grid: ResponseGrid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Scores (N,) in [0, 1] and boxes (N, 4) cx, cy, w, h in crop pixels from its center; N = S * S."""
        if grid not in self._points:
            self._points[grid] = point_grid(grid)
        score = output.cls[0].reshape(2, -1).softmax(0)[1].cpu().numpy()
        reach = output.loc[0].reshape(4, -1).cpu().numpy()
        return score, xyxy_to_cxcywh(decode_point_boxes(reach, self._points[grid])).astype(np.float32, copy=False)
