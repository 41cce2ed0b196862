"""Siamese crops against recorded ones, and at every border."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pysot.core.crop import context_side, get_subwindow
from tests.golden import bag_frames, hash_uniform, read_json


def test_context_side_of_two_targets() -> None:
    assert context_side((50, 80), 0.5) == pytest.approx(129.131716)
    assert context_side((100, 40), 0.5) == pytest.approx(136.747943)


def test_recorded_crops(shared: Path) -> None:
    image = bag_frames(shared, 1)[0]
    units = read_json(shared / "golden" / "pysot_units.json")
    slices = np.load(shared / "golden" / "pysot_units.npz")
    fill = image.mean(axis=(0, 1))
    np.testing.assert_allclose(fill, units["channel_average"])
    for index, (center, model_size, original_size) in enumerate(units["subwindow_cases"]):
        crop = get_subwindow(image, tuple(center), model_size, original_size, fill)
        np.testing.assert_array_equal(crop.transpose(2, 0, 1)[:, ::9, ::9], slices[f"subwin{index}_slice"])
        assert crop.sum() == units[f"subwin{index}"]["sum"]


def test_crop_over_the_border_of_the_second_reference(shared: Path) -> None:
    image = np.floor(256 * hash_uniform(240 * 320 * 3, 10)).astype(np.uint8).reshape(240, 320, 3)
    golden = read_json(shared / "golden" / "values" / "golden.json")["models"]["siamrpn_alex_dwxcorr"]["tracker"]
    border = golden["x_crop_border"]
    crop = get_subwindow(image, tuple(border["center"]), 255, border["side"], image.mean(axis=(0, 1)))
    assert crop.sum() == pytest.approx(border["sum"], rel=1e-3)
    assert crop.transpose(2, 0, 1).reshape(-1)[:4].tolist() == border["first"]


@settings(max_examples=60, deadline=None)
@given(st.floats(-500, 700), st.floats(-500, 700), st.integers(1, 900), st.integers(1, 64))
def test_any_place_gives_a_full_crop(x: float, y: float, original: int, model: int) -> None:
    image = np.full((90, 120, 3), 200, np.uint8)
    crop = get_subwindow(image, (x, y), model, original, np.array([10.9, 20.0, 30.0]))
    assert crop.shape == (model, model, 3) and crop.dtype == np.uint8 and crop.flags["C_CONTIGUOUS"]
    assert crop[..., 0].min() >= 10 and crop[..., 0].max() <= 200


def test_inside_crop_is_the_image_itself() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    np.testing.assert_array_equal(get_subwindow(image, (40, 30), 11, 11, np.zeros(3)), image[24:35, 34:45])


def test_fill_is_truncated_not_rounded() -> None:
    image = np.zeros((10, 10, 3), np.uint8)
    assert get_subwindow(image, (-50, -50), 4, 4, np.array([99.9, 1.2, 0.7])).reshape(-1, 3)[0].tolist() == [99, 1, 0]
