"""How strongly made frames differ, and the random poses drawn from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pysot.core.crop import Image
from pysot.datasets.sources.copy_paste.layer import Pose
from pysot.datasets.sources.regions import log_uniform

BEND_GRID = 4


@dataclass(frozen=True)
class CopyPasteParams:
    """Ranges of everything that is drawn for a made frame; see `CopyPasteSource`."""

    size: tuple[float, float]
    move: float
    scale: float
    aspect: float
    rotation: float
    shear: float
    deform: float
    camera: float
    light: float
    blur: float
    distractors: int
    occluder: float
    occlusion: float
    other_cut: float

    def pose(self, rng: np.random.Generator, scale: float, strength: float, side: float) -> Pose:
        """A pose `strength` (0..1) of the way to the limits.

        `scale` is image pixels per sprite pixel before the random change of size, `side` the object's size in image
        pixels, of which the deformation is a share.
        """
        grow = strength * math.log(self.scale) * rng.uniform(-1, 1)
        widen = strength * math.log(self.aspect) * rng.uniform(-0.5, 0.5)
        angle = math.radians(strength * self.rotation * rng.uniform(-1, 1))
        slant = strength * self.shear * rng.uniform(-1, 1)
        cos, sin = math.cos(angle), math.sin(angle)
        stretch = scale * math.exp(grow) * np.diag([math.exp(widen), math.exp(-widen)])
        matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[1, slant], [0, 1]]) @ stretch
        amplitude = strength * self.deform * rng.random() * side * math.exp(grow)
        if amplitude < 0.3:
            return Pose(matrix)
        bend = rng.normal(0, 1, (BEND_GRID, BEND_GRID, 2)).clip(-2, 2) * amplitude
        return Pose(matrix, bend.astype(np.float32))

    def camera_view(self, image: Image, rng: np.random.Generator, strength: float, mirror: bool) -> Image:
        """The frame from a camera that zoomed and turned a little, mirrored when asked; a new array."""
        height, width = image.shape[:2]
        zoom = log_uniform(rng, 1.0, 1 + 0.3 * self.camera * strength)
        w, h = round(width / zoom), round(height / zoom)
        if (w, h) == (width, height):
            return np.asarray(cv2.flip(image, 1), np.uint8) if mirror else image.copy()
        x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
        view = np.asarray(cv2.resize(image[y : y + h, x : x + w], (width, height)), np.uint8)
        if mirror:
            cv2.flip(view, 1, view)
        return view

    def streak(self, rng: np.random.Generator, side: float) -> NDArray[np.float64]:
        """(2,) how far an object of size `side` moves during the exposure, pixels; mostly not at all."""
        if rng.random() >= self.blur:
            return np.zeros(2)
        angle, length = rng.uniform(0, 2 * np.pi), min(rng.uniform(0.02, 0.2) * side, 16.0)
        return length * np.array([math.cos(angle), math.sin(angle)])

    def defocus(self, image: Image, rng: np.random.Generator) -> None:
        """Now and then puts a frame out of focus, in place."""
        if rng.random() < 0.4 * self.blur:
            cv2.GaussianBlur(image, (5, 5), float(rng.uniform(0.6, 1.8)), image)
