"""The shared patch: where boxes lie in it, and what it shows."""

from __future__ import annotations

import numpy as np
import pytest

from pysot.core.crop import get_subwindow
from pysot.core.roi_patch import BoxGeometry, RoiPatch, patch_size

STRETCHED = BoxGeometry(107, 82.0, 12.0)
KEPT = BoxGeometry(128, 0, 0)


def test_a_stretched_box_has_the_wanted_sides() -> None:
    patch = RoiPatch.around((50, 40), (20, 60), STRETCHED, (201, 151))
    corners = patch.boxes_in_patch(np.array([[40.0, 10, 20, 60]]))[0]
    np.testing.assert_allclose(corners, [100.5 - 41, 75.5 - 41, 100.5 + 41, 75.5 + 41])


def test_the_patch_shows_what_lies_in_the_box() -> None:
    image = np.zeros((100, 120, 3), np.uint8)
    image[20:60, 30:50] = 255
    patch = RoiPatch.around((40, 40), (20, 40), STRETCHED, (161, 161))
    left, top, right, bottom = patch.boxes_in_patch(np.array([[30.0, 20, 20, 40]]))[0].round().astype(int)
    pixels = patch.cut(image)[..., 0]
    assert pixels.shape == (161, 161)
    assert pixels[top + 3 : bottom - 3, left + 3 : right - 3].min() == 255
    assert pixels[: top - 3].max() == 0 and pixels[:, right + 3 :].max() == 0


def test_kept_aspect_is_the_siamese_crop() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8).repeat(6, 0).repeat(6, 1)
    width = height = 63.5  # a context of 127 pixels: nothing is resized
    patch = RoiPatch.around((150.0, 120.0), (width, height), KEPT, (128, 128))
    np.testing.assert_array_equal(patch.cut(image), image[56:184, 86:214])
    siamese = get_subwindow(image, (150.0, 120.0), 128, 128, np.zeros(3))
    np.testing.assert_array_equal(patch.cut(image), siamese)


def test_outside_is_gray_or_the_mean() -> None:
    image = np.full((30, 30, 3), 200, np.uint8)
    gray = RoiPatch.around((0, 0), (20, 20), STRETCHED, (107, 107)).cut(image)
    mean = RoiPatch.around((0, 0), (20, 20), KEPT, (107, 107)).cut(image)
    assert gray[0, 0].tolist() == [128] * 3 and mean.min() == 200 and gray[-1, -1].tolist() == [200] * 3


def test_bounds_are_the_common_part_of_patch_and_image() -> None:
    patch = RoiPatch.around((10, 50), (82, 82), STRETCHED, (107, 107))
    assert patch.bounds_xyxy(12, (200, 300)) == pytest.approx((0, 8.5, 51.5, 91.5))
    left, top, right, bottom = RoiPatch.around((-500, 50), (82, 82), STRETCHED, (107, 107)).bounds_xyxy(12, (200, 300))
    assert right == left and bottom > top


def test_patch_size_grows_with_reach_up_to_a_limit() -> None:
    assert patch_size((82, 41), STRETCHED, 50, 1000) == (207, 307)
    assert patch_size((82, 41), STRETCHED, 5000, 384) == (384, 384)
