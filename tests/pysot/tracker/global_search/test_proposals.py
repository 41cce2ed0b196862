"""Places read off maps, and the grid of windows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pysot.tracker.global_search.proposals import MapReading, mean_inside, read_map, window_grid

IMAGE_HW = (240, 320)
PLAIN = MapReading(blur_sigma=0.0)


def blob(center_xy: tuple[float, float], value: float, radius: float, side: int = 300) -> NDArray[np.float32]:
    """A disc on a dark square map."""
    at = np.arange(side) + 0.5
    distance = np.hypot(at[None] - center_xy[0], at[:, None] - center_xy[1])
    return np.where(distance <= radius, value, 0.0).astype(np.float32)


def test_two_blobs_are_two_places_the_brighter_first() -> None:
    first, second = (80.0, 100.0), (220.0, 200.0)
    attention = blob(first, 0.7, 12) + blob(second, 0.9, 12)
    places = read_map(attention, IMAGE_HW, (20, 20), MapReading())
    assert len(places) == 2 and places[0].weight > places[1].weight
    for place, (x, y) in zip(places, (second, first), strict=True):
        assert np.hypot(place.center_xy[0] * 300 / 320 - x, place.center_xy[1] * 300 / 240 - y) < 1


def test_thresholds_areas_and_numbers() -> None:
    attention = blob((50, 50), 0.8, 8) + blob((150, 50), 0.3, 8) + blob((250, 50), 0.9, 1.2) + blob((50, 250), 0.6, 8)
    expected = {  # what is left out -> how many places stay
        PLAIN: 2,  # the dim one is below half of the brightest, the third too small
        MapReading(blur_sigma=0, map_thr_rel=0.3): 3,
        MapReading(blur_sigma=0, map_thr_rel=0.3, min_area=1): 3,
        MapReading(blur_sigma=0, map_thr_rel=0.3, min_area=1, num_proposals=9): 4,
        MapReading(blur_sigma=0, map_thr_abs=0.75): 1,
    }
    for reading, count in expected.items():
        assert len(read_map(attention, IMAGE_HW, (20, 20), reading)) == count, reading


def test_a_spot_much_smaller_than_the_target_counts_less() -> None:
    attention = blob((60, 60), 0.9, 3) + blob((200, 200), 0.7, 20)
    places = read_map(attention, IMAGE_HW, (40, 30), PLAIN)
    assert places[0].center_xy[0] > 160 and len(places) == 2


def test_blank_maps_propose_nothing() -> None:
    assert read_map(np.zeros((300, 300), np.float32), IMAGE_HW, (20, 20), MapReading()) == []
    assert read_map(np.full((300, 300), 0.19, np.float32), IMAGE_HW, (20, 20), MapReading()) == []
    assert read_map(np.full((40, 30), np.nan, np.float32), IMAGE_HW, (20, 20), PLAIN) == []


def test_touching_corners_are_one_spot() -> None:
    attention = np.zeros((300, 300), np.float32)
    attention[10:14, 10:14] = attention[14:18, 14:18] = 0.8
    (place,) = read_map(attention, (300, 300), (8, 8), PLAIN)
    assert place.center_xy == pytest.approx((14, 14))


@settings(max_examples=40, deadline=None)
@given(st.integers(40, 600), st.integers(40, 600), st.floats(1, 200), st.floats(1, 200), st.floats(0.5, 4))
def test_windows_cover_the_frame(height: int, width: int, w: float, h: float, spacing: float) -> None:
    """Every point of the frame is within half a spacing of a window's center, along both axes."""
    places = window_grid((height, width), (w, h), spacing, [1.0])
    reach = max(spacing * np.sqrt(w * h), 1.0) / 2 + 1e-6
    columns = {place.center_xy[0] for place in places}
    rows = {place.center_xy[1] for place in places}
    assert len(places) == len(columns) * len(rows)
    for lines, length in ((columns, width), (rows, height)):
        ordered = np.array(sorted(lines))
        gaps = np.diff(np.concatenate([[-ordered[0]], ordered, [2 * length - ordered[-1]]]))
        assert gaps.max() <= 2 * reach and ordered[0] <= reach
    assert len(window_grid((height, width), (w, h), spacing, [1.0, 2.0])) > len(places)


def test_every_place_is_looked_at_in_every_scale() -> None:
    attention = np.zeros((30, 30), np.float32)
    attention[10:14, 10:14], attention[20:22, 20:22] = 1.0, 0.6
    places = read_map(attention, (300, 300), (40.0, 40.0), MapReading(blur_sigma=0, extra_scales=(1.0, 1.5)))
    assert [place.scale for place in places] == [1.0, 1.5, 1.0, 1.5]
    assert places[0].center_xy == places[1].center_xy != places[2].center_xy


def test_mean_inside_a_box_is_of_the_cells_it_touches() -> None:
    attention = np.arange(12.0).reshape(3, 4) / 12  # cells of 10 x 20 image pixels in a frame 60 high and 40 wide
    assert mean_inside(attention, (60, 40), (5.0, 10.0, 4.0, 4.0)) == 0
    assert mean_inside(attention, (60, 40), (10.0, 20.0, 10.0, 10.0)) == pytest.approx(np.mean([0, 1, 4, 5]) / 12)
    assert mean_inside(attention, (60, 40), (35.0, 58.0, 50.0, 30.0)) == pytest.approx(np.mean([9, 10, 11]) / 12)
    for outside in ((-30.0, 10.0, 20.0, 20.0), (20.0, 90.0, 20.0, 20.0), (math.nan, 1.0, 2.0, 2.0)):
        assert mean_inside(attention, (60, 40), outside) == 0


@given(st.floats(-50, 150), st.floats(-50, 150), st.floats(0.5, 200), st.floats(0.5, 200))
def test_mean_inside_lies_within_the_map(x: float, y: float, w: float, h: float) -> None:
    attention = np.random.default_rng(0).random((30, 20)) * 0.5 + 0.25
    found = mean_inside(attention, (100, 80), (x, y, w, h))
    assert found == 0 or 0.25 <= found <= 0.75
    assert (found > 0) or x + w / 2 <= 0 or x - w / 2 >= 80 or y + h / 2 <= 0 or y - h / 2 >= 100
