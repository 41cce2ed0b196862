"""From an annotated frame to a network input: one random window around the target (docs/systems/siamrpn.md,
Training data).

Lengths are in *units*: the image pixels that one pixel of the plain crop covers, context side / exemplar size. PySOT
cuts its windows from prepared crops of 511 x 511 pixels with the target in the middle, where a unit is one pixel.
The same window cut from a whole frame is measured in units and kept inside a square of 511 units, so that prepared
crops and frames give the same views.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from yacs.config import CfgNode

from pysot.core.crop import Image, context_side, mean_color
from pysot.core.geometry import xywh_to_cxcywh, xywh_to_xyxy
from pysot.datasets.sources.base import AnnotatedFrame

CROP_SIDE = 511
"""Side of a prepared crop, and of the square that a window never leaves, in units."""

_BLUR_SIZES = (5, 45)
_COLOR_BGR = np.array(
    [
        [4.64467907, 4.73710203, 4.88324118],
        [1.72091413, 0.19879334, -1.82968581],
        [-0.55919361, 0.98062831, -0.41940627],
    ]
)
"""Principal directions of color in natural images, times their standard deviations, in gray levels: rows B, G, R."""


@dataclass(frozen=True)
class ViewParams:
    """How much one view varies; all zero gives the plain crop.

    Attributes:
        shift: largest displacement along each axis, units.
        scale: largest relative change of the window's width and of its height, each on its own.
        blur, flip, color: probabilities of motion blur, of mirroring left and right, of a random tint.
    """

    shift: float = 0.0
    scale: float = 0.0
    blur: float = 0.0
    flip: float = 0.0
    color: float = 0.0

    @classmethod
    def from_config(cls, node: CfgNode) -> ViewParams:
        """What the group DATASET.TEMPLATE or DATASET.SEARCH says."""
        return cls(node.SHIFT, node.SCALE, node.BLUR, node.FLIP, node.COLOR)


@dataclass(frozen=True)
class Patch:
    """A view of the target.

    Attributes:
        image: (S, S, 3) float32 BGR, about 0..255: a tint is not clipped.
        box_xyxy: (4,) float64 pixels of the patch; parts may lie outside of it.
        mask: (S, S) bool, None where the sample has none.
    """

    image: NDArray[np.float32]
    box_xyxy: NDArray[np.float64]
    mask: NDArray[np.bool_] | None


@dataclass(frozen=True)
class _Window:
    """Axis-aligned map from image to patch: patch_xy = (image_xy - origin_xy) / step_xy."""

    origin_xy: NDArray[np.float64]
    step_xy: NDArray[np.float64]

    def box(self, box_xywh: NDArray[np.float64]) -> NDArray[np.float64]:
        corners = np.asarray(xywh_to_xyxy(box_xywh), dtype=np.float64)
        return (corners - np.tile(self.origin_xy, 2)) / np.tile(self.step_xy, 2)

    def inside(self, size: int, image_hw: tuple[int, int]) -> bool:
        """Whether every pixel of the patch falls between pixels of the image."""
        end_xy = self.origin_xy + (size - 1) * self.step_xy
        return bool((self.origin_xy >= 0).all() and end_xy[0] <= image_hw[1] - 1 and end_xy[1] <= image_hw[0] - 1)

    def warp(self, image: NDArray[np.uint8], size: int, fill: tuple[float, ...]) -> NDArray[np.uint8]:
        """(size, size, ...) bilinear samples of `image`, `fill` outside of it."""
        matrix = np.zeros((2, 3))
        matrix[0, 0], matrix[1, 1] = self.step_xy
        matrix[:, 2] = self.origin_xy
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        warped = cv2.warpAffine(
            image, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=fill
        )
        return np.asarray(warped, dtype=np.uint8)


def make_view(
    sample: AnnotatedFrame,
    size: int,
    params: ViewParams,
    rng: np.random.Generator,
    *,
    gray: bool = False,
    exemplar_size: int = 127,
    context: float = 0.5,
) -> Patch:
    """A random view of the sample's target: window, gray, tint, blur, mirror, in this order.

    Args:
        sample: a prepared crop or a whole frame.
        size: side of the patch, pixels.
        params: how much it varies.
        rng: the only source of randomness; the number of draws depends on `params` and on what is drawn.
        gray: give all channels the same gray value, before the tint.
        exemplar_size: side of the template patch, which spans the target with its context; sets the unit.
        context: share of width + height that is added around the target, as `TRACK.CONTEXT_AMOUNT`.

    What lies outside of the image gets its mean color (of every 8th row and column: the mean of all pixels would
    take as long as the view).

    Nothing is smoothed before it shrinks, because nothing is when the tracker crops, and a network is to learn from
    what it will see. On 24 real frames with a unit of 1.5 to 6 pixels, plain views had as much detail (mean absolute
    Laplacian, within 8 %) as the tracker's crops, smoothed ones a tenth to a half less.
    """
    unit = context_side((float(sample.box_xywh[2]), float(sample.box_xywh[3])), context) / exemplar_size
    window = _draw_window(sample.box_xywh, size, unit, params, rng)
    image_hw = sample.image.shape[0], sample.image.shape[1]
    fill = (0.0, 0.0, 0.0) if window.inside(size, image_hw) else mean_color(sample.image)
    pixels = window.warp(sample.image, size, fill)
    pixels = grayed(pixels) if gray else pixels
    tint = _COLOR_BGR @ rng.standard_normal(3) if rng.random() < params.color else np.zeros(3)
    image = np.asarray(cv2.subtract(pixels, np.array([*tint, 0.0]), dtype=cv2.CV_32F), dtype=np.float32)
    if rng.random() < params.blur:
        image = _motion_blur(image, rng)
    box_xyxy, mask = window.box(sample.box_xywh), None
    if sample.mask is not None:  # 0 and 1, interpolated, are rounded to 0 or 1: half a pixel or more is the object
        mask = window.warp(sample.mask.view(np.uint8), size, (0.0,)) > 0
    if rng.random() < params.flip:
        image = np.asarray(cv2.flip(image, 1), dtype=np.float32)
        box_xyxy = np.array([size - 1 - box_xyxy[2], box_xyxy[1], size - 1 - box_xyxy[0], box_xyxy[3]])
        mask = None if mask is None else np.ascontiguousarray(mask[:, ::-1])
    return Patch(image, box_xyxy, mask)


def grayed(image: Image) -> Image:
    """(H, W, 3) uint8 without its color."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), dtype=np.uint8)


def _draw_window(
    box_xywh: NDArray[np.float64], size: int, unit: float, params: ViewParams, rng: np.random.Generator
) -> _Window:
    """A window of size - 1 units around the box's center, scaled and shifted at random inside the square."""
    scale_xy = np.minimum(1 + rng.uniform(-1, 1, 2) * params.scale, CROP_SIDE / (size - 1))
    half_xy = (size - 1) / 2 * scale_xy
    room_xy = np.maximum((CROP_SIDE - 1) / 2 - half_xy, 0)
    shift_xy = np.clip(rng.uniform(-1, 1, 2) * params.shift, -room_xy, room_xy)
    center_xy = np.asarray(xywh_to_cxcywh(box_xywh), dtype=np.float64)[:2]
    return _Window(center_xy + (shift_xy - half_xy) * unit, scale_xy * unit)


def _motion_blur(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Filters with a cross of random odd size; its two arms share the weight at random."""
    size = int(rng.integers(_BLUR_SIZES[0] // 2, _BLUR_SIZES[1] // 2 + 1)) * 2 + 1
    weight = float(rng.random())
    vertical, horizontal = cv2.blur(image, (1, size)), cv2.blur(image, (size, 1))
    return np.asarray(cv2.addWeighted(vertical, weight, horizontal, 1 - weight, 0), dtype=np.float32)
