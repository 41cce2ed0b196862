"""Crops around jittered boxes: the target is where its box says, and the square follows the frame's border."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pysot.core.errors import ConfigError
from pysot.datasets.target_crop import CROP_MODES, Cropper, Jitter

BOX = np.array([70.0, 40.0, 20.0, 30.0])


def frame(box_xywh: np.ndarray, size_hw: tuple[int, int] = (120, 160)) -> np.ndarray:
    image = np.full((*size_hw, 3), 40, np.uint8)
    x, y, width, height = box_xywh.astype(int)
    image[y : y + height, x : x + width] = 240
    return image


@pytest.mark.parametrize("mode", CROP_MODES)
def test_the_target_is_where_its_box_says(mode: str) -> None:
    crop, box = Cropper(128, 4.0, mode)(frame(BOX), BOX, BOX)
    bright = np.argwhere(crop[..., 0] > 140)
    (top, left), (bottom, right) = bright.min(0), bright.max(0) + 1
    np.testing.assert_allclose([left, top, right, bottom], [*box[:2], *(box[:2] + box[2:])], atol=0.7)


def test_size_and_place_of_the_plain_square() -> None:
    """Side ceil(5 sqrt(600)) = 123 around (80, 55); the crop's center is the target's to a frame pixel."""
    crop, box = Cropper(288, 5.0)(frame(BOX), BOX, BOX)
    assert crop.shape == (288, 288, 3)
    zoom = 288 / 123
    np.testing.assert_allclose(box[2:], BOX[2:] * zoom)
    np.testing.assert_allclose(box[:2] + box[2:] / 2, 144, atol=zoom)


def test_inside_shrinks_and_shifts_into_the_frame() -> None:
    """A square of 100 in a frame of 80 x 160 becomes 80 along both axes, and touches the left border."""
    box = np.array([5.0, 30.0, 20.0, 20.0])
    cropper = Cropper(80, 5.0, "inside")
    crop, moved = cropper(frame(box, (80, 160)), box, box)
    np.testing.assert_allclose(moved, box)
    np.testing.assert_array_equal(crop, frame(box, (80, 160))[:80, :80])


def test_shift_moves_without_shrinking() -> None:
    """A square of 100 in a frame of 80 x 160 touches the left border and hangs out by 10 rows above and below; a square
    that fits lies inside the frame.
    """
    box = np.array([5.0, 10.0, 20.0, 20.0])
    crop, moved = Cropper(100, 5.0, "shift")(frame(box, (80, 160)), box, box)
    np.testing.assert_allclose(moved, [5, 20, 20, 20])
    np.testing.assert_array_equal(crop[:10], np.broadcast_to(crop[10], (10, 100, 3)))
    _, moved = Cropper(60, 3.0, "shift")(frame(box, (80, 160)), box, box)
    np.testing.assert_allclose(moved, box)
    _, moved = Cropper(100, 5.0, "shift")(frame(box, (40, 160)), box, box)
    np.testing.assert_allclose(moved, [5, 40, 20, 20])  # more than twice the frame's height: its size stays


def test_inside_major_needs_to_fit_along_one_axis_only() -> None:
    """The same square keeps its 100 pixels; what hangs out above and below is shared: 10 rows each."""
    box = np.array([5.0, 30.0, 20.0, 20.0])
    crop, moved = Cropper(100, 5.0, "inside_major")(frame(box, (80, 160)), box, box)
    np.testing.assert_allclose(moved, [5, 40, 20, 20])
    np.testing.assert_array_equal(crop[:10], np.broadcast_to(crop[10], (10, 100, 3)))


def test_shrinking_is_limited() -> None:
    """1.5 times at most: 100 becomes 66 in a frame of 40 rows, whose overflow of 26 is shared."""
    box = np.array([60.0, 10.0, 20.0, 20.0])
    _, moved = Cropper(66, 5.0, "inside")(frame(box, (40, 160)), box, box)
    np.testing.assert_allclose(moved[[1, 2, 3]], [10 + 13, 20, 20])


@settings(max_examples=60, deadline=None)
@given(st.floats(-60, 200), st.floats(-60, 200), st.floats(1, 150), st.floats(1, 150), st.sampled_from(CROP_MODES))
def test_any_place_gives_a_crop(x: float, y: float, width: float, height: float, mode: str) -> None:
    crop, box = Cropper(32, 4.0, mode)(frame(BOX), np.array([x, y, width, height]), BOX)
    assert crop.shape == (32, 32, 3)
    assert np.isfinite(box).all()
    assert box[2] / box[3] == pytest.approx(2 / 3)


def test_jitter_follows_its_formula() -> None:
    rng = np.random.default_rng(0)
    jitter = Jitter(center=4.5, scale=0.5)
    boxes = np.stack([jitter.apply(BOX, rng) for _ in range(4000)])
    logs = np.log(boxes[:, 2:] / BOX[2:])
    np.testing.assert_allclose(logs.std(0), 0.5, rtol=0.05)
    reach = (boxes[:, :2] + boxes[:, 2:] / 2 - [80, 55]) / np.sqrt(boxes[:, 2:].prod(1))[:, None]
    assert 2.15 < np.abs(reach).max() <= 2.25
    np.testing.assert_array_equal(Jitter().apply(BOX, rng), BOX)


def test_unknown_mode() -> None:
    with pytest.raises(ConfigError, match=r"CROP_MODE is 'wrap'; expected one of replicate"):
        Cropper(32, 4.0, "wrap")
