"""Heat maps: score and attention maps as pictures."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.frames import Image


def overlay_heatmap(image: Image, attention: NDArray[np.floating]) -> Image:
    """The frame in gray with its map (any size, 0..1) over it in color: the warmer, the more attention."""
    height, width = image.shape[:2]
    resized = np.asarray(cv2.resize(np.asarray(attention, np.float32), (width, height)), np.float32)
    gray = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    color = cv2.applyColorMap(to_gray_levels(resized), cv2.COLORMAP_JET)
    weight = np.clip(resized, 0, 1)[..., None] * 0.7
    return np.asarray(gray * (1 - weight) + color * weight, np.uint8)


def to_gray_levels(attention: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A map in 0..1 as 8 bits."""
    return np.asarray(np.clip(attention, 0, 1) * 255 + 0.5, np.uint8)
