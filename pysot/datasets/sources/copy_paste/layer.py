"""A cut-out under a pose: warped into a small window, and laid over a frame there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pysot.core.crop import Image
from pysot.datasets.sources.copy_paste.sprite import Sprite
from pysot.datasets.sources.light import LightTable, relight
from toolkit.synthetic.sprite import blend, motion_kernel

SMOOTH_GRID = 16  # a deformation is smooth up to this grid and linear between, which is several times faster
SOLID = 128  # alpha from which on a pixel belongs to the object


@dataclass(frozen=True, eq=False)
class Pose:
    """How an object is seen.

    Attributes:
        matrix: (2, 2) from sprite pixels to image pixels.
        bend: (k, k, 2) displacement of the sprite's points on a coarse grid over the window, image pixels; smooth
            between. None leaves it rigid.
    """

    matrix: NDArray[np.float64]
    bend: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Layer:
    """A warped cut-out and its place.

    Attributes:
        picture: (h, w, 4) uint8, premultiplied BGRA.
        solid: (h, w) bool, the object's pixels before any blur.
        extent_xywh: tight box of `solid` in the window, whole pixels.
        x, y: image pixel of the window's top-left pixel; may lie outside the image.
    """

    picture: NDArray[np.uint8]
    solid: NDArray[np.bool_]
    extent_xywh: tuple[int, int, int, int]
    x: int = 0
    y: int = 0

    @property
    def box_xywh(self) -> tuple[int, int, int, int]:
        """Tight box of the whole object in image pixels, parts outside the image included."""
        left, top, width, height = self.extent_xywh
        return self.x + left, self.y + top, width, height

    def at(self, left: int, top: int) -> Layer:
        """This layer with the top-left corner of its box at image pixel (left, top)."""
        return replace(self, x=left - self.extent_xywh[0], y=top - self.extent_xywh[1])

    def blurred(self, velocity_xy: NDArray[np.float64]) -> Layer:
        """This layer smeared along a displacement in pixels; `solid` stays."""
        kernel = motion_kernel(velocity_xy)
        if kernel is None:
            return self
        reach = len(kernel) // 2
        wide = cv2.copyMakeBorder(self.picture, reach, reach, reach, reach, cv2.BORDER_CONSTANT)
        left, top, width, height = self.extent_xywh
        return Layer(
            np.asarray(cv2.filter2D(wide, -1, kernel, borderType=cv2.BORDER_CONSTANT), np.uint8),
            np.pad(self.solid, reach),
            (left + reach, top + reach, width, height),
            self.x - reach,
            self.y - reach,
        )

    def paste(self, image: Image) -> None:
        """Lays the part that lies inside `image` (H, W, 3) uint8 over it, in place."""
        inside, x, y = self._clip(image.shape)
        if inside is not None:
            blend(image, self.picture[inside], x, y)

    def mask(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """The object's pixels in an image of (H, W, ...) `shape`: (H, W) bool."""
        whole = np.zeros(shape[:2], np.bool_)
        inside, x, y = self._clip(shape)
        if inside is not None:
            part = self.solid[inside]
            whole[y : y + part.shape[0], x : x + part.shape[1]] = part
        return whole

    def covers(self, other: Layer, shape: tuple[int, ...]) -> float:
        """Share of the pixels that `other` has inside an image of `shape` which this layer hides, 0..1."""
        inside, x, y = other._clip(shape)
        if inside is None:
            return 0.0
        target = other.solid[inside]
        shifted = replace(self, x=self.x - x, y=self.y - y)
        hidden = target & shifted.mask(target.shape)
        return float(hidden.sum()) / max(int(target.sum()), 1)

    def _clip(self, shape: tuple[int, ...]) -> tuple[tuple[slice, slice] | None, int, int]:
        """Slices of the window that lie in an image of `shape`, and the image pixel of their first; None outside."""
        height, width = self.solid.shape
        left, top = max(self.x, 0), max(self.y, 0)
        right, bottom = min(self.x + width, shape[1]), min(self.y + height, shape[0])
        if left >= right or top >= bottom:
            return None, 0, 0
        return (slice(top - self.y, bottom - self.y), slice(left - self.x, right - self.x)), left, top


def warp(sprite: Sprite, pose: Pose, light: LightTable | None = None) -> Layer | None:
    """Draws `sprite` under a pose and a change of light into a window of its own; None when nothing is left of it."""
    color = sprite.color if light is None else relight(sprite.color, light)
    weight = cv2.cvtColor(sprite.alpha, cv2.COLOR_GRAY2BGR)
    source = cv2.merge([cv2.multiply(color, weight, scale=1 / 255), sprite.alpha])
    half = np.array(sprite.alpha.shape[::-1]) / 2
    reach = np.abs(pose.matrix) @ half
    if pose.bend is not None:
        reach = reach + 1.2 * np.abs(pose.bend).max(axis=(0, 1))  # the cubic between grid points overshoots
    width, height = (2 * np.ceil(reach) + 2).astype(int).tolist()
    (a, b), (c, d) = pose.matrix.tolist()  # inverted in closed form, several times faster than by a general solver
    inverse = np.array([[d, -b], [-c, a]]) / (a * d - b * c)
    offset = half - 0.5 - inverse @ (np.array([width, height]) / 2 - 0.5)
    picture = cv2.remap(source, *_maps(inverse, offset, pose.bend, width, height), cv2.INTER_LINEAR)
    solid = picture[..., 3] >= SOLID
    extent = cv2.boundingRect(solid.view(np.uint8))
    if min(extent[2:]) == 0:
        return None
    return Layer(np.asarray(picture, np.uint8), solid, (extent[0], extent[1], extent[2], extent[3]))


def _maps(
    inverse: NDArray[np.float64], offset: NDArray[np.float64], bend: NDArray[np.float32] | None, width: int, height: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The x and y of the sprite pixel seen at every pixel of the window, (height, width) float32 each."""
    columns, rows = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    (a, b), (c, d) = inverse.astype(np.float32)
    x, y = offset.astype(np.float32)
    map_x, map_y = a * columns + (b * rows + x), c * columns + (d * rows + y)
    if bend is not None:
        moved = (bend.reshape(-1, 2) @ inverse.T).astype(np.float32).reshape(bend.shape)
        smooth = cv2.resize(moved, (SMOOTH_GRID, SMOOTH_GRID), interpolation=cv2.INTER_CUBIC)
        for grid, plane in zip(cv2.split(smooth), (map_x, map_y), strict=True):
            plane += cv2.resize(grid, (width, height))
    return map_x, map_y
