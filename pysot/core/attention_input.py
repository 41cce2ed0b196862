"""What an attention network is shown: whole frames, a picture of the target, and which frames make a clip
(docs/systems/tanet.md, Inputs).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from pysot.core.checks import check_choice
from pysot.core.crop import MOST_PADDED, Image, cut_padded, pixels_at

CLIPS = ("causal", "centered")
SCORED_FRAMES = 3
"""Consecutive frames of a training clip whose maps are scored together."""


def whole_frame(image: Image, side: int) -> Image:
    """The frame as a square of `side` pixels, its aspect not kept."""
    if image.shape[:2] == (side, side):
        return image
    shrinks = min(image.shape[:2]) >= side
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (side, side), interpolation=method), dtype=np.uint8)


def target_picture(
    image: Image, box_xywh: NDArray[np.floating] | tuple[float, ...], side: int, context: float
) -> Image:
    """The target as a square of `side` pixels, its aspect not kept.

    Args:
        image: (H, W, 3) uint8.
        box_xywh: the target, image pixels; cut down to whole pixels, of which at least one is shown.
        side: of the picture, pixels.
        context: sides of the picture in target sizes: 1 is the target alone. What lies outside the image repeats its
            border. Of a target many times as large as the picture not every pixel is looked at.
    """
    x, y, width, height = (float(value) for value in box_xywh)
    left = math.trunc(x - (context - 1) / 2 * width)
    top = math.trunc(y - (context - 1) / 2 * height)
    right = max(math.trunc(x + (context + 1) / 2 * width), left + 1)
    bottom = max(math.trunc(y + (context + 1) / 2 * height), top + 1)
    step_x, step_y = (max(length // (MOST_PADDED * side), 1) for length in (right - left, bottom - top))
    if step_x == step_y == 1:
        return whole_frame(cut_padded(image, left, top, right, bottom), side)
    rows, columns = np.arange(top, bottom, step_y), np.arange(left, right, step_x)
    return whole_frame(pixels_at(image, rows, columns), side)


def clip_indices(index: int, count: int, clip_len: int, clip: str) -> list[int]:
    """Numbers of the `clip_len` frames that go with frame `index` of `count`, in the order of time.

    `causal` ends with the frame itself; `centered`, as released, has it in the middle. At both ends of the video the
    first or last frame is repeated.

    Raises `ConfigError` for another kind of clip.
    """
    check_choice("ATTENTION.CLIP", clip, CLIPS)
    last = index if clip == "causal" else index + (clip_len - 1) // 2
    return [min(max(number, 0), count - 1) for number in range(last - clip_len + 1, last + 1)]


def frames_needed(clip_len: int) -> int:
    """Frames of a training clip for a network that looks at `clip_len`."""
    return SCORED_FRAMES + max(clip_len, 1) - 1
