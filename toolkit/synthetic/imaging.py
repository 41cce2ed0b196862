"""Image formation: place, illumination, motion blur, optics, resolution and sensor noise of a scene."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.frames import Image
from toolkit.synthetic.sprite import motion_kernel
from toolkit.synthetic.texture import Rng

SHEET_MARGIN = 64


@dataclass(frozen=True, eq=False)
class Imaging:
    """Image formation: how the scene is lit and photographed.

    Attributes:
        place: key of `background.PLACES` or `background.CLUTTERS`.
        gain: (N, 3) brightness factor per BGR channel.
        shade_edge: (N,) where the edge of a large soft shadow lies, in image widths from the left; everything left of
            it is darkened.
        shade: darkness of that shadow, 0 (none) .. 1.
        exposure: share of the frame interval during which the shutter is open: 0 sharp, 1 full motion blur.
        softness: standard deviation in pixels of the lens blur.
        pixelation: the frame is rendered at full size, reduced by this factor and enlarged again; 1 leaves it.
        noise: standard deviation of the sensor noise in gray levels.
    """

    place: str
    gain: NDArray[np.float64]
    shade_edge: NDArray[np.float64]
    shade: float = 0.0
    exposure: float = 0.25
    softness: float = 0.5
    pixelation: int = 1
    noise: float = 3.0

    def brightness(self) -> NDArray[np.float64]:
        """(N,) mean gain over the channels and the shadow."""
        return np.asarray(self.gain.mean(axis=1) * (1 - self.shade * np.clip(self.shade_edge, 0, 1)))

    def smear(self, picture: Image, velocity: NDArray[np.float64]) -> Image:
        """Blurs the background along the camera's motion during the exposure."""
        kernel = motion_kernel(self.exposure * velocity)
        if kernel is None:
            return picture
        return np.asarray(cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REFLECT), np.uint8)

    def develop(self, picture: Image, index: int) -> Image:
        """Applies light, lens blur and resolution to the composed picture."""
        table = np.clip(np.arange(256)[:, None] * self.gain[index], 0, 255).astype(np.uint8)
        picture = np.asarray(cv2.LUT(picture, table[None]), np.uint8)
        height, width = picture.shape[:2]
        if self.shade > 0:
            columns = np.arange(width) / width - self.shade_edge[index]
            rows = 0.25 * (np.arange(height)[:, None] / height - 0.5)
            depth = np.clip(0.5 - (columns + rows) / 0.12, 0, 1)
            light = cv2.merge([(255 * (1 - self.shade * depth)).astype(np.uint8)] * 3)
            picture = np.asarray(cv2.multiply(picture, light, scale=1 / 255), np.uint8)
        if self.pixelation > 1:
            small = cv2.resize(
                picture, None, fx=1 / self.pixelation, fy=1 / self.pixelation, interpolation=cv2.INTER_AREA
            )
            return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
        return np.asarray(cv2.GaussianBlur(picture, (3, 3), self.softness), np.uint8)

    def noise_sheet(self, rng: Rng, size: tuple[int, int]) -> NDArray[np.int16]:
        """Normal noise, int16, somewhat larger than the (width, height) image; weaker in color than in gray."""
        height, width = size[1] + SHEET_MARGIN, size[0] + SHEET_MARGIN
        gray = rng.normal(0, 0.85 * self.noise, (height, width, 1))
        return np.asarray(np.round(gray + rng.normal(0, 0.5 * self.noise, (height, width, 3))), np.int16)

    def add_noise(self, picture: Image, sheet: NDArray[np.int16], rng: Rng) -> Image:
        """Adds the piece of the noise sheet that `rng` picks for this frame."""
        height, width = picture.shape[:2]
        top, left = rng.integers(0, SHEET_MARGIN, 2)
        piece = sheet[top : top + height, left : left + width]
        return np.asarray(cv2.add(picture, piece, dtype=cv2.CV_8U), np.uint8)
