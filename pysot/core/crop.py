"""The two croppers. Siamese trackers: a square around a point, padded with the mean color, resized to the network's
input. ATOM and DiMP: the same, but thinned before it is resized and padded by repeating the border.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8 in BGR order, as OpenCV reads it."""


def context_side(size_wh: tuple[float, float], context: float) -> float:
    """Side s_z, in image pixels, of the template crop of a target `size_wh`.

    sqrt((w + p)(h + p)) with p = context * (w + h), not rounded (docs/systems/siamrpn.md, Tracking).
    """
    width, height = size_wh
    padding = context * (width + height)
    return math.sqrt((width + padding) * (height + padding))


def mean_color(image: Image) -> tuple[float, ...]:
    """Mean blue, green and red of every eighth row and column: the mean of all pixels would take as long as a crop."""
    size_wh = max(1, image.shape[1] // 8), max(1, image.shape[0] // 8)
    return cv2.mean(cv2.resize(image, size_wh, interpolation=cv2.INTER_NEAREST))[:3]


def get_subwindow(
    image: Image, center_xy: tuple[float, float], model_size: int, original_size: int, fill_bgr: NDArray[np.floating]
) -> Image:
    """Cuts a square out of `image` and resizes it.

    Args:
        image: (H, W, 3) uint8, or floats of the same range.
        center_xy: center of the square, image pixels.
        model_size: side of the result, pixels.
        original_size: side of the square in the image, pixels, at least 1.
        fill_bgr: (3,) color of what lies outside the image; truncated to whole gray levels, as published trackers do.

    Returns:
        (model_size, model_size, 3) in the type of `image`; uint8 where the square hangs out of it.

    Source: PySOT's `get_subwindow`; docs/systems/siamrpn.md, Tracking.
    """
    height, width = image.shape[:2]
    half = (original_size + 1) / 2
    left, top = math.floor(center_xy[0] - half + 0.5), math.floor(center_xy[1] - half + 0.5)
    right, bottom = left + original_size, top + original_size
    patch = image[max(0, top) : max(0, min(height, bottom)), max(0, left) : max(0, min(width, right))]
    if patch.shape[:2] != (original_size, original_size):
        inside, patch = patch, np.empty((original_size, original_size, 3), dtype=np.uint8)
        patch[:] = np.asarray(fill_bgr).astype(np.uint8)
        if inside.size:
            y, x = max(0, -top), max(0, -left)
            patch[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    if original_size != model_size:
        patch = np.asarray(cv2.resize(patch, (model_size, model_size)))
    return np.ascontiguousarray(patch)


BORDER_MODES = ("replicate", "inside", "inside_major")
"""What `sample_patch` may do with a square that hangs out of the image."""


@dataclass(frozen=True)
class SampledPatch:
    """What `sample_patch` cut out of an image.

    Attributes:
        pixels: (h, w, 3) uint8, not yet resized to the network's input.
        box_xyxy: the rectangle it covers, image pixels.
    """

    pixels: Image
    box_xyxy: tuple[float, float, float, float]


def sample_patch(
    image: Image,
    center_xy: tuple[float, float],
    side: float,
    output_side: int,
    *,
    integer_division: bool = True,
    border: str = "replicate",
    max_scale_change: float = 1.5,
) -> SampledPatch:
    """Cuts out the square that ATOM and DiMP look at (docs/systems/atom.md, Crops), not yet resized to `output_side`.

    A square much larger than the output is thinned first, by a whole factor: memory stays bounded however large it is.

    Args:
        image: (H, W, 3) uint8.
        center_xy: center of the square, image pixels; may lie outside the image.
        side: side of the square, image pixels.
        output_side: side the caller will resize to, pixels.
        integer_division: how half a side is taken. True as the published numbers were made (torch < 1.5); False as
            today's torch divides, which moves the patch by up to 2 pixels.
        border: `replicate`; or `inside` and `inside_major`, where the square shrinks (`fitting_side`) and is moved into
            the image as far as it fits (docs/systems/dimp.md, PrDiMP). What hangs out repeats the border.
        max_scale_change: how much it may shrink.
    """
    side = fitting_side(side, (image.shape[0], image.shape[1]), border, max_scale_change)
    factor = max(int(side / output_side - 0.1), 1)
    size = max(round(side / factor), 2)
    offsets, starts, stops, box = [], [], [], []
    for center, limit in zip(center_xy, image.shape[1::-1], strict=True):
        offset = int(center) % factor
        middle = (int(center) - offset) // factor
        if integer_division:
            low, high = float(middle - (size - 1) // 2), float(middle + size // 2 + 1)
        else:
            low, high = middle - (size - 1) / 2, middle + size / 2 + 1
        offset %= limit
        if border != "replicate":
            shift = shift_inside(low, high, len(range(offset, limit, factor)))
            low, high = low + shift, high + shift
        offsets.append(offset)
        starts.append(math.trunc(low))
        stops.append(math.floor(high))
        box.append((factor * low, factor * high))
    thinned = image[offsets[1] :: factor, offsets[0] :: factor]
    pixels = cut_repeating_border(thinned, *starts, *stops)
    return SampledPatch(pixels, (box[0][0], box[1][0], box[0][1], box[1][1]))


def fitting_side(side: float, image_hw: tuple[int, int], border: str, max_shrink: float) -> float:
    """The side that a square of `side` image pixels shrinks to.

    With `inside`, until it fits into the image along both axes; with `inside_major`, along one. In whole pixels, and by
    a factor of `max_shrink` at most. With `replicate` it stays.
    """
    if border == "replicate":
        return side
    excess = [side / limit for limit in image_hw]
    shrink = max(excess) if border == "inside" else min(excess)
    return math.floor(side / min(max(shrink, 1.0), max_shrink))


def shift_inside(low: float, high: float, limit: float) -> float:
    """How far the interval from `low` to `high` moves to lie in 0..limit.

    Where it is longer than that, about half of what hangs out does so at each end.
    """
    shift = max(-low, 0) - max(high - limit, 0)
    overflow = (max(-low - shift, 0) + max(high + shift - limit, 0)) // 2
    return -low - overflow if overflow > 0 else shift


def cut_repeating_border(image: Image, x1: int, y1: int, x2: int, y2: int) -> Image:
    """The rectangle of `image` from (x1, y1) up to (x2, y2); each pixel outside takes the nearest one inside."""
    height, width = image.shape[:2]
    left, top = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    right, bottom = max(min(x2, width), left + 1), max(min(y2, height), top + 1)
    inside = image[top:bottom, left:right]
    missing = (max(0, -y1), max(0, y2 - height), max(0, -x1), max(0, x2 - width))
    if not any(missing):
        return inside.copy()
    if min(x2, y2, width - x1, height - y1) <= 0:  # wholly outside along an axis: one line of pixels, repeated
        rows = np.arange(y1, y2).clip(0, height - 1)
        columns = np.arange(x1, x2).clip(0, width - 1)
        return np.asarray(image[rows[:, None], columns[None]])
    return np.asarray(cv2.copyMakeBorder(inside, *missing, cv2.BORDER_REPLICATE), dtype=np.uint8)
