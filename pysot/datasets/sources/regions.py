"""Random regions of a frame that show something, for made objects."""

from __future__ import annotations

import math

import cv2
import numpy as np

from pysot.core.crop import Image

THUMBNAIL = 24
FLAT_BELOW = 3.0  # gray levels between neighboring cells of the thumbnail; clear sky and bare walls stay below
ATTEMPTS = 12
SMALLEST_REGION = 12  # pixels of either side, in images that are large enough


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between `low` and `high` (both positive) whose logarithm is uniform."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def detail(region: Image) -> float:
    """How much a piece of an image (h, w, 3) uint8 shows: mean gray difference between cells of a 24 x 24 thumbnail."""
    step = max(min(region.shape[:2]) // (2 * THUMBNAIL), 1)  # a sample of the pixels is enough, and much faster
    small = cv2.resize(region[::step, ::step].copy(), (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    gray = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    steps = cv2.norm(gray[1:], gray[:-1], cv2.NORM_L1) + cv2.norm(gray[:, 1:], gray[:, :-1], cv2.NORM_L1)
    return steps / (2 * THUMBNAIL * (THUMBNAIL - 1))


def random_region(
    image: Image, rng: np.random.Generator, side: tuple[float, float] = (24.0, 0.6), aspect: float = 3.0
) -> tuple[int, int, int, int]:
    """A random rectangle of `image` (H, W, 3) uint8 with something in it.

    Args:
        rng: draws size, shape and place.
        side: smallest sqrt(width * height) in pixels, and the largest as a share of the image's shorter side;
            log-uniform between them.
        aspect: width / height is log-uniform in [1 / aspect, aspect].

    Returns:
        left, top, width, height in whole pixels, inside the image. Of `ATTEMPTS` draws the first that is not almost
        flat, else the one with the most detail.
    """
    height, width = image.shape[:2]
    largest = side[1] * min(width, height)
    best, most = (0, 0, width, height), -1.0
    for _ in range(ATTEMPTS):
        size = log_uniform(rng, min(side[0], largest), largest)
        stretch = math.sqrt(log_uniform(rng, 1 / aspect, aspect))
        w = min(max(round(size * stretch), SMALLEST_REGION), width)
        h = min(max(round(size / stretch), SMALLEST_REGION), height)
        x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
        found = detail(image[y : y + h, x : x + w])
        if found >= FLAT_BELOW:
            return x, y, w, h
        if found > most:
            best, most = (x, y, w, h), found
    return best
