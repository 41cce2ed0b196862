"""Outlines: exact rasters, bending that keeps area and is undone exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point
from shapely.geometry import Polygon as ShapelyPolygon
from shapely.geometry import box as shapely_box

from toolkit.synthetic.motion import bend, invert, through, unbend
from toolkit.synthetic.outline import (
    blob,
    bounds,
    clipped_extremes,
    densify,
    ellipse,
    rasterize,
    rounded_box,
    star,
)
from toolkit.synthetic.texture import stream


@given(seed=st.integers(0, 500), dx=st.floats(-3, 3), dy=st.floats(-3, 3))
def test_raster_is_the_set_of_pixel_centers_inside_the_outline(seed: int, dx: float, dy: float) -> None:
    points = blob(stream(seed, "raster"), 0.5) * 11 + (8 + dx, 7 + dy)
    mask = rasterize([points], -2, 1, 20, 14)
    outline = ShapelyPolygon(points).buffer(0)
    for row in range(14):
        for column in range(20):
            center = Point(column - 2 + 0.5, row + 1 + 0.5)
            if outline.exterior.distance(center) > 1e-6:
                assert mask[row, column] == outline.contains(center)


def test_raster_of_two_parts_is_their_union() -> None:
    first, second = rounded_box(1, 1, 8, 8), ellipse((8, 8), (4, 3))
    both = rasterize([first, second], 0, 0, 14, 14)
    assert np.array_equal(both, rasterize([first], 0, 0, 14, 14) | rasterize([second], 0, 0, 14, 14))


@given(seed=st.integers(0, 500), x=st.floats(-20, 60), y=st.floats(-20, 50))
def test_box_of_the_part_inside_the_image(seed: int, x: float, y: float) -> None:
    points = blob(stream(seed, "clip"), 0.6) * 40 + (x, y)
    inside = ShapelyPolygon(points).buffer(0).intersection(shapely_box(0, 0, 40, 30))
    extremes = clipped_extremes(points, (40, 30))
    if inside.area > 1e-6:
        np.testing.assert_allclose(bounds([extremes]), inside.bounds, atol=1e-9)


@given(seed=st.integers(0, 500), amount=st.floats(0, 0.2), phase=st.floats(0, 6.3))
def test_bending_is_undone_and_keeps_area(seed: int, amount: float, phase: float) -> None:
    points = densify(blob(stream(seed, "bend")), 0.01)
    bent = bend(points, amount, phase)
    x, y = unbend(bent[:, 0], bent[:, 1], amount, phase)
    np.testing.assert_allclose(np.stack([x, y], axis=1), points, atol=1e-9)
    assert ShapelyPolygon(bent).area == pytest.approx(ShapelyPolygon(points).area, rel=0.01)


@given(seed=st.integers(0, 500))
def test_inverse_of_an_affine_matrix(seed: int) -> None:
    matrix = np.eye(3)
    matrix[:2] = stream(seed, "matrix").normal(0, 2, (2, 3)) + np.eye(2, 3) * 9
    np.testing.assert_allclose(invert(matrix) @ matrix, np.eye(3), atol=1e-9)


def test_curve_passes_its_knots() -> None:
    times = np.array([0.0, 4.0, 10.0, 15.0])
    knots = np.array([(0.0, 1.0), (5.0, -2.0), (3.0, 3.0), (8.0, 8.0)])
    np.testing.assert_allclose(through(knots, times, 16)[[0, 4, 10, 15]], knots, atol=1e-12)


def test_star_is_as_large_as_promised() -> None:
    left, top, right, bottom = bounds([star(6, 0.6)])
    assert 0.8 < right - left <= 1.0
    assert 0.8 < bottom - top <= 1.0
