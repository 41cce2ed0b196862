"""Windows that show frames while a program runs, on machines that have a screen."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TypeVar

import cv2
import numpy as np

from toolkit.datasets.frames import Image
from toolkit.errors import ToolkitError
from toolkit.protocols.session import FrameEvent
from toolkit.protocols.start import Box
from toolkit.regions import Rectangle, from_numbers
from toolkit.visualization.drawing import Pen, color_of, draw_caption, draw_region

GREEN, YELLOW = (0, 255, 0), (0, 255, 255)  # BGR
_PROBE = "import cv2; cv2.namedWindow('probe')"
_QUIT_KEYS = (ord("q"), ord("Q"), 27)

AnyWindow = TypeVar("AnyWindow", bound="Window")


class Window:
    """A window on the screen, as a context that closes it.

    Attributes:
        reason: why a wanted window cannot be opened; None when it can, or none is wanted.
        is_open: whether frames are shown.
    """

    def __init__(self, wanted: bool = True) -> None:
        self.reason = why_no_display() if wanted else None
        self.is_open = wanted and self.reason is None

    def __enter__(self: AnyWindow) -> AnyWindow:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.is_open:
            cv2.destroyAllWindows()


def why_no_display() -> str | None:
    """Why no window can be opened on this machine, or None when one can."""
    if sys.platform.startswith("linux"):
        display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        if not display:
            return "there is no display (DISPLAY is not set)"
        # Qt ends the whole process, with a page of its own, where a display does not answer or a library is missing
        if subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, check=False).returncode < 0:
            return f"no window can be opened on the display {display}: it does not answer, or Qt lacks a library"
    try:
        cv2.namedWindow("probe", cv2.WINDOW_NORMAL)
        cv2.destroyWindow("probe")
    except cv2.error:
        return "this OpenCV build cannot open windows (opencv-python-headless)"
    return None


class VideoWindow(Window):
    """A window titled `title` that shows the frames of a video, and in which a user draws targets."""

    def __init__(self, title: str, wanted: bool = True) -> None:
        super().__init__(wanted)
        self.title = title
        if self.is_open:
            cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)

    def show(self, image: Image) -> bool:
        """Shows a frame; False when the user pressed q or Esc or closed the window."""
        cv2.imshow(self.title, image)
        key = cv2.waitKey(1) & 0xFF
        return key not in _QUIT_KEYS and cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) >= 1

    def pick_boxes(self, image: Image, count: int) -> list[Box]:
        """Lets the user draw `count` boxes x, y, w, h on `image` with the mouse.

        Raises `ToolkitError` when there is no window, or a selection was canceled.
        """
        if not self.is_open:
            reason = self.reason or "no window is wanted"
            raise ToolkitError(f"A target cannot be drawn with the mouse ({reason}). Give its box x,y,w,h.")
        pen, boxes = Pen.for_image(image), list[Box]()
        for number in range(count):
            canvas = image.copy()
            draw_caption(canvas, f"draw target {number + 1} of {count}, then Enter", pen)
            for earlier, drawn in enumerate(boxes):
                draw_region(canvas, Rectangle(*drawn), color_of(earlier), pen)
            x, y, width, height = map(float, cv2.selectROI(self.title, canvas, showCrosshair=False))
            if width == 0 or height == 0:
                raise ToolkitError(
                    f"Target {number + 1} was not drawn. Drag a box and press Enter, or give its box x,y,w,h."
                )
            boxes.append((x, y, width, height))
        return boxes


class BenchmarkWindow(Window):
    """A window that shows a run on a benchmark: the ground truth in green and the tracker's answer in yellow."""

    _title = ""

    def show(self, event: FrameEvent) -> None:
        """Shows one frame; frames that the protocol skipped are not shown."""
        if event.image is None:
            return
        if self._title != event.sequence:
            cv2.destroyAllWindows()
            self._title = event.sequence
        cv2.imshow(self._title, draw_event(event))
        cv2.waitKey(1)


def draw_event(event: FrameEvent) -> Image:
    """A copy of the frame with ground truth, result and frame number drawn on it. The frame must have an image."""
    canvas = np.array(event.image)
    pen = Pen.for_image(canvas)
    if event.ground_truth is not None and np.isfinite(event.ground_truth).all():
        draw_region(canvas, from_numbers(event.ground_truth), GREEN, pen)
    if event.region is not None:
        draw_region(canvas, event.region, YELLOW, pen)
    draw_caption(canvas, str(event.index), pen)
    return canvas
