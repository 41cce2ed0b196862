"""How much made frames vary, and the random poses, views and blurs that are drawn from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pysot.core.checks import check
from pysot.core.crop import Image
from pysot.datasets.sources.copy_paste.layer import Pose
from pysot.datasets.sources.regions import log_uniform

BEND_GRID = 4


@dataclass(frozen=True)
class CopyPasteParams:
    """How made frames vary: the keys of a group of KIND copy_paste, in lower case, and the draws they rule.

    Attributes:
        scrap: share of the draws whose object is a blob cut out of a background: an object of no kind.
        size: of the object in the first frame, sqrt(w * h) as a share of the image's shorter side; log-uniform.
            Objects are never enlarged more than twice.
        move: how far the object moves between two frames, in units of its size (standard deviation).
        scale, aspect: largest factors on size and width / height, log-uniform both ways.
        rotation: largest turn in degrees, both ways.
        shear: largest shear, both ways.
        deform: amplitude of the smooth deformation as a share of the object's size.
        camera: 0..1, how much the background's view changes (at 1: zoom of up to 1.3 on any part of the frame).
        light: 0..1, change of gain, gamma and color cast of the object, and half as much of the whole frame.
        blur: probability that the object is smeared by motion; 0.4 times that the frame is out of focus.
        distractors: the most other objects beside the target, a uniform number from 0.
        occluder: probability that a thing covers a part of the target in a later frame.
        occlusion: the largest share of the target's pixels that it may hide.
        other_cut: probability that every frame shows a cut of its own, from another frame of the object's video.
        visible_box: True makes boxes those of the visible pixels.

    Raises:
        ConfigError: a value is out of its range.
    """

    scrap: float = 0.25
    size: Sequence[float] = (0.06, 0.6)
    move: float = 1.0
    scale: float = 1.5
    aspect: float = 1.25
    rotation: float = 20.0
    shear: float = 0.15
    deform: float = 0.06
    camera: float = 0.5
    light: float = 0.6
    blur: float = 0.3
    distractors: int = 2
    occluder: float = 0.3
    occlusion: float = 0.4
    other_cut: float = 0.5
    visible_box: bool = False

    def __post_init__(self) -> None:
        for name in ("scrap", "blur", "occluder", "occlusion", "camera", "light", "other_cut"):
            value = getattr(self, name)
            check(0 <= value <= 1, name.upper(), value, "a share from 0 to 1")
        fine = 0 < self.size[0] <= self.size[-1] <= 1
        check(fine, "SIZE", self.size, "[smallest, largest], both shares above 0")
        for name, least in (("scale", 1), ("aspect", 1), ("distractors", 0)):
            check(getattr(self, name) >= least, name.upper(), getattr(self, name), f"{least} or more")

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
