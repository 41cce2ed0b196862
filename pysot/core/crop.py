"""The two croppers. Siamese trackers: a square around a point, padded with the mean color, resized to the network's
input. ATOM and DiMP: the same, but thinned before it is resized and padded by repeating the border.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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
    half = (original_size + 1) / 2
    corner_xy = math.floor(center_xy[0] - half + 0.5), math.floor(center_xy[1] - half + 0.5)
    blue, green, red = (int(value) for value in fill_bgr)
    return resized_square(image, corner_xy, original_size, model_size, (blue, green, red))


def resized_square(
    image: Image, corner_xy: tuple[int, int], side: int, out_side: int, fill_bgr: tuple[int, int, int] | None = None
) -> Image:
    """(out_side, out_side, 3): the square of `side` image pixels from `corner_xy`, resized bilinearly.

    What lies outside the image has the color `fill_bgr`, or repeats the border. Time and memory do not grow with the
    square: where it hangs out of the image, pixels that resizing would not read are not padded either. Up to a `side`
    of `MOST_PADDED` times `out_side` this is cv2.resize of the padded square to the last bit; beyond, coordinates are
    rounded otherwise, which changes single pixels by one gray level.
    """
    (x, y), (height, width) = corner_xy, image.shape[:2]
    if min(x, y) >= 0 and x + side <= width and y + side <= height:
        square = image[y : y + side, x : x + side]
    elif side <= MOST_PADDED * out_side:
        square = cut_padded(image, x, y, x + side, y + side, fill_bgr=fill_bgr)
    else:
        columns, rows = pixels_read(x, side, out_side), pixels_read(y, side, out_side)
        square = pixels_at(image, rows, columns, fill_bgr)
    if len(square) != out_side:
        square = np.asarray(cv2.resize(square, (out_side, out_side)))
    return np.ascontiguousarray(square)


REMAP_LIMIT = 2**15 - 1
"""cv2.remap takes images of smaller sides."""
MOST_PADDED = 8
"""Image pixels per pixel of the result, along a side, up to which a square is padded as it is: that is as fast."""


def pixels_read(start: int, side: int, out_side: int) -> NDArray[np.int64]:
    """Those of the pixels `start` to `start` + `side` that resizing to `out_side` reads, in a shorter row.

    It reads two neighbors around each of the points start + (i + 1/2) side / out_side. Leaving `skipped` pixels away
    between these, an even number, moves the points by whole pixels, so that resizing the shorter row weighs the same
    pixels alike.

    Returns:
        (n,) increasing, n between 2 and 4 times `out_side`. Never 2 times, where OpenCV averages instead.
    """
    skipped = (side - 2 * out_side - 1) // (2 * out_side) * 2
    count = side - skipped * out_side
    numbers = np.arange(count)
    return start + numbers + skipped * ((2 * numbers + 1) * out_side // (2 * count)) + skipped // 2


def pixels_at(
    image: Image, rows: NDArray[np.int64], columns: NDArray[np.int64], fill_bgr: tuple[int, int, int] | None = None
) -> Image:
    """The pixels of `image` at increasing `rows` and `columns`, which may lie outside; see `cut_padded`."""
    kept, missing = [], []
    for numbers, limit in zip((rows, columns), image.shape, strict=False):
        first, last = (int(place) for place in np.searchsorted(numbers, (0, limit)))
        if fill_bgr is None:  # of those outside, the next one stands for the border
            first, last = max(first - 1, 0), min(last + 1, len(numbers))
        kept.append(numbers[first:last].clip(0, limit - 1))
        missing += [first, len(numbers) - last]
    if not all(map(len, kept)):
        return np.full((len(rows), len(columns), 3), fill_bgr, dtype=np.uint8)
    if max(image.shape) < REMAP_LIMIT:  # half the time of numpy
        x, y = np.meshgrid(kept[1].astype(np.float32), kept[0].astype(np.float32))
        inside = np.asarray(cv2.remap(image, x, y, cv2.INTER_NEAREST), dtype=np.uint8)
    else:
        inside = image.take(kept[0], axis=0).take(kept[1], axis=1)
    return _bordered(inside, missing, fill_bgr)


def _bordered(inside: Image, missing: Sequence[int], fill_bgr: tuple[int, int, int] | None) -> Image:
    """`inside` with so many more pixels above, below, to the left and to the right."""
    top, bottom, left, right = missing
    kind = cv2.BORDER_REPLICATE if fill_bgr is None else cv2.BORDER_CONSTANT
    return np.asarray(cv2.copyMakeBorder(inside, top, bottom, left, right, kind, value=fill_bgr or 0), dtype=np.uint8)


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
    pixels = cut_padded(thinned, starts[0], starts[1], stops[0], stops[1])
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


def cut_padded(image: Image, x1: int, y1: int, x2: int, y2: int, fill_bgr: tuple[int, int, int] | None = None) -> Image:
    """The rectangle of `image` from (x1, y1) up to (x2, y2); each pixel outside has the color `fill_bgr`, or that of
    the nearest one inside.
    """
    height, width = image.shape[:2]
    inside = image[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)]
    missing = (max(0, -y1), max(0, y2 - height), max(0, -x1), max(0, x2 - width))
    if not any(missing):
        return inside.copy()
    if not inside.size:
        return pixels_at(image, np.arange(y1, y2), np.arange(x1, x2), fill_bgr)
    return _bordered(inside, missing, fill_bgr)
