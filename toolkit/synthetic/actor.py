"""One object on its track: its outlines at any frame, and its picture laid into the frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.frames import Image
from toolkit.synthetic.motion import Camera, Matrix, Track, bend, invert, transform, unbend
from toolkit.synthetic.objects import ObjectModel
from toolkit.synthetic.outline import Points, bounds
from toolkit.synthetic.sprite import Sprite, blend, motion_kernel, paint_part
from toolkit.synthetic.texture import Plane

Window: TypeAlias = tuple[int, int, int, int]
"""x, y, width, height of a piece of the image, whole pixels; it may reach over the border."""

SHADOW_STRENGTH = 0.45
DENSITY_LIMIT = 220.0
_ROWS, _COLUMNS = (np.mgrid[:64, :64] - 31.5) / 31.5
SOFT_ELLIPSE: NDArray[np.uint8] = np.asarray(255 * np.clip(1.4 * (1 - _ROWS**2 - _COLUMNS**2), 0, 1), np.uint8)


@dataclass(frozen=True, eq=False)
class Actor:
    """An object in the scene: a model that moves along a track.

    Attributes:
        model: what it is.
        track: its pose at every frame.
        largest: its greatest size on screen in pixels per model unit, which sets the resolution its parts are painted
            at.
        shadow: how dark its ground shadow is, 0..1.
    """

    model: ObjectModel
    track: Track
    largest: float
    shadow: float = SHADOW_STRENGTH

    @cached_property
    def sprites(self) -> tuple[Sprite, ...]:
        """The painted parts; made at first use and left out when the actor is sent to another process."""
        density = min(1.1 * self.largest, DENSITY_LIMIT)
        return tuple(paint_part(part, density) for part in self.model.parts)

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name not in ("sprites", "bodies")}

    @cached_property
    def bodies(self) -> NDArray[np.float64]:
        """(N, K, 2): the points of all parts in the model frame, limbs swung and body bent, at every frame."""
        points, counts = self.model.points
        poses = np.repeat(self.model.poses(self.track.phase), counts, axis=1)
        swung = np.einsum("nkij,kj->nki", poses[..., :2, :2], points) + poses[..., :2, 2]
        return bend(swung, self.track.bend[:, None], self.track.phase[:, None])

    def outlines(self, frame: int, camera: Matrix) -> list[Points]:
        """The outline of every part in image coordinates; their union is the region the model covers."""
        return self._split(transform(camera @ self.track.pose(frame), self.bodies[frame]))

    def outlines_and_corners(self, frame: int, camera: Matrix) -> tuple[list[Points], Points]:
        """The outlines, and the (4, 2) image corners of the model's tight box in its own axes, which turn with it."""
        body, to_image = self.bodies[frame], camera @ self.track.pose(frame)
        left, top, right, bottom = bounds([body])
        box = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
        return self._split(transform(to_image, body)), transform(to_image, box)

    def _split(self, points: Points) -> list[Points]:
        ends = np.cumsum(self.model.points[1]).tolist()
        return [points[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def draw(
        self, frame: Image, index: int, camera: Matrix, exposure: NDArray[np.float64] | tuple[float, float] = (0.0, 0.0)
    ) -> None:
        """Draws the model and its shadow in place; `exposure` (2,) is its displacement in image pixels while the
        shutter is open."""
        outlines = self.outlines(index, camera)
        kernel = motion_kernel(np.asarray(exposure))
        reach = 1 if kernel is None else len(kernel) // 2 + 1
        self._draw_shadow(frame, bounds(outlines))
        whole = _window(bounds(outlines), reach, frame.shape)
        if whole is None:
            return
        pose = camera @ self.track.pose(index)
        scale = float(np.sqrt(abs(pose[0, 0] * pose[1, 1] - pose[0, 1] * pose[1, 0])))
        rest = self._rest_map(invert(pose), index, whole)
        swings = self.model.poses(self.track.phase[index])
        for swing, sprite, points in zip(swings, self.sprites, outlines, strict=True):
            window = _window(bounds([points]), reach, frame.shape)
            if window is None:
                continue
            level = sprite.level_for(scale)
            local = swing @ sprite.to_model(level)
            x, y, width, height = window
            if rest is None:
                matrix = (pose @ local)[:2]  # sprite pixel centers to image coordinates
                matrix[:, 2] -= (x + 0.5, y + 0.5)
                patch = np.asarray(cv2.warpAffine(sprite.levels[level], matrix, (width, height)), np.uint8)
            else:
                patch = _warp_bent(sprite.levels[level], invert(local), rest, whole, window)
            if kernel is not None:
                patch = np.asarray(cv2.filter2D(patch, -1, kernel, borderType=cv2.BORDER_CONSTANT), np.uint8)
            left, top = max(x, 0), max(y, 0)
            right, bottom = min(x + width, frame.shape[1]), min(y + height, frame.shape[0])
            blend(frame, patch[top - y : bottom - y, left - x : right - x], left, top)

    def _rest_map(self, inverse: Matrix, index: int, window: Window) -> tuple[Plane, Plane] | None:
        """For every pixel center of `window`, the x and y of the unbent model point seen there; None when rigid."""
        amount, phase = float(self.track.bend[index]), float(self.track.phase[index])
        if amount == 0:
            return None
        x, y, width, height = window
        (a, b, c), (d, e, f) = inverse[0].tolist(), inverse[1].tolist()
        columns = np.arange(x, x + width, dtype=np.float32) + np.float32(0.5)
        rows = np.arange(y, y + height, dtype=np.float32)[:, None] + np.float32(0.5)
        return unbend(a * columns + (b * rows + c), d * columns + (e * rows + f), amount, phase)

    def _draw_shadow(self, frame: Image, box: tuple[float, float, float, float]) -> None:
        """Darkens the ground under the model, whose image box is left, top, right, bottom, by a soft ellipse."""
        left, top, right, bottom = box
        width, height = right - left, bottom - top
        low = bottom if self.model.upright else bottom - 0.3 * height
        tall = 0.3 * (width if self.model.upright else height)
        left, right = left - 0.05 * width, right + 0.25 * width
        window = _window((left, low - tall, right, low + tall), 0, frame.shape)
        if window is None or self.shadow == 0:
            return
        x, y, _, _ = window
        columns, rows = (right - left) / len(SOFT_ELLIPSE), 2 * tall / len(SOFT_ELLIPSE)
        matrix = np.array([[columns, 0, left - x], [0, rows, low - tall - y]])
        dark = cv2.warpAffine(SOFT_ELLIPSE, matrix, window[2:])
        light = cv2.cvtColor(255 - cv2.convertScaleAbs(dark, alpha=self.shadow), cv2.COLOR_GRAY2BGR)
        view = frame[y : y + window[3], x : x + window[2]]
        view[:] = cv2.multiply(view, light, scale=1 / 255)


def make_actor(model: ObjectModel, track: Track, camera: Camera, shadow: float = SHADOW_STRENGTH) -> Actor:
    """The object `model` on `track`, painted finely enough for all that `camera` shows of it."""
    return Actor(model, track, float((track.size * camera.zoom).max()), shadow)


def _warp_bent(
    sprite: NDArray[np.uint8], back: Matrix, rest: tuple[Plane, Plane], whole: Window, window: Window
) -> NDArray[np.uint8]:
    """The sprite as seen over `window`, given the unbent model point of every pixel of `whole` around it.

    `back` maps model points to sprite pixel centers.
    """
    left, top = window[0] - whole[0], window[1] - whole[1]
    x, y = (plane[top : top + window[3], left : left + window[2]] for plane in rest)
    (a, b, c), (d, e, f) = back[0].tolist(), back[1].tolist()
    return np.asarray(cv2.remap(sprite, a * x + (b * y + c), d * x + (e * y + f), cv2.INTER_LINEAR), np.uint8)


def _window(box: tuple[float, float, float, float], reach: int, shape: tuple[int, ...]) -> Window | None:
    """The box (left, top, right, bottom) grown by `reach` pixels and cut `reach` pixels outside the image; None when
    it misses the image."""
    left, top = max(floor(box[0]) - reach, -reach), max(floor(box[1]) - reach, -reach)
    right, bottom = min(ceil(box[2]) + reach, shape[1] + reach), min(ceil(box[3]) + reach, shape[0] + reach)
    if right <= 0 or bottom <= 0 or left >= shape[1] or top >= shape[0]:
        return None
    return left, top, right - left, bottom - top
