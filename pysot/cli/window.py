"""Showing frames while a command runs, on machines that have a screen."""

from __future__ import annotations

import os
import sys

import cv2
import numpy as np

from pysot.cli.drawing import Pen, draw_caption, draw_region
from toolkit.datasets.frames import Image
from toolkit.protocols.session import FrameEvent
from toolkit.regions import from_numbers

GREEN, YELLOW = (0, 255, 0), (0, 255, 255)  # BGR


def why_no_display() -> str | None:
    """Why no window can be opened here, or None when one can."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "there is no display (DISPLAY is not set)"
    try:
        cv2.namedWindow("probe", cv2.WINDOW_NORMAL)
        cv2.destroyWindow("probe")
    except cv2.error:
        return "this OpenCV build cannot open windows (opencv-python-headless)"
    return None


class TestWindow:
    """A window with the ground truth in green and the tracker's answer in yellow.

    Attributes:
        is_open: False when no window was wanted, or none can be opened here: one printed line then says why.
    """

    __test__ = False  # a window, not a test case

    def __init__(self, wanted: bool) -> None:
        reason = why_no_display() if wanted else None
        self.is_open = wanted and reason is None
        self._title = ""
        if reason is not None:
            print(f"--vis: {reason}; the run goes on without pictures.")

    def __enter__(self) -> TestWindow:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.is_open:
            cv2.destroyAllWindows()

    def show(self, event: FrameEvent) -> None:
        """Shows one frame; frames that the protocol skipped are not shown."""
        if event.image is None:
            return
        if self._title != event.sequence:
            cv2.destroyAllWindows()
            self._title = event.sequence
        cv2.imshow(self._title, draw_frame(event))
        cv2.waitKey(1)


def draw_frame(event: FrameEvent) -> Image:
    """A copy of the frame with ground truth, result and frame number drawn on it. The frame must have an image."""
    canvas = np.array(event.image)
    pen = Pen.for_image(canvas)
    if event.ground_truth is not None and np.isfinite(event.ground_truth).all():
        draw_region(canvas, from_numbers(event.ground_truth), GREEN, pen)
    if event.region is not None:
        draw_region(canvas, event.region, YELLOW, pen)
    draw_caption(canvas, str(event.index), pen)
    return canvas
