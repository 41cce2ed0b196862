"""Reading boxes out of an anchor-free head's response maps (specs/nanotrack.md section 6)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pysot.core.geometry import xyxy_to_cxcywh
from pysot.core.grid import point_grid
from pysot.models.siamese import SiameseOutput


class PointDecoder:
    """Boxes and scores from cls (1, 2, S, S) and loc (1, 4, S, S): distances left, top, right, bottom, crop pixels."""

    def __init__(self, stride: int) -> None:
        self.stride = stride
        self._grids: dict[int, NDArray[np.float32]] = {}

    def __call__(self, output: SiameseOutput) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Scores (N,) in [0, 1] and boxes (N, 4) cx, cy, w, h in crop pixels from its centre; N = S * S."""
        points = self._points(output.cls.shape[-1])
        score = output.cls[0].reshape(2, -1).softmax(0)[1].cpu().numpy()
        reach = output.loc[0].reshape(4, -1).cpu().numpy().T
        corners = np.concatenate([points - reach[:, :2], points + reach[:, 2:]], axis=1)
        return score, xyxy_to_cxcywh(corners).astype(np.float32, copy=False)

    def _points(self, side: int) -> NDArray[np.float32]:
        if side not in self._grids:
            self._grids[side] = point_grid(self.stride, side)
        return self._grids[side]
