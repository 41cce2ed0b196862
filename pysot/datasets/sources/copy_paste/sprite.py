"""Objects cut out of frames: picture and soft alpha, and the changes that make another individual of one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pysot.core.crop import Image
from pysot.datasets.sources.base import AnnotatedFrame
from pysot.datasets.sources.light import relight
from pysot.datasets.sources.regions import random_region

SMALLEST = 16  # pixels of the shorter side: less shows no object
MARGIN = 4  # transparent pixels all round, so that the soft edge is complete
CORNERS = 48  # of a scrap's outline
VALUES = np.arange(256)
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


@dataclass(frozen=True, eq=False)
class Sprite:
    """A cut-out.

    Attributes:
        color: (h, w, 3) uint8 BGR, defined also where alpha is 0.
        alpha: (h, w) uint8, 255 on the object, 0 on the outermost pixels, soft between.
        side: sqrt(width * height) of the object in pixels, without the transparent margin.
    """

    color: Image
    alpha: NDArray[np.uint8]
    side: float

    def reduced(self, factor: float) -> Sprite:
        """This sprite at `factor` <= 1 times its resolution; itself when that is hardly a change."""
        if factor > 0.8:
            return self
        size = [max(round(side * factor), 3) for side in self.alpha.shape[::-1]]
        shrunk = math.sqrt(size[0] * size[1] / self.alpha.size)
        return Sprite(shrink(self.color, size), shrink(self.alpha, size), self.side * shrunk)

    def mirrored(self) -> Sprite:
        """Left and right exchanged."""
        color, alpha = np.asarray(cv2.flip(self.color, 1), np.uint8), np.asarray(cv2.flip(self.alpha, 1), np.uint8)
        return Sprite(color, alpha, self.side)


def shrink(image: NDArray[np.uint8], size_wh: list[int]) -> NDArray[np.uint8]:
    """`image` at a smaller size: halved by averaging while it is twice too large, then interpolated.

    Several times faster than averaging over areas of broken size.
    """
    height, width = image.shape[:2]
    while width >= 2 * size_wh[0] and height >= 2 * size_wh[1]:
        width, height = width // 2, height // 2
        half = cv2.resize(image[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
        image = np.asarray(half, np.uint8)
    return np.asarray(cv2.resize(image, size_wh), np.uint8)


def cut_object(sample: AnnotatedFrame, side: float = math.inf) -> Sprite | None:
    """Cuts the masked object out of a frame, not much larger than `side` = sqrt(width * height) pixels.

    None without a mask, or when a side of the object is below 16 pixels in its frame.
    """
    if sample.mask is None:
        return None
    mask = np.ascontiguousarray(sample.mask).view(np.uint8)
    x, y, w, h = cv2.boundingRect(mask)
    if min(w, h) < SMALLEST:
        return None
    return _cut(sample.image[y : y + h, x : x + w], mask[y : y + h, x : x + w], side)


def cut_scrap(image: Image, rng: np.random.Generator, side: float = math.inf) -> Sprite | None:
    """Cuts a blob with some texture out of anywhere: an object of no kind. None when the image is too small.

    Its resolution is reduced to `side`, as in `cut_object`.
    """
    if min(image.shape[:2]) < 4 * SMALLEST:
        return None
    x, y, w, h = random_region(image, rng, (40.0, 0.5), 2.5)
    if min(w, h) < SMALLEST:
        return None
    angle = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    waves = np.arange(2, 6)[:, None]
    swing = rng.uniform(0, 0.35, (4, 1)) / waves * np.cos(waves * angle + rng.uniform(0, 2 * np.pi, (4, 1)))
    radius = 0.5 * (1 + swing.sum(axis=0)) / (1 + np.abs(swing).sum(axis=0).max())
    corner = np.stack([(0.5 + radius * np.cos(angle)) * (w - 1), (0.5 + radius * np.sin(angle)) * (h - 1)], axis=1)
    mask = cv2.fillPoly(np.zeros((h, w), np.uint8), [corner.round().astype(np.int32)], 1)
    return _cut(image[y : y + h, x : x + w], np.asarray(mask, np.uint8), side)


def _cut(color: Image, mask: NDArray[np.uint8], side: float) -> Sprite:
    """The pixels of a box, with the 0/1 `mask` of it as alpha, feathered a little inwards."""
    size = [max(round(length * min(side / math.sqrt(mask.size), 1.0)), 3) for length in mask.shape[::-1]]
    alpha = 255 * mask
    if size[0] * size[1] < 0.6 * mask.size:
        color, alpha = shrink(color, size), shrink(alpha, size)
    h, w = alpha.shape
    color = np.asarray(cv2.copyMakeBorder(color, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_REPLICATE), np.uint8)
    alpha = np.asarray(cv2.copyMakeBorder(alpha, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_CONSTANT), np.uint8)
    # The outermost ring of a mask shows the old background as much as the object.
    if min(w, h) > 2 * SMALLEST:
        alpha = np.asarray(cv2.erode(alpha, CROSS), np.uint8)
    alpha = np.asarray(cv2.GaussianBlur(alpha, (5, 5), min(max(0.01 * min(w, h), 0.6), 1.2)), np.uint8)
    return Sprite(color, alpha, math.sqrt(w * h))


def lookalike(sprite: Sprite, rng: np.random.Generator) -> Sprite:
    """Another individual of the same kind: other colors and brightness, also of gray things; half the time mirrored.

    Its hue turns by at least 35 degrees, so that it stays apart from the target seen in another light.
    """
    turn = int(rng.integers(25, 231))
    faded, cast = math.exp(rng.uniform(-0.7, 0.5)), np.exp(rng.uniform(-0.5, 0.4, 3))
    hsv = cv2.cvtColor(sprite.color, cv2.COLOR_BGR2HSV_FULL)
    turned = np.stack([(VALUES + turn) % 256, VALUES * faded, VALUES], axis=-1).clip(0, 255).astype(np.uint8)
    color = cv2.cvtColor(cv2.LUT(hsv, turned[None]), cv2.COLOR_HSV2BGR_FULL)
    color = relight(np.asarray(color, np.uint8), (VALUES[:, None] * cast).clip(0, 255).astype(np.uint8)[None])
    other = Sprite(color, sprite.alpha, sprite.side)
    return other.mirrored() if rng.random() < 0.5 else other
