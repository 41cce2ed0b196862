"""The siamese cropper: a square around a point, padded with the mean colour, resized to the network's input."""

from __future__ import annotations

import math
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8 in BGR order, as OpenCV reads it."""


def context_side(size_wh: tuple[float, float], context: float) -> float:
    """Side s_z, in image pixels, of the template crop of a target `size_wh`.

    sqrt((w + p)(h + p)) with p = context * (w + h), not rounded (specs/siamrpnpp.md section 6).
    """
    width, height = size_wh
    padding = context * (width + height)
    return math.sqrt((width + padding) * (height + padding))


def get_subwindow(
    image: Image, center_xy: tuple[float, float], model_size: int, original_size: int, fill_bgr: NDArray[np.floating]
) -> Image:
    """Cuts a square out of `image` and resizes it.

    Args:
        image: (H, W, 3) uint8.
        center_xy: centre of the square, image pixels.
        model_size: side of the result, pixels.
        original_size: side of the square in the image, pixels, at least 1.
        fill_bgr: (3,) colour of what lies outside the image; truncated to whole grey levels, as published trackers do.

    Returns:
        (model_size, model_size, 3) uint8.

    Source: specs/siamrpnpp.md section 6, `get_subwindow`.
    """
    height, width = image.shape[:2]
    half = (original_size + 1) / 2
    left, top = math.floor(center_xy[0] - half + 0.5), math.floor(center_xy[1] - half + 0.5)
    right, bottom = left + original_size, top + original_size
    patch = image[max(0, top) : max(0, min(height, bottom)), max(0, left) : max(0, min(width, right))]
    if patch.shape[:2] != (original_size, original_size):
        patch = _pad(patch, left, top, original_size, (height, width), fill_bgr)
    if original_size != model_size:
        patch = np.asarray(cv2.resize(patch, (model_size, model_size)), dtype=np.uint8)
    return np.ascontiguousarray(patch)


def _pad(
    patch: Image, left: int, top: int, side: int, image_hw: tuple[int, int], fill_bgr: NDArray[np.floating]
) -> Image:
    """Places the part of the square that lies inside the image on a canvas of the fill colour."""
    canvas = np.empty((side, side, 3), dtype=np.uint8)
    canvas[:] = np.asarray(fill_bgr).astype(np.uint8)
    if patch.size:
        y, x = max(0, -top), max(0, -left)
        canvas[y : y + patch.shape[0], x : x + patch.shape[1]] = patch
    return canvas
