"""Siamese crops against recorded ones, and at every border."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pysot.core.crop import (
    MOST_PADDED,
    REMAP_LIMIT,
    Image,
    context_side,
    get_subwindow,
    resized_square,
    sample_patch,
)
from pysot.online.patch import resize_patch
from tests.golden import recorded
from tests.golden.recipe import bag_frames, hash_uniform


def test_context_side_of_two_targets() -> None:
    assert context_side((50, 80), 0.5) == pytest.approx(129.131716)
    assert context_side((100, 40), 0.5) == pytest.approx(136.747943)


def test_recorded_crops(shared: Path) -> None:
    image = bag_frames(shared, 1)[0]
    units = json.loads((shared / "golden" / "pysot_units.json").read_text())
    slices = np.load(shared / "golden" / "pysot_units.npz")
    fill = image.mean(axis=(0, 1))
    np.testing.assert_allclose(fill, units["channel_average"])
    for index, (center, model_size, original_size) in enumerate(units["subwindow_cases"]):
        crop = get_subwindow(image, tuple(center), model_size, original_size, fill)
        np.testing.assert_array_equal(crop.transpose(2, 0, 1)[:, ::9, ::9], slices[f"subwin{index}_slice"])
        assert crop.sum() == units[f"subwin{index}"]["sum"]


def test_crop_over_the_border_of_the_second_reference() -> None:
    image = np.floor(256 * hash_uniform(240 * 320 * 3, 10)).astype(np.uint8).reshape(240, 320, 3)
    golden = recorded("second_reference.json")["siamrpn_alex_dwxcorr"]["tracker"]
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


def padded_then_resized(
    image: Image, corner_xy: tuple[int, int], side: int, out_side: int, fill_bgr: tuple[int, int, int] | None
) -> Image:
    """The whole square with all its padding, then cv2.resize."""
    (x, y), (height, width) = corner_xy, image.shape[:2]
    rows, columns = np.arange(y, y + side), np.arange(x, x + side)
    square = image[rows.clip(0, height - 1)][:, columns.clip(0, width - 1)]
    if fill_bgr is not None:
        square[(rows < 0) | (rows >= height)] = fill_bgr
        square[:, (columns < 0) | (columns >= width)] = fill_bgr
    return square if side == out_side else np.asarray(cv2.resize(square, (out_side, out_side)), np.uint8)


@settings(max_examples=80, deadline=None)
@given(
    st.tuples(st.integers(1, 500), st.integers(1, 500)),
    st.sampled_from([1, 7, 63, 127, 255]),
    st.floats(0, 1),
    st.tuples(st.floats(-0.1, 1.1), st.floats(-0.1, 1.1)),
    st.sampled_from([None, (3, 200, 90)]),
)
def test_a_square_is_what_padding_and_resizing_make_of_it(
    image_hw: tuple[int, int],
    out_side: int,
    size: float,
    place: tuple[float, float],
    fill_bgr: tuple[int, int, int] | None,
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*image_hw, 3), dtype=np.uint8)
    side = round(3000**size)
    x, y = (round(share * (side + limit)) - side for share, limit in zip(place, image_hw[::-1], strict=True))
    found = resized_square(image, (x, y), side, out_side, fill_bgr).astype(int)
    wanted = padded_then_resized(image, (x, y), side, out_side, fill_bgr)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= (0 if side <= MOST_PADDED * out_side else 1)
    assert (found != wanted).mean() <= 0.02 or out_side < 63


@pytest.mark.parametrize("fill_bgr", [None, (3, 200, 90)])
def test_memory_does_not_grow_with_the_square(fill_bgr: tuple[int, int, int] | None) -> None:
    image = np.zeros((1080, 1920, 3), np.uint8)
    for side in (2000, 11000, 10**6):
        tracemalloc.start()
        crop = resized_square(image, (900 - side // 2, 500 - side // 2), side, 255, fill_bgr)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert crop.shape == (255, 255, 3) and peak < 16 * 2**20


def test_images_too_large_for_remap() -> None:
    image = np.random.default_rng(0).integers(0, 256, (2, REMAP_LIMIT, 3), dtype=np.uint8)
    found = resized_square(image, (-500, -300), 600, 63, None)
    assert np.abs(found.astype(int) - padded_then_resized(image, (-500, -300), 600, 63, None)).max() <= 1


def test_inside_crop_is_the_image_itself() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    np.testing.assert_array_equal(get_subwindow(image, (40, 30), 11, 11, np.zeros(3)), image[24:35, 34:45])


def test_fill_is_truncated_not_rounded() -> None:
    image = np.zeros((10, 10, 3), np.uint8)
    assert get_subwindow(image, (-50, -50), 4, 4, np.array([99.9, 1.2, 0.7])).reshape(-1, 3)[0].tolist() == [99, 1, 0]


@pytest.mark.parametrize(("variant", "integer_division"), [("modern", False), ("legacy_intdiv", True)])
def test_recorded_patches(shared: Path, variant: str, integer_division: bool) -> None:
    image = bag_frames(shared, 1)[0]
    with np.load(shared / "golden" / "pytracking_sample_patch.npz") as recorded:
        for index, (place, size) in enumerate(zip(recorded["cases_pos"], recorded["cases_size"], strict=True)):
            row, column = (float(value) for value in place)
            patch = sample_patch(image, (column, row), float(size[0]), 288, integer_division=integer_division)
            resized = resize_patch(patch, 288, torch.zeros(1))[0].flip(0).numpy()
            np.testing.assert_allclose(resized[:, ::12, ::12], recorded[f"{variant}_{index}_patch_slice"], atol=1e-3)


@pytest.mark.parametrize(("variant", "integer_division"), [("modern", False), ("legacy_intdiv", True)])
def test_recorded_places_of_patches(variant: str, integer_division: bool) -> None:
    golden = recorded("sample_patch.json")
    width, height = golden["image_size"]
    image = np.zeros((height, width, 3), np.uint8)
    for (row, column), size, place in zip(golden["centers"], golden["sizes"], golden[variant], strict=True):
        patch = sample_patch(image, (column, row), size[0], 288, integer_division=integer_division)
        top, left, bottom, right = place
        assert patch.box_xyxy == (left, top, right, bottom)


@settings(max_examples=80, deadline=None)
@given(st.floats(-900, 900), st.floats(-900, 900), st.floats(0.01, 3000), st.booleans())
def test_any_place_gives_a_full_patch_of_bounded_size(x: float, y: float, side: float, integer_division: bool) -> None:
    image = np.random.default_rng(0).integers(50, 200, (90, 120, 3), dtype=np.uint8)
    patch = sample_patch(image, (x, y), side, 64, integer_division=integer_division)
    height, width = patch.pixels.shape[:2]
    assert abs(height - width) <= 1 and min(height, width) >= 2 and max(height, width) <= 3 * 64
    assert patch.pixels.min() >= 50 and patch.pixels.max() < 200
    x1, y1, x2, y2 = patch.box_xyxy
    assert abs((x1 + x2) / 2 - x) <= 3 + side / 32 and abs((y1 + y2) / 2 - y) <= 3 + side / 32


def test_patch_inside_the_image_is_the_image_itself() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    patch = sample_patch(image, (40.7, 30.2), 11, 11)
    assert patch.box_xyxy == (35, 25, 46, 36)
    np.testing.assert_array_equal(patch.pixels, image[25:36, 35:46])
    image.flags.writeable = False
    assert sample_patch(image[:, :60], (30, 30), 60, 60).pixels.flags.writeable  # torch warns of others


@settings(max_examples=120, deadline=None)
@given(
    st.floats(-200, 300),
    st.floats(-200, 300),
    st.floats(1, 600),
    st.sampled_from(["inside", "inside_major"]),
    st.floats(1, 3),
    st.booleans(),
)
def test_patches_that_stay_inside(
    x: float, y: float, side: float, border: str, change: float, integer_division: bool
) -> None:
    image = np.random.default_rng(0).integers(50, 200, (90, 120, 3), dtype=np.uint8)
    options = {"integer_division": integer_division, "border": border, "max_scale_change": change}
    patch = sample_patch(image, (x, y), side, 600, **options)  # type: ignore[arg-type]
    plain = sample_patch(image, (x, y), side, 600, integer_division=integer_division)
    assert (patch.pixels >= 50).all() and (patch.pixels < 200).all()
    x1, y1, x2, y2 = patch.box_xyxy
    left, top, right, bottom = plain.box_xyxy
    assert abs(patch.pixels.shape[0] - (y2 - y1)) <= 1 and abs(patch.pixels.shape[1] - (x2 - x1)) <= 1
    assert (right - left) / change - 2 <= x2 - x1 <= right - left + 0.5  # never larger, and not much smaller
    limits = [(x1, x2, left, right, 120), (y1, y2, top, bottom, 90)]
    for low, high, plain_low, plain_high, limit in limits:
        if high - low <= limit:
            assert low >= 0 and high <= limit
        else:
            assert low <= 0 and high >= limit and abs(-low - (high - limit)) <= 2
        if plain_low >= 0 and plain_high <= limit and plain_high - plain_low == high - low:
            assert (low, high) == (plain_low, plain_high)
    if side / (90 if border == "inside" else 120) <= change:
        assert (y2 - y1 <= 90.5 and x2 - x1 <= 120.5) if border == "inside" else x2 - x1 <= 120.5


@pytest.mark.parametrize(
    ("center", "side", "border", "box"),
    [
        ((60, 45), 40, "inside", (41, 26, 81, 66)),  # where it fits nothing changes
        ((10, 45), 60, "replicate", (-19, 16, 41, 76)),
        ((10, 45), 60, "inside", (0, 16, 60, 76)),
        ((110, 80), 60, "inside_major", (60, 30, 120, 90)),
        ((60, 45), 100, "inside", (16, 0, 106, 90)),  # as high as the image
        ((60, 45), 100, "inside_major", (11, -5, 111, 95)),  # narrower than the image: its size stays
        ((60, 45), 300, "inside_major", (-40, -55, 160, 145)),  # 1.5 times smaller, and no more
    ],
)
def test_border_modes_of_the_table(
    center: tuple[float, float], side: float, border: str, box: tuple[float, ...]
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    patch = sample_patch(image, center, side, 300, border=border)
    assert patch.box_xyxy == box
    left, top, right, bottom = (int(value) for value in box)
    rows, columns = np.arange(top, bottom).clip(0, 89), np.arange(left, right).clip(0, 119)
    np.testing.assert_array_equal(patch.pixels, image[rows][:, columns])


def test_patch_outside_repeats_the_border() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    corner = sample_patch(image, (-100, -100), 10, 10).pixels
    assert (corner == image[0, 0]).all()
    right = sample_patch(image, (300, 30), 11, 11).pixels
    np.testing.assert_array_equal(right, np.repeat(image[25:36, -1:], 11, axis=1))
