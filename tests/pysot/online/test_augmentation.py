"""Views of the first frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pysot.online.augmentation import AugmentationParams, augment, drop_channels

SIDE = 64
STILL = AugmentationParams(random_shift=0.0)
PATCH = np.random.default_rng(0).uniform(0, 255, (2 * SIDE, 2 * SIDE, 3)).astype(np.float32)
MIDDLE = slice(SIDE // 2, SIDE // 2 + SIDE)


def views_of(patch: np.ndarray, **changes: object) -> tuple[np.ndarray, np.ndarray]:
    none = {"flip": False, "rotate": (), "blur": (), "shift": ()}
    params = replace(STILL, **(none | changes))  # type: ignore[arg-type]
    return augment(patch, SIDE, params, np.random.default_rng(0))


def spot(x: int, y: int) -> np.ndarray:
    """A bright spot, right and down of the middle between pixels."""
    patch = np.zeros_like(PATCH)
    patch[SIDE + y, SIDE + x] = 100
    return patch


def place(view: np.ndarray) -> tuple[int, int]:
    row, column = divmod(int(view[..., 0].argmax()), SIDE)
    return column - SIDE // 2, row - SIDE // 2


def test_published_list_has_23_views_of_the_right_form() -> None:
    views, shifts = augment(PATCH, SIDE, AugmentationParams(), np.random.default_rng(0))
    assert views.shape == (23, SIDE, SIDE, 3) and views.dtype == np.float32 and shifts.shape == (23, 2)
    np.testing.assert_array_equal(views[0], PATCH[MIDDLE, MIDDLE])
    assert shifts[:5].tolist() == [[0, 0], [19, 19], [-19, 19], [19, -19], [-19, -19]]
    assert np.abs(shifts[5:]).max() <= SIDE / 6 and len(np.unique(shifts[5:], axis=0)) > 10
    again, _ = augment(PATCH, SIDE, AugmentationParams(), np.random.default_rng(0))
    np.testing.assert_array_equal(views, again)
    assert augment(PATCH.astype(np.float64), SIDE, STILL, np.random.default_rng(0))[0].dtype == np.float64


def test_content_moves_by_the_shift_that_is_reported() -> None:
    views, shifts = views_of(spot(2, 5), shift=(0.5, -0.25))
    assert shifts[1].tolist() == [16, -8]
    assert place(views[0]) == (2, 5) and place(views[1]) == (2 - 8, 5 + 16)


def test_mirror_blur_and_rotation_do_what_they_say() -> None:
    mirrored, _ = views_of(spot(6, 3), flip=True)
    assert place(mirrored[1]) == (-7, 3)  # the middle lies between two pixels
    turned, _ = views_of(spot(10, 0), rotate=(90.0, -90.0))
    assert {place(turned[1]), place(turned[2])} == {(0, -11), (-1, 10)}
    blurred, _ = views_of(spot(0, 0), blur=(3.0, 1.0))
    profile = blurred[1][..., 0]
    assert profile.sum() == pytest.approx(100, rel=1e-4)
    rows, columns = (np.sqrt((profile.sum(axis) * np.arange(-32, 32) ** 2).sum() / 100) for axis in (1, 0))
    assert 2.4 < rows < 3.1 and 0.7 < columns < 1.1


def test_border_repeats_where_the_crop_is_too_small() -> None:
    params = replace(STILL, flip=False, rotate=(), blur=(), shift=(0.5, 0.5))
    views, _ = augment(PATCH[MIDDLE, MIDDLE], SIDE, params, np.random.default_rng(0))
    np.testing.assert_array_equal(views[1][16:, 16:], PATCH[MIDDLE, MIDDLE][:-16, :-16])
    np.testing.assert_array_equal(views[1][:16, 20], np.repeat(views[1][16:17, 20], 16, axis=0))


def test_dropped_channels_keep_the_mean() -> None:
    features = torch.ones(6, 6, 200)
    dropped = drop_channels(features, 7, 0.2, np.random.default_rng(0))
    assert dropped.shape == (7, 6, 6, 200)
    assert dropped.unique().tolist() == [0.0, 1.25]
    assert float(dropped.mean()) == pytest.approx(1, abs=0.05)
    assert float(dropped.std(dim=(1, 2)).max()) == 0
    assert drop_channels(features, 0, 0.2, np.random.default_rng(0)).shape == (0, 6, 6, 200)
