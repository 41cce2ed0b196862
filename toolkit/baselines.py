"""OpenCV's own trackers as the toolkit's `TrackerLike`: a baseline that needs no weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from toolkit.datasets.frames import Image
from toolkit.errors import ProtocolError
from toolkit.protocols.tracker import TrackerLike

WITHOUT_WEIGHTS = ("MIL", "KCF", "CSRT", "MOSSE", "Boosting", "MedianFlow", "TLD")
"""Trackers of OpenCV and its contrib modules that work without a network file."""


class OpenCVTracker(TrackerLike):
    """Runs one of OpenCV's trackers (`MIL`, `KCF`, `CSRT`, ...) as a `TrackerLike`.

    OpenCV reports no confidence: `best_score` is 1 while it says the target is found, else 0, and the box stays where
    it was. Which trackers exist depends on the build: `MIL` is in every one, `KCF` and `CSRT` are in opencv-contrib.
    `MIL` draws its features from a generator that cannot be seeded: two runs differ.

    Raises `ProtocolError` when `name` is unknown, or not part of this OpenCV build (the message says what is).
    """

    def __init__(self, name: str = "MIL") -> None:
        spelled = {known.lower(): known for known in WITHOUT_WEIGHTS}.get(name.lower())
        listed = ", ".join(available_trackers()) or "none"
        if spelled is None:
            raise ProtocolError(f"OpenCV has no tracker '{name}' that works without weights. Here: {listed}.")
        create = _find(spelled)
        if create is None:
            raise ProtocolError(
                f"This OpenCV build ({cv2.__version__}) has no {spelled} tracker; it has: {listed}. "
                f"Install opencv-contrib-python in place of opencv-python for {spelled}."
            )
        self.name, self._create = spelled, create
        self._tracker: Any = None
        self._box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    def init(self, image: Image, box_xywh: Sequence[float]) -> None:
        """Learns the target. OpenCV wants whole pixels: the box is rounded and clipped to the image.

        Raises `ProtocolError` when nothing of the box is inside the image.
        """
        x, y, w, h = _whole_pixels(image, box_xywh)
        self._tracker = self._create()
        self._tracker.init(image, (x, y, w, h))
        self._box = (float(x), float(y), float(w), float(h))

    def track(self, image: Image) -> Mapping[str, Any]:
        """The box found in `image`, or the last one with score 0. Raises `ProtocolError` before `init`."""
        if self._tracker is None:
            raise ProtocolError(f"OpenCV's {self.name} tracker has no target yet. Call init first.")
        found, box = self._tracker.update(image)
        if found:
            self._box = (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
        return {"bbox": list(self._box), "best_score": float(found)}


def available_trackers() -> list[str]:
    """The trackers of this OpenCV build that need no network file."""
    return [name for name in WITHOUT_WEIGHTS if _find(name) is not None]


def _find(name: str) -> Callable[[], Any] | None:
    """The constructor, in the main module or in contrib's `cv2.legacy`."""
    for module in (cv2, getattr(cv2, "legacy", None)):
        create = getattr(module, f"Tracker{name}_create", None)
        if create is not None:
            return create
    return None


def _whole_pixels(image: Image, box_xywh: Sequence[float]) -> tuple[int, int, int, int]:
    height, width = image.shape[:2]
    x, y, w, h = (float(value) for value in box_xywh)
    if np.isfinite([x, y, w, h]).all():
        left, top = max(0, round(x)), max(0, round(y))
        right, bottom = min(width, round(x + w)), min(height, round(y + h))
        if right > left and bottom > top:
            return left, top, right - left, bottom - top
    raise ProtocolError(
        f"The box {list(box_xywh)} (x, y, w, h) has no pixel inside the {width}x{height} image. Give one that has."
    )
