"""Drawing results on frames: outlines, mask tints and text that stay legible on any picture of any size.

The colors are those of Okabe and Ito (2008), told apart also with color-blind eyes, and every target carries its
number as well. Outlines lie on a black rim and text on a plate, so that neither depends on what is behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.frames import Image
from toolkit.regions import Mask, Polygon, Rectangle, Region

Color: TypeAlias = tuple[int, int, int]
"""Blue, green, red in 0..255."""

ORANGE, SKY_BLUE, YELLOW, BLUISH_GREEN = (0, 159, 230), (233, 180, 86), (66, 228, 240), (115, 158, 0)
REDDISH_PURPLE, VERMILION, BLUE = (167, 121, 204), (0, 94, 213), (178, 114, 0)
PALETTE: tuple[Color, ...] = (ORANGE, SKY_BLUE, YELLOW, BLUISH_GREEN, REDDISH_PURPLE, VERMILION, BLUE)
WHITE, BLACK, GRAY = (255, 255, 255), (0, 0, 0), (150, 150, 150)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_TINT = 0.4  # share of the color in a mask
_PLATE = 0.65  # share of black in the caption's plate
_FAR = 30_000  # OpenCV draws with 16-bit coordinates


@dataclass(frozen=True)
class Pen:
    """Sizes that suit one frame size.

    Attributes:
        line: width of an outline, pixels.
        text: height of a capital letter, pixels.
    """

    line: int
    text: int

    @classmethod
    def for_image(cls, image: Image) -> Pen:
        """2 px lines and 11 px letters on 320 x 240, 4 px and 25 px on 1920 x 1080."""
        diagonal = float(np.hypot(*image.shape[:2]))
        return cls(line=max(2, round(diagonal / 500)), text=round(8 + diagonal / 130))

    @property
    def margin(self) -> int:
        """Space around text, pixels."""
        return max(2, self.text // 3)

    @property
    def stroke(self) -> int:
        """Width of the strokes of a letter, pixels."""
        return 1 if self.text < 18 else 2


def color_of(number: int) -> Color:
    """The color of target `number` (0-based); colors repeat after seven."""
    return PALETTE[number % len(PALETTE)]


def draw_region(canvas: Image, region: Region, color: Color, pen: Pen) -> None:
    """Draws a rectangle's or polygon's outline, or tints a mask, on `canvas` in place. A code draws nothing."""
    if isinstance(region, Mask):
        tint_mask(canvas, region, color)
    elif isinstance(region, Polygon):
        _outline(canvas, region.points - 0.5, color, pen, cv2.LINE_AA)
    elif isinstance(region, Rectangle):
        # centers of the corner pixels of a box whose pixel i covers [i, i + 1)
        right, bottom = region.x + max(region.width, 1) - 1, region.y + max(region.height, 1) - 1
        corners = np.array([(region.x, region.y), (right, region.y), (right, bottom), (region.x, bottom)])
        _outline(canvas, corners, color, pen, cv2.LINE_8)


def tint_mask(canvas: Image, mask: Mask, color: Color) -> None:
    """Mixes `color` into the pixels of `mask`; what lies outside the image is left out."""
    rows, columns = canvas.shape[:2]
    top, left = max(0, -mask.y), max(0, -mask.x)
    bits = mask.bits[top : max(top, rows - mask.y), left : max(left, columns - mask.x)]
    y, x = mask.y + top, mask.x + left
    view = canvas[y : y + bits.shape[0], x : x + bits.shape[1]]
    view[bits] = (view[bits] * (1 - _TINT) + np.array(color) * _TINT).astype(np.uint8)


def draw_label(canvas: Image, text: str, box_xywh: tuple[float, float, float, float], color: Color, pen: Pen) -> None:
    """Writes `text` on a plate of `color` above the box; below it where there is no room, always inside the image."""
    width, height = _plate_size(text, pen)
    x, y, _, box_height = (int(np.clip(value, -_FAR, _FAR)) for value in box_xywh)
    rows, columns = canvas.shape[:2]
    top = y - pen.line - height
    if top < 0:
        top = y + box_height + pen.line
    left = min(max(x - pen.line, 0), max(columns - width, 0))
    top = min(max(top, 0), max(rows - height, 0))
    canvas[top : top + height, left : left + width] = color
    blue, green, red = color
    ink = BLACK if 0.114 * blue + 0.587 * green + 0.299 * red > 110 else WHITE  # whichever is easier to read
    _write(canvas, text, left, top, ink, pen)


def draw_caption(canvas: Image, text: str, pen: Pen, *, bottom: bool = False) -> None:
    """Writes one line in white on a dark plate in the top left corner, or in the bottom left one."""
    width, height = _plate_size(text, pen)
    top = max(canvas.shape[0] - height, 0) if bottom else 0
    view = canvas[top : top + height, :width]
    view[:] = (view * (1 - _PLATE)).astype(np.uint8)
    _write(canvas, text, 0, top, WHITE, pen)


def _outline(canvas: Image, points: NDArray[np.float64], color: Color, pen: Pen, kind: int) -> None:
    """Smoothed lines (`LINE_AA`) suit slanted outlines; straight ones are crisper without."""
    corners = np.round(np.clip(points, -_FAR, _FAR)).astype(np.int32)
    cv2.polylines(canvas, [corners], True, BLACK, pen.line + 2, kind)
    cv2.polylines(canvas, [corners], True, color, pen.line, kind)


def _text_size(text: str, pen: Pen) -> tuple[float, int, int, int]:
    """Scale of the font, then width, height above and depth below the base line in pixels."""
    scale = cv2.getFontScaleFromHeight(_FONT, pen.text, pen.stroke)
    (width, height), depth = cv2.getTextSize(text, _FONT, scale, pen.stroke)
    return scale, width, height, depth


def _plate_size(text: str, pen: Pen) -> tuple[int, int]:
    _, width, height, depth = _text_size(text, pen)
    return width + 2 * pen.margin, height + depth + pen.margin


def _write(canvas: Image, text: str, left: int, top: int, color: Color, pen: Pen) -> None:
    scale, _, height, _ = _text_size(text, pen)
    origin = (left + pen.margin, top + pen.margin // 2 + height)
    cv2.putText(canvas, text, origin, _FONT, scale, color, pen.stroke, cv2.LINE_AA)
