"""Light changes of made frames: gain, gamma and color cast in one table look-up."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pysot.core.crop import Image

LightTable = NDArray[np.uint8]
"""(1, 256, 3) uint8: the new value of every old one, per BGR channel."""


LEVELS = np.linspace(0, 1, 256)[:, None]


def random_light(rng: np.random.Generator, strength: float) -> LightTable:
    """A random change of light.

    `strength` 0 leaves everything as it is. At 1, gain and gamma are factors up to 1.6 either way, the color cast is
    a factor up to 1.17 per channel, and a haze adds up to 25 gray levels.
    """
    gain, gamma = np.exp(strength * rng.uniform(-0.47, 0.47, 2))
    cast = np.exp(strength * rng.uniform(-0.16, 0.16, 3))
    haze = strength * max(float(rng.uniform(-25, 25)), 0.0)
    ramp = 255 * gain * LEVELS**gamma
    return np.clip(haze + ramp * cast, 0, 255).round().astype(np.uint8)[None]


def relight(image: Image, table: LightTable, out: Image | None = None) -> Image:
    """`image` (h, w, 3) uint8 under a change of light: a new array, or written to `out`, which may be `image`."""
    return np.asarray(cv2.LUT(image, table, out), np.uint8)
