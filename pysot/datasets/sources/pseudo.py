"""Made training data: a random piece of a frame is the object, and the frame is warped around it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pysot.core.crop import Image
from pysot.core.errors import ConfigError
from pysot.datasets.sources.base import SOURCES, AnnotatedFrame, Source
from pysot.datasets.sources.light import random_light, relight
from pysot.datasets.sources.regions import SMALLEST_REGION, log_uniform, random_region


@SOURCES.register("pseudo")
class PseudoObjectSource(Source):
    """Any rectangle of any frame that is not flat, seen again under another view of the frame.

    It teaches to find again what was shown, whatever it is, and uses frames without any annotation. Boxes are the
    exact extent of the warped rectangle, always wholly inside the frame; there are no masks.

    Args:
        frames: where the frames come from; its boxes are not used.
        frame_range: a later view lies a uniform 1..`frame_range` steps from the first, and each of its changes is that
            share of the limits below.
        num_use: draws in one pass; -1 for one per video of `frames`.
        size: smallest sqrt(w * h) of the rectangle in pixels, and the largest as a share of the frame's shorter side;
            log-uniform.
        shape: width / height is log-uniform in [1 / shape, shape].
        move: largest shift of the rectangle's center, in units of its sides.
        scale, aspect: largest factors on size and width / height, log-uniform both ways.
        rotation: largest turn in degrees; small, because the box of a turned rectangle holds more than it.
        light: 0..1, change of gain, gamma and color cast.

    Raises:
        ConfigError: an option is out of its range.
    """

    def __init__(
        self,
        name: str,
        frames: Source,
        frame_range: int = 10,
        num_use: int = -1,
        size: Sequence[float] = (24.0, 0.6),
        shape: float = 3.0,
        move: float = 0.5,
        scale: float = 1.4,
        aspect: float = 1.25,
        rotation: float = 4.0,
        light: float = 0.5,
    ) -> None:
        super().__init__(name, frame_range, num_use)
        self.frames, self.size, self.shape, self.move = frames, (float(size[0]), float(size[-1])), shape, move
        self.scale, self.aspect, self.rotation, self.light = scale, aspect, rotation, light
        if frame_range < 1 or min(scale, aspect, shape) < 1 or min(move, rotation) < 0:
            raise ConfigError(
                f"{name}: FRAME_RANGE, SCALE, ASPECT and SHAPE must be at least 1, MOVE and ROTATION at least 0; found "
                f"{frame_range}, {scale}, {aspect}, {shape}, {move}, {rotation}."
            )
        if not (self.size[0] >= SMALLEST_REGION and 0 < self.size[1] <= 1 and 0 <= light <= 1):
            raise ConfigError(
                f"{name}: SIZE is {list(self.size)} and LIGHT {light}; expected a smallest side of at least "
                f"{SMALLEST_REGION} pixels, a largest share of the frame in (0, 1], and a share for LIGHT."
            )

    def __len__(self) -> int:
        return len(self.frames)

    def draw(self, video: int, rng: np.random.Generator, num_frames: int = 2) -> list[AnnotatedFrame]:
        sample = self.frames.draw(video, rng, 1)[0]
        x, y, w, h = random_region(sample.image, rng, self.size, self.shape)
        box = np.array([x, y, w, h], np.float64)
        origin = f"region {x},{y},{w},{h} of {sample.origin}"
        views = [AnnotatedFrame(sample.image, box, None, origin)]
        for _ in range(num_frames - 1):
            strength = int(rng.integers(1, self.frame_range + 1)) / self.frame_range
            image, seen = self._view(sample.image, box, strength, rng)
            views.append(AnnotatedFrame(image, seen, None, origin))
        return views

    def _view(
        self, image: Image, box_xywh: NDArray[np.float64], strength: float, rng: np.random.Generator
    ) -> tuple[Image, NDArray[np.float64]]:
        """The frame warped about the box, and the warped box."""
        room = np.array([image.shape[1], image.shape[0]], np.float64)
        sides = box_xywh[2:]
        linear = self._linear(strength, rng)
        # Smaller when the box would outgrow the frame, larger when it would vanish.
        extent = np.abs(linear) @ sides
        linear *= min(1.0, float((0.98 * room / extent).min()))
        linear *= max(1.0, float((SMALLEST_REGION / (np.abs(linear) @ sides)).max()))
        extent = np.minimum(np.abs(linear) @ sides, room)
        old = box_xywh[:2] + sides / 2
        new = (old + strength * self.move * rng.uniform(-1, 1, 2) * sides).clip(extent / 2, room - extent / 2)
        # Corners are continuous coordinates, in which pixel i covers [i, i + 1); OpenCV counts from pixel centers.
        offset = new - linear @ old + linear @ (0.5, 0.5) - 0.5
        # Filled like the crops of the trackers; mirroring at the border would make twins of the object.
        matrix, fill = np.column_stack([linear, offset]), cv2.mean(image)
        view = cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_CONSTANT, borderValue=fill)
        if rng.random() < 0.8:
            view = relight(np.asarray(view, np.uint8), random_light(rng, self.light))
        return np.asarray(view, np.uint8), np.concatenate([new - extent / 2, extent])

    def _linear(self, strength: float, rng: np.random.Generator) -> NDArray[np.float64]:
        """(2, 2) random turn, size and aspect."""
        size = log_uniform(rng, 1 / self.scale, self.scale) ** strength
        widen = log_uniform(rng, 1 / self.aspect, self.aspect) ** (strength / 2)
        angle = math.radians(strength * self.rotation * rng.uniform(-1, 1))
        cos, sin = math.cos(angle), math.sin(angle)
        return np.array([[cos, -sin], [sin, cos]]) @ np.diag([size * widen, size / widen])
