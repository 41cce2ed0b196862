"""The part of an image around a target, resampled so that boxes near it have the size a network wants; all boxes in it
share one pass of the network (the idea of RT-MDNet, Jung et al., ECCV 2018).

Coordinates are those of edges: pixel i covers i to i + 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from pysot.core.crop import Image, context_side, mean_color
from pysot.core.geometry import xywh_to_xyxy

FILL = 128
"""Gray level of what lies outside the image where boxes are stretched (docs/systems/lmt.md, Box crops)."""
EXEMPLAR_SIDE = 127
"""Patch pixels that the target spans with its context where the aspect is kept, as in siamese crops."""
CONTEXT = 0.5
"""Share of width + height that this context adds."""


@dataclass(frozen=True)
class BoxGeometry:
    """How large a box is in the patches that a network takes.

    Attributes:
        crop_side: side of the patch made of one box alone, patch pixels.
        box_side: sides of the box in it when both are stretched to one; 0 keeps the aspect, and the context of the box
            then spans 127 pixels, as in siamese crops.
        margin: patch pixels around a box that its features depend on, and that a shared patch must hold.
    """

    crop_side: int
    box_side: float
    margin: float

    def step_xy(self, size_wh: tuple[float, float]) -> tuple[float, float]:
        """Image pixels per patch pixel along each axis for a box of `size_wh` image pixels."""
        if self.box_side:
            return size_wh[0] / self.box_side, size_wh[1] / self.box_side
        step = context_side(size_wh, CONTEXT) / EXEMPLAR_SIDE
        return step, step


@dataclass(frozen=True)
class RoiPatch:
    """An axis-aligned map from an image to a patch.

    Attributes:
        origin_xy: image coordinates of the patch's corner.
        step_xy: image pixels per patch pixel.
        size_wh: patch pixels.
        gray: what lies outside the image is gray; else it has the image's mean color.
    """

    origin_xy: tuple[float, float]
    step_xy: tuple[float, float]
    size_wh: tuple[int, int]
    gray: bool = True

    @classmethod
    def around(
        cls,
        center_xy: tuple[float, float],
        box_wh: tuple[float, float],
        geometry: BoxGeometry,
        size_wh: tuple[int, int],
    ) -> RoiPatch:
        """The patch of `size_wh` pixels around a point, at the scale of a box of `box_wh` image pixels."""
        step = geometry.step_xy(box_wh)
        x, y = (middle - side * unit / 2 for middle, side, unit in zip(center_xy, size_wh, step, strict=True))
        return cls((x, y), step, size_wh, gray=geometry.box_side > 0)

    def boxes_in_patch(self, boxes_xywh: ArrayLike) -> NDArray[np.float64]:
        """(n, 4) corners in patch coordinates of boxes in image coordinates."""
        corners = np.asarray(xywh_to_xyxy(boxes_xywh), dtype=np.float64)
        return (corners - np.tile(self.origin_xy, 2)) / np.tile(self.step_xy, 2)

    def bounds_xyxy(self, margin: float, image_hw: tuple[int, int]) -> tuple[float, float, float, float]:
        """The rectangle, image coordinates, where boxes may lie: inside the image, and `margin` patch pixels inside the
        patch."""
        low = [max(0.0, start + margin * step) for start, step in zip(self.origin_xy, self.step_xy, strict=True)]
        ends = zip(self.origin_xy, self.step_xy, self.size_wh, image_hw[::-1], strict=True)
        high = [min(float(limit), start + (side - margin) * step) for start, step, side, limit in ends]
        return low[0], low[1], max(high[0], low[0]), max(high[1], low[1])

    def cut(self, image: Image) -> Image:
        """(h, w, 3) uint8 bilinear samples of `image`, and the fill outside of it."""
        matrix = np.zeros((2, 3))
        matrix[0, 0], matrix[1, 1] = self.step_xy
        matrix[:, 2] = [start + step / 2 - 0.5 for start, step in zip(self.origin_xy, self.step_xy, strict=True)]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        ends = zip(self.origin_xy, self.step_xy, self.size_wh, image.shape[1::-1], strict=True)
        inside = min(self.origin_xy) >= 0 and all(start + side * step <= limit for start, step, side, limit in ends)
        fill = (FILL, FILL, FILL) if self.gray or inside else mean_color(image)
        patch = cv2.warpAffine(
            image, matrix, self.size_wh, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=fill
        )
        return np.asarray(patch, dtype=np.uint8)


def patch_size(box_wh: tuple[float, float], geometry: BoxGeometry, reach: float, largest: int) -> tuple[int, int]:
    """Width and height, patch pixels, of a patch that holds boxes `reach` image pixels away; at most `largest`."""
    sides = [min(largest, math.ceil(geometry.crop_side + 2 * reach / step)) for step in geometry.step_xy(box_wh)]
    return sides[0], sides[1]
