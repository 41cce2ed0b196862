"""Motion: smooth random curves, the camera's path, and the pose of an object at every frame. World units are pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from toolkit.synthetic.outline import Points
from toolkit.synthetic.texture import Plane, Rng

Curve = NDArray[np.float64]
"""(N,) or (N, 2) float64, one row per frame."""
Matrix = NDArray[np.float64]
"""3x3 float64 homogeneous transform of continuous pixel coordinates."""

BEND_WAVE = 4.0  # radians per model unit: a model shows about two thirds of a wave


def through(knots: Curve, times: NDArray[np.float64], count: int) -> Curve:
    """A Catmull-Rom curve that passes `knots` (K,) or (K, 2) at `times` (K,) frames, sampled at frames 0..count-1."""
    values = knots.reshape(len(knots), -1)
    slopes = np.gradient(values, times, axis=0)
    frames = np.arange(count, dtype=np.float64)
    at = np.clip(np.searchsorted(times, frames, side="right") - 1, 0, len(times) - 2)
    span = (times[at + 1] - times[at])[:, None]
    t = np.clip((frames[:, None] - times[at][:, None]) / span, 0, 1)
    start, end = values[at], values[at + 1]
    curve = (
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * span * slopes[at]
        + (3 * t**2 - 2 * t**3) * end
        + (t**3 - t**2) * span * slopes[at + 1]
    )
    return np.asarray(curve.reshape(count, *knots.shape[1:]))


def wave(rng: Rng, count: int, amplitude: float, period: float = 40.0) -> Curve:
    """A smooth random curve within +-`amplitude` that starts at 0, with a turn about every `period` / 2 frames."""
    knots = max(int(np.ceil(2 * count / period)), 2) + 1
    values = rng.uniform(0.5, 1, knots) * np.where(np.arange(knots) % 2 == 0, 1, -1) * rng.choice([-1, 1])
    values[0] = 0
    times = np.linspace(0, max(count - 1, 1), knots)
    return np.clip(amplitude * through(values, times, count), -amplitude, amplitude)


def jitter(rng: Rng, count: int, amplitude: float) -> Curve:
    """(count, 2) hand shake: smoothed noise of standard deviation `amplitude` pixels, 0 at frame 0."""
    noise = rng.normal(0, 1, (count + 4, 2))
    smooth = (noise[:-4] + 2 * noise[1:-3] + 3 * noise[2:-2] + 2 * noise[3:-1] + noise[4:]) / np.sqrt(19)
    return np.asarray(amplitude * (smooth - smooth[0]))


@dataclass(frozen=True, eq=False)
class Track:
    """The pose of one object at every frame.

    Attributes:
        center: (N, 2) where the model's origin is, world pixels.
        size: (N,) pixels per model unit.
        angle: (N,) rotation, radians, clockwise on the screen.
        squash: (N,) factor on the model's width, as when it turns away from the viewer.
        phase: (N,) gait in radians: drives the swing of its parts.
        bend: (N,) amplitude of the wave that runs through it, model units; 0 is rigid.
    """

    center: Curve
    size: Curve
    angle: Curve
    squash: Curve
    phase: Curve
    bend: Curve

    def pose(self, frame: int) -> Matrix:
        """3x3 matrix from the (bent) model frame to the world at `frame`."""
        size, angle = self.size[frame], self.angle[frame]
        cos, sin, width = size * np.cos(angle), size * np.sin(angle), self.squash[frame]
        x, y = self.center[frame]
        return np.array([[cos * width, -sin, x], [sin * width, cos, y], [0, 0, 1.0]])


def still(center: tuple[float, float] | Curve, count: int, size: float = 1.0) -> Track:
    """The track of a thing that stands at `center` all the time."""
    one, zero = np.ones(count), np.zeros(count)
    return Track(np.tile(np.asarray(center, np.float64), (count, 1)), size * one, zero, one, zero, zero)


def bend(points: Points, amount: Curve | float, phase: Curve | float) -> Points:
    """Sends a wave through a model: two shears, each exactly invertible (see `unbend`), area kept.

    `points` (..., 2) in the model frame; `amount` and `phase` broadcast against its leading axes.
    """
    x = points[..., 0] + amount * np.sin(BEND_WAVE * points[..., 1] + phase)
    y = points[..., 1] + 0.7 * amount * np.sin(BEND_WAVE * x + phase)
    return np.stack([x, y], axis=-1)


def unbend(x: Plane, y: Plane, amount: float, phase: float) -> tuple[Plane, Plane]:
    """The inverse of `bend` for float32 coordinate arrays of any shape."""
    rest_y = y - 0.7 * amount * np.sin(BEND_WAVE * x + phase)
    return x - amount * np.sin(BEND_WAVE * rest_y + phase), rest_y


def transform(matrix: Matrix, points: Points) -> Points:
    """Applies a 3x3 affine matrix to (K, 2) points."""
    return np.asarray(points @ matrix[:2, :2].T + matrix[:2, 2])


def invert(matrix: Matrix) -> Matrix:
    """The inverse of a 3x3 affine matrix, in closed form: several times faster than a general solver at this size."""
    (a, b, x), (c, d, y) = matrix[0].tolist(), matrix[1].tolist()
    det = a * d - b * c
    a, b, c, d = d / det, -b / det, -c / det, a / det
    return np.array([[a, b, -a * x - b * y], [c, d, -c * x - d * y], [0.0, 0.0, 1.0]])


@dataclass(frozen=True, eq=False)
class Camera:
    """Where the image lies in the world at every frame.

    Attributes:
        size: (width, height) of the image.
        center: (N, 2) world point in the middle of the image, hand shake included.
        zoom: (N,) image pixels per world pixel.
        roll: (N,) radians.
        steady: (N, 2) the same path without the shake; trajectories are drawn in it.
    """

    size: tuple[int, int]
    center: Curve
    zoom: Curve
    roll: Curve
    steady: Curve = field(repr=False)

    def matrix(self, frame: int) -> Matrix:
        """3x3 matrix from world to image coordinates at `frame`."""
        return self._matrices[frame]

    @cached_property
    def _matrices(self) -> list[Matrix]:
        return [self._matrix(center, frame) for frame, center in enumerate(self.center)]

    def _matrix(self, center: Curve, frame: int) -> Matrix:
        zoom, roll = self.zoom[frame], self.roll[frame]
        cos, sin = zoom * np.cos(roll), zoom * np.sin(roll)
        turn = np.array([[cos, -sin], [sin, cos]])
        matrix = np.eye(3)
        matrix[:2, :2] = turn
        matrix[:2, 2] = np.array(self.size) / 2 - turn @ center
        return matrix

    def to_world(self, view: Curve) -> Curve:
        """Turns a path given in the steady image, (N, 2) pixels, into world coordinates."""
        inverse = [invert(self._matrix(self.steady[i], i)) for i in range(len(view))]
        return np.array([m[:2, :2] @ p + m[:2, 2] for m, p in zip(inverse, view, strict=True)])

    @cached_property
    def world_bounds(self) -> tuple[int, int, int, int]:
        """(left, top, width, height) of the part of the world that is ever seen, whole pixels with a small margin."""
        width, height = self.size
        corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
        seen = np.concatenate([transform(invert(self.matrix(i)), corners) for i in range(len(self.zoom))])
        low, high = np.floor(seen.min(axis=0)).astype(int) - 2, np.ceil(seen.max(axis=0)).astype(int) + 2
        return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])
