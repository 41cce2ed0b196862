"""The part of the overlap head's maps that boxes near the target can see (docs/systems/atom.md, Box refinement).

Two 3x3 convolutions make those maps, and boxes are pooled from a few cells in their middle. Only these cells are
computed, exactly as they would be in the whole map: the window has a margin for the convolutions, and a border of the
window that is the map's own is padded with zeros as there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pysot.models.head.iounet import PUBLISHED, MapFunction, MapPair

REACH = 2
"""Cells that two 3x3 convolutions see beyond each cell."""


@dataclass(frozen=True)
class MapWindow:
    """A rectangle of cells of the coarse map, x1 and y1 inside, x2 and y2 outside, and what the fine one has there.

    Attributes:
        x1, y1, x2, y2: its corners.
        size_hw: of the whole coarse map.
        cells: where the cells of both maps look; a coarse cell is a whole number of fine ones.
    """

    x1: int
    y1: int
    x2: int
    y2: int
    size_hw: tuple[int, int]
    cells: MapPair = PUBLISHED

    @staticmethod
    def around(boxes_xywh: Tensor, slack: float, size_hw: tuple[int, int], cells: MapPair = PUBLISHED) -> MapWindow:
        """What boxes (N, 4) in crop pixels can see, and `slack` of their size more on each side for where they move."""
        corner, size = boxes_xywh[:, :2], boxes_xywh[:, 2:]
        stride = cells.strides[1]
        low = (((corner - slack * size).amin(0) - max(cells.offsets)) / stride).tolist()
        high = (((corner + (1 + slack) * size).amax(0) - min(cells.offsets)) / stride).tolist()
        x1, y1 = (min(max(math.floor(v), 0), limit - 1) for v, limit in zip(low, size_hw[::-1], strict=True))
        x2, y2 = (min(max(math.ceil(v) + 1, 1), limit) for v, limit in zip(high, size_hw[::-1], strict=True))
        return MapWindow(x1, y1, max(x2, x1 + 1), max(y2, y1 + 1), size_hw, cells)

    @property
    def offset_xy(self) -> tuple[int, int]:
        """Crop pixels of the window's corner."""
        return self.x1 * self.cells.strides[1], self.y1 * self.cells.strides[1]

    @property
    def _factor(self) -> int:
        """Fine cells along a coarse one."""
        return self.cells.strides[1] // self.cells.strides[0]

    def covers(self, boxes_xywh: Tensor) -> bool:
        """Whether all that boxes (N, 4) see of the whole maps is inside. False where a box is not finite."""
        corner, opposite = boxes_xywh[:, :2], boxes_xywh[:, :2] + boxes_xywh[:, 2:]
        x_low, y_low = corner.amin(0).tolist()
        x_high, y_high = opposite.amax(0).tolist()
        height, width = self.size_hw
        (fine, coarse), offsets = self.cells  # a cell is seen from less than a cell's width away
        first = max(offsets)

        def last(end: int) -> float:
            return min(fine * (self._factor * end - 1) + offsets[0], coarse * (end - 1) + offsets[1])

        return (
            (self.x1 == 0 or x_low >= coarse * self.x1 + first)
            and (self.y1 == 0 or y_low >= coarse * self.y1 + first)
            and (self.x2 == width or x_high <= last(self.x2))
            and (self.y2 == height or y_high <= last(self.y2))
        )

    def compute(
        self, convolve: MapFunction, unpadded: MapFunction, features: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """`convolve(features)`, only inside the window: the fine and the coarse map (1, C, h, w).

        Args:
            convolve: two 3x3 convolutions with zeros around each map.
            unpadded: the same without these zeros, for a window that the whole map surrounds.
            features: the backbone's maps.
        """
        parts, inner, surrounded = [], [], True
        height, width = self.size_hw
        for level, factor in zip(features, (self._factor, 1), strict=True):
            ranges = []
            for low, high, of, limit in (
                (self.y1, self.y2, height, level.shape[2]),
                (self.x1, self.x2, width, level.shape[3]),
            ):
                first, last = factor * low, limit if high == of else min(factor * high, limit)
                start, stop = max(first - REACH, 0), min(last + REACH, limit)
                ranges.append((start, stop, first - start, last - start))
                surrounded &= stop - start == last - first + 2 * REACH
            (top, bottom, *rows), (left, right, *columns) = ranges
            parts.append(level[:, :, top:bottom, left:right].contiguous(memory_format=torch.channels_last))
            inner.append((rows, columns))
        if surrounded:
            return unpadded(parts)
        fine, coarse = (
            result[:, :, rows[0] : rows[1], columns[0] : columns[1]].contiguous(memory_format=torch.channels_last)
            for result, (rows, columns) in zip(convolve(parts), inner, strict=True)
        )
        return fine, coarse


class WindowedMaps:
    """The overlap head's maps of one image, computed around the boxes that ask for them, and again where one leaves.

    Args:
        convolve, unpadded, features: see `MapWindow.compute`.
        slack: room for boxes to move, in their sizes, on each side.
        cells: where the cells of the maps look. Where a coarse cell is no whole number of fine ones, the whole maps are
            computed.
    """

    def __init__(
        self,
        convolve: MapFunction,
        unpadded: MapFunction,
        features: Sequence[Tensor],
        slack: float,
        cells: MapPair = PUBLISHED,
    ) -> None:
        self._convolve, self._unpadded, self._features, self._slack = convolve, unpadded, features, slack
        self._cells, self._divides = cells, cells.strides[1] % cells.strides[0] == 0
        self._window: MapWindow | None = None

    def seen_by(self, boxes_xywh: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Maps with all that boxes (N, 4) in crop pixels see, and these boxes in pixels of the maps' own crop."""
        if self._window is None or not self._window.covers(boxes_xywh):
            size_hw = (self._features[-1].shape[2], self._features[-1].shape[3])
            if self._divides and bool(boxes_xywh.isfinite().all()):
                self._window = MapWindow.around(boxes_xywh, self._slack, size_hw, self._cells)
            else:
                self._window = MapWindow(0, 0, size_hw[1], size_hw[0], size_hw, self._cells)
            with torch.no_grad():
                self._maps = self._window.compute(self._convolve, self._unpadded, self._features)
        return self._maps, boxes_xywh - boxes_xywh.new_tensor([*self._window.offset_xy, 0, 0])
