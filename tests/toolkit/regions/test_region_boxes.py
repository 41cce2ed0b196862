"""Conversions between regions and boxes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.golden import recorded
from toolkit.errors import RegionError
from toolkit.regions import (
    Mask,
    Polygon,
    Rectangle,
    Special,
    area_preserving_box,
    bounding_box,
    initial_box,
    polygon_from_box,
)

TURNED = [30, 10, 70, 30, 60, 60, 20, 40]


def test_area_preserving_box_equals_the_reference() -> None:
    for case in recorded("pysot_units.json")["axis_aligned"]:
        np.testing.assert_allclose(area_preserving_box(case["inp"]), case["cxcywh"], rtol=1e-12)


def test_the_box_a_tracker_starts_with() -> None:
    np.testing.assert_allclose(initial_box(TURNED), [26.196985, 16.196985, 38.606031, 38.606031], atol=1e-6)
    np.testing.assert_allclose(initial_box([10, 20, 30, 40]), [10.5, 20.5, 30, 40])


def test_many_at_once() -> None:
    polygons = np.array([TURNED, TURNED]) + np.array([[0], [5]])
    boxes = initial_box(polygons)
    np.testing.assert_allclose(boxes[1] - boxes[0], [5, 5, 0, 0], atol=1e-9)


def test_ground_truth_polygon_of_a_box() -> None:
    np.testing.assert_array_equal(polygon_from_box([10, 20, 30, 40]), [10, 20, 10, 59, 39, 59, 39, 20])
    assert polygon_from_box(np.zeros((5, 4))).shape == (5, 8)
    with pytest.raises(RegionError, match="boxes x, y, w, h"):
        polygon_from_box([1, 2, 3])
    with pytest.raises(RegionError, match="polygons or"):
        area_preserving_box([1, 2, 3, 4, 5, 6])


def test_bounding_boxes() -> None:
    bits = np.zeros((6, 8), bool)
    bits[2:5, 3:4] = True
    np.testing.assert_array_equal(bounding_box(Mask(bits, 10, 20)), [13, 22, 1, 3])
    np.testing.assert_array_equal(bounding_box(Rectangle(1, 2, 3, 4)), [1, 2, 3, 4])
    np.testing.assert_array_equal(bounding_box(Polygon(np.array(TURNED, float).reshape(-1, 2))), [20, 10, 50, 50])


def test_what_has_no_box_has_nan() -> None:
    for region in (Special(1), Mask(np.zeros((4, 4), bool)), Mask(np.zeros((0, 0), bool))):
        assert np.isnan(bounding_box(region)).all()
