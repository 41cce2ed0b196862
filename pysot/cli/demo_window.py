"""The demo's window: shows frames, listens for q and Esc, and lets the user draw the targets."""

from __future__ import annotations

import cv2

from pysot.cli.drawing import Pen, colour_of, draw_caption, draw_region
from pysot.cli.window import why_no_display
from pysot.core.errors import SotError
from toolkit.datasets.frames import Image
from toolkit.protocols.start import Box
from toolkit.regions import Rectangle

_QUIT_KEYS = (ord("q"), ord("Q"), 27)


class DemoWindow:
    """A window titled `title`, on machines that have a screen.

    Attributes:
        reason: why there is no window, None when there is one.
    """

    def __init__(self, title: str, wanted: bool) -> None:
        self.title = title
        self.reason = why_no_display() if wanted else "--no-display"
        if self.reason is None:
            cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)

    def __enter__(self) -> DemoWindow:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.is_open:
            cv2.destroyAllWindows()

    @property
    def is_open(self) -> bool:
        """Whether frames are shown."""
        return self.reason is None

    def show(self, image: Image) -> bool:
        """Shows a frame; False when the user pressed q or Esc or closed the window."""
        cv2.imshow(self.title, image)
        key = cv2.waitKey(1) & 0xFF
        return key not in _QUIT_KEYS and cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) >= 1

    def pick(self, image: Image, count: int) -> list[Box]:
        """Lets the user draw `count` boxes on `image` with the mouse.

        Raises `SotError` when there is no window, or a selection was cancelled.
        """
        if self.reason is not None:
            raise SotError(f"A target cannot be drawn with the mouse ({self.reason}). Give --init-box x,y,w,h.")
        pen, boxes = Pen.for_image(image), list[Box]()
        for number in range(count):
            canvas = image.copy()
            draw_caption(canvas, f"draw target {number + 1} of {count}, then Enter", pen)
            for earlier, drawn in enumerate(boxes):
                draw_region(canvas, Rectangle(*drawn), colour_of(earlier), pen)
            x, y, width, height = map(float, cv2.selectROI(self.title, canvas, showCrosshair=False))
            if width == 0 or height == 0:
                raise SotError(
                    f"Target {number + 1} was not drawn. Drag a box and press Enter, or give --init-box x,y,w,h."
                )
            boxes.append((x, y, width, height))
        return boxes
