"""The image of a TraX request as the trackers read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.frames import Image, read_image
from toolkit.errors import FrameError

FORMATS = ("path", "buffer", "memory")
"""What the server says it accepts, the preferred one first."""


def read_frame(image: Any) -> Image:
    """(H, W, 3) uint8 BGR of vot-trax's image object: a file, an encoded file in memory, or bare RGB or gray pixels.

    Raises `FrameError` naming the file or format that cannot be read.
    """
    kind = image.type() if image is not None else None
    if kind == "path":
        return read_image(Path(image.path()))
    if kind == "buffer":
        data = image.buffer()
        encoded = np.frombuffer(data, np.uint8)
        frame = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
        if frame is None:
            raise FrameError(
                f"The client's buffer of {len(data)} bytes is neither JPEG nor PNG. Send the file's bytes."
            )
        return np.asarray(frame, np.uint8)
    if kind == "memory":
        return from_pixels(image.array())
    raise FrameError(f"The client sent no color image but {kind or 'none'}; expected one of: {', '.join(FORMATS)}.")


def from_pixels(pixels: NDArray[Any]) -> Image:
    """TraX's bare pixels, (H, W, 3) uint8 RGB or (H, W, 1) uint8 or uint16 gray -> (H, W, 3) uint8 BGR."""
    if pixels.dtype == np.uint16:
        pixels = (pixels // 257).astype(np.uint8)
    if pixels.shape[2] == 1:
        pixels = pixels.repeat(3, axis=2)
    return np.ascontiguousarray(pixels[:, :, ::-1])
