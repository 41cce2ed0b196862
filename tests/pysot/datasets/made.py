"""Small sources for the tests of made data."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pysot.datasets.sources.base import AnnotatedFrame, Track, VideoSource


class Still(Track):
    """A track of noise frames with the same box, and a mask of it when asked."""

    def __init__(
        self, seed: int, size_wh: tuple[int, int], box_xywh: Sequence[int], shape: str | None, count: int
    ) -> None:
        self.name, self.seed, self.size_wh, self.box, self.shape = f"still{seed}", seed, size_wh, box_xywh, shape
        self.count = count

    def __len__(self) -> int:
        return self.count

    def read(self, index: int) -> AnnotatedFrame:
        width, height = self.size_wh
        rng = np.random.default_rng((self.seed, index))
        coarse = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
        image = np.asarray(cv2.resize(coarse, (width, height)), np.uint8)
        image.setflags(write=False)
        return AnnotatedFrame(image, np.array(self.box, np.float64), self._mask(), f"{self.name}#{index}")

    def _mask(self) -> NDArray[np.bool_] | None:
        if self.shape is None:
            return None
        mask = np.zeros(self.size_wh[::-1], np.uint8)
        x, y, w, h = self.box
        if self.shape == "ellipse":
            cv2.ellipse(mask, ((x + w / 2, y + h / 2), (w, h), 0), 1, -1)
        else:
            mask[y : y + h, x : x + w] = 1
        mask.setflags(write=False)
        return mask.astype(np.bool_)


def stills(
    videos: int = 4,
    size_wh: tuple[int, int] = (320, 240),
    box_xywh: Sequence[int] = (80, 60, 90, 70),
    shape: str | None = "ellipse",
    count: int = 3,
    seed: int = 0,
) -> VideoSource:
    """A source of noise videos, each with one object of the given mask shape (None: no masks)."""
    tracks = [[Still(seed + video, size_wh, box_xywh, shape, count)] for video in range(videos)]
    return VideoSource("stills", tracks, frame_range=10)


def same(first: AnnotatedFrame, second: AnnotatedFrame) -> bool:
    """Whether two draws hold the same frame, box and mask."""
    masks = (first.mask is None and second.mask is None) or bool(np.array_equal(first.mask, second.mask))
    return masks and np.array_equal(first.image, second.image) and np.array_equal(first.box_xywh, second.box_xywh)
