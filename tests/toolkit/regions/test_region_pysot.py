"""The functions PySOT's own scripts import."""

from __future__ import annotations

import math

import numpy as np
import pytest

from toolkit.errors import RegionError
from toolkit.utils.region import vot_float2str, vot_overlap, vot_overlap_traj


def test_a_code_is_nan_and_the_rest_is_scored() -> None:
    trajectory = [[1], [10, 10, 20, 20], [2.0], [10.0, 10, 30, 10, 30, 30, 10, 30]]
    truth = [[10, 10, 20, 20]] * 4
    overlaps = vot_overlap_traj(trajectory, truth, (100, 100))
    assert isinstance(overlaps, list)
    np.testing.assert_array_equal(overlaps, [math.nan, 1, math.nan, 1])


def test_a_trajectory_is_its_frames() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0, 100, (2, 30, 8))
    expected = [vot_overlap(p, q, (90, 90)) for p, q in zip(a, b, strict=True)]
    assert vot_overlap_traj(list(a), [tuple(q) for q in b], (90, 90)) == expected
    assert vot_overlap_traj([], []) == []


def test_four_bounds_are_top_bottom_left_right() -> None:
    assert vot_overlap([0, 0, 20, 20], [10, 0, 20, 20], [0, 100, 0, 15]) == pytest.approx(6 / 16)
    assert vot_overlap([0, 0, 20, 20], [10, 0, 20, 20], [0, 15, 0, 100]) == pytest.approx(11 / 31)


def test_text_is_that_of_a_c_float() -> None:
    assert vot_float2str("%.4f", 365.2075) == "365.2075"
    assert vot_float2str(b"%.3f", -0.5) == "-0.500"
    assert vot_float2str("%.4f", 123456.789) == "123456.7891"
    assert vot_float2str("%.4f", math.nan) == "nan"
    assert vot_float2str("%.4f", np.float64(1e300)) == "inf"


def test_errors_name_what_was_found() -> None:
    with pytest.raises(RegionError, match="shape \\(1, 3\\)"):
        vot_overlap([1, 2, 3], [1, 2, 3, 4])
    with pytest.raises(RegionError, match="Region 0 has 3 numbers"):
        vot_overlap_traj([[1, 2, 3]], [[1, 2, 3, 4]])
    with pytest.raises(RegionError, match="expected a flat one"):
        vot_overlap_traj([np.zeros((4, 2))], [[1, 2, 3, 4]])
    with pytest.raises(RegionError, match="Region 1 has 0 numbers"):
        vot_overlap_traj([[1], 5], [[1], [1]])  # type: ignore[list-item]
    with pytest.raises(RegionError, match="2 regions against 1"):
        vot_overlap_traj([[1], [1]], [[1]])
    with pytest.raises(RegionError, match="bounds has 3 numbers"):
        vot_overlap([1, 2, 3, 4], [1, 2, 3, 4], (1, 2, 3))
    with pytest.raises(ValueError, match="not an array of numbers"):
        vot_overlap("abcd", [1, 2, 3, 4])
