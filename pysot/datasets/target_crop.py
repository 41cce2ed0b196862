"""Training crops of the trackers that learn on-line: a square around a place near the target, as they search in it
(docs/systems/atom.md, Training; docs/systems/dimp.md, PrDiMP).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pysot.core.checks import check_choice
from pysot.core.crop import BORDER_MODES, Image, cut_padded, fitting_side, shift_inside

CROP_MODES = (*BORDER_MODES, "shift")
"""What a training crop may do at the border: `shift` keeps its size and moves into the image (docs/systems/dimp.md)."""


@dataclass(frozen=True)
class Jitter:
    """How far a crop is from the one that is centered on the target and fits its size.

    Attributes:
        center: width of the uniform displacement along each axis, in target sizes sqrt(w h).
        scale: standard deviation of the logarithm of each side.
    """

    center: float = 0.0
    scale: float = 0.0

    def apply(self, box_xywh: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """(4,) the box around which to crop."""
        size = box_xywh[2:] * np.exp(rng.standard_normal(2) * self.scale)
        reach = self.center * math.sqrt(float(size.prod()))
        center = box_xywh[:2] + box_xywh[2:] / 2 + rng.uniform(-0.5, 0.5, 2) * reach
        return np.concatenate([center - size / 2, size])


@dataclass(frozen=True)
class Cropper:
    """Cuts squares out of frames.

    Attributes:
        side: of the crops, pixels.
        area_factor: side of the square in the frame, in target sizes sqrt(w h).
        mode: what happens at the frame's border; see `CROP_MODES` and `pysot.core.crop.sample_patch`.
        max_shrink: how much the square may shrink there.
    """

    side: int
    area_factor: float = 5.0
    mode: str = "replicate"
    max_shrink: float = 1.5

    def __post_init__(self) -> None:
        check_choice("TRAIN.CROP_MODE", self.mode, CROP_MODES)

    def __call__(
        self, image: Image, around_xywh: NDArray[np.float64], box_xywh: NDArray[np.float64]
    ) -> tuple[Image, NDArray[np.float64]]:
        """The crop around a box.

        Args:
            image: (H, W, 3) uint8.
            around_xywh: (4,) the square's center is this box's, its side `area_factor` times this box's size.
            box_xywh: (4,) the target.

        Returns:
            (side, side, 3) uint8, and the target in its pixels, (4,); parts of it may lie outside.
        """
        corner, extent = self._window(image, around_xywh)
        x, y = (int(value) for value in corner)
        cut = cut_padded(image, x, y, x + int(extent), y + int(extent))
        crop = cv2.resize(cut, (self.side, self.side), interpolation=cv2.INTER_LINEAR)
        zoom = self.side / extent
        moved = np.concatenate([(box_xywh[:2] - corner) * zoom, box_xywh[2:] * zoom])
        return np.asarray(crop, dtype=np.uint8), moved

    def _window(self, image: Image, around_xywh: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
        """Upper left corner, whole pixels, and side of the square."""
        wanted = max(math.ceil(math.sqrt(float(around_xywh[2] * around_xywh[3])) * self.area_factor), 1)
        shrinking = "replicate" if self.mode == "shift" else self.mode
        extent = max(int(fitting_side(wanted, (image.shape[0], image.shape[1]), shrinking, self.max_shrink)), 1)
        corner = np.round(around_xywh[:2] + around_xywh[2:] / 2 - extent / 2)
        if self.mode != "replicate":
            limits = (image.shape[1], image.shape[0])
            corner += [shift_inside(low, low + extent, limit) for low, limit in zip(corner, limits, strict=True)]
        return corner, extent
