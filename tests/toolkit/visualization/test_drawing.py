"""Overlays stay inside the image, change only what they should, and can be told apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.regions import Mask, Polygon, Rectangle, Special
from toolkit.visualization.drawing import (
    BLACK,
    PALETTE,
    WHITE,
    Pen,
    color_of,
    draw_caption,
    draw_label,
    draw_region,
    tint_mask,
)

ORANGE = PALETTE[0]
coordinates = st.floats(-1e9, 1e9, allow_nan=False)
sizes = st.integers(1, 60)


def gray(height: int = 240, width: int = 320) -> np.ndarray:
    return np.full((height, width, 3), 90, np.uint8)


def pixels_of(canvas: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return np.argwhere((canvas == color).all(axis=2))


@pytest.mark.parametrize(("shape", "line", "text"), [((240, 320, 3), 2, 11), ((1080, 1920, 3), 4, 25)])
def test_pen_grows_with_the_image(shape: tuple[int, int, int], line: int, text: int) -> None:
    pen = Pen.for_image(np.zeros(shape, np.uint8))
    assert (pen.line, pen.text) == (line, text)


def test_a_rectangle_is_drawn_on_its_own_border_pixels() -> None:
    canvas, pen = gray(), Pen(line=1, text=11)
    draw_region(canvas, Rectangle(100, 50, 40, 30), ORANGE, pen)
    rows_columns = pixels_of(canvas, ORANGE)
    assert rows_columns.min(axis=0).tolist() == [50, 100]
    assert rows_columns.max(axis=0).tolist() == [79, 139]
    assert (canvas[65, 120] == 90).all()


def test_an_outline_has_a_dark_rim() -> None:
    canvas = np.full((240, 320, 3), 255, np.uint8)
    draw_region(canvas, Rectangle(100, 50, 80, 60), WHITE, Pen.for_image(canvas))
    assert len(pixels_of(canvas, BLACK)) > 200


def test_a_polygon_passes_through_its_vertices() -> None:
    canvas = gray()
    points = np.array([(50.0, 60.0), (120.0, 40.0), (130.0, 110.0), (60.0, 120.0)])
    draw_region(canvas, Polygon(points), ORANGE, Pen.for_image(canvas))
    for x, y in points.astype(int):
        assert (canvas[y - 2 : y + 3, x - 2 : x + 3] == ORANGE).all(axis=2).any()


def test_a_code_draws_nothing() -> None:
    canvas = gray()
    draw_region(canvas, Special(2), ORANGE, Pen.for_image(canvas))
    assert (canvas == 90).all()


@given(x=coordinates, y=coordinates, width=coordinates, height=coordinates, rows=sizes, columns=sizes)
@settings(max_examples=60, deadline=None)
def test_any_finite_box_can_be_drawn(x: float, y: float, width: float, height: float, rows: int, columns: int) -> None:
    canvas = gray(rows, columns)
    pen = Pen.for_image(canvas)
    draw_region(canvas, Rectangle(x, y, width, height), ORANGE, pen)
    draw_label(canvas, "12: lost 0.31", (x, y, width, height), ORANGE, pen)
    draw_caption(canvas, "frame 1  30 fps", pen)
    assert canvas.shape == (rows, columns, 3)


@given(x=st.integers(-30, 30), y=st.integers(-30, 30), rows=sizes, columns=sizes, seed=st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_a_tint_changes_the_mask_pixels_inside_the_image_only(
    x: int, y: int, rows: int, columns: int, seed: int
) -> None:
    bits = np.random.default_rng(seed).random((17, 23)) > 0.5
    canvas = gray(rows, columns)
    tint_mask(canvas, Mask(bits, x, y), ORANGE)
    wanted = np.zeros((rows, columns), bool)
    for row, column in np.argwhere(bits):
        if 0 <= row + y < rows and 0 <= column + x < columns:
            wanted[row + y, column + x] = True
    assert ((canvas != 90).any(axis=2) == wanted).all()


@given(x=st.floats(-400, 400), y=st.floats(-400, 400), width=st.floats(1, 400), height=st.floats(1, 400))
@settings(max_examples=60, deadline=None)
def test_a_label_is_always_whole_inside_the_image(x: float, y: float, width: float, height: float) -> None:
    canvas, pen = gray(), Pen(line=2, text=11)
    draw_label(canvas, "0.98", (x, y, width, height), ORANGE, pen)
    touched = np.argwhere((canvas != 90).any(axis=2))
    extent = touched.max(axis=0) - touched.min(axis=0) + 1
    free = gray()
    draw_label(free, "0.98", (150, 120, 20, 20), ORANGE, pen)
    touched = np.argwhere((free != 90).any(axis=2))
    assert (extent == touched.max(axis=0) - touched.min(axis=0) + 1).all()


def test_a_caption_is_readable_on_white_and_on_black() -> None:
    for shade in (0, 255):
        canvas = np.full((240, 320, 3), shade, np.uint8)
        pen = Pen.for_image(canvas)
        draw_caption(canvas, "frame 12  38 fps", pen)
        corner = canvas[: pen.text, :60].astype(int)
        assert corner.max() - corner.min() > 120


# Linear RGB to what a person without M (deuteranope) or L cones (protanope) sees: Vienot, Brettel and Mollon (1999).
DICHROMATS = {
    "protanope": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
    "deuteranope": np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
}


@pytest.mark.parametrize("eyes", DICHROMATS)
def test_colors_are_told_apart_by_color_blind_eyes(eyes: str) -> None:
    linear = (np.array(PALETTE)[:, ::-1] / 255.0) ** 2.2
    seen = np.clip(linear @ DICHROMATS[eyes].T, 0, 1) ** (1 / 2.2)
    closest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
    assert closest > 0.1


def test_colors_repeat_after_the_palette() -> None:
    assert color_of(len(PALETTE) + 2) == PALETTE[2]
