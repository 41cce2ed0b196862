"""Views of a target: PySOT's window, exact boxes and masks, and each kind of change on its own."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pysot.core.crop import context_side, get_subwindow
from pysot.datasets.augmentation import CROP_SIDE, Patch, ViewParams, make_view
from pysot.datasets.sources.base import AnnotatedFrame
from toolkit.synthetic import random_scene

PLAIN = ViewParams()
SEARCH = ViewParams(shift=64, scale=0.18)


def noise(height: int = CROP_SIDE, width: int = CROP_SIDE, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth random picture, so that a small error of position is a small error of value."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 16 + 2, width // 16 + 2, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def prepared(aspect: float = 1.0, seed: int = 0) -> AnnotatedFrame:
    """A crop as data preparation makes it: the target in the middle, its context spans 127 pixels."""
    size = np.array([np.sqrt(aspect), 1 / np.sqrt(aspect)])
    size *= 127 / context_side((size[0], size[1]), 0.5)
    return AnnotatedFrame(noise(seed=seed), np.array([*(255 - size / 2), *size]), None, "crop")


def drawn_frame() -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """A rendered frame of 480 x 360 pixels and the target's box."""
    scene = random_scene(5, attributes=(), count=2, size=(480, 360))
    return scene.frame(0), scene.box(0)


def view(sample: AnnotatedFrame, params: ViewParams = PLAIN, size: int = 255, seed: int = 0, **options: bool) -> Patch:
    return make_view(sample, size, params, np.random.default_rng(seed), **options)


def test_no_change_is_the_middle_of_a_prepared_crop() -> None:
    sample = prepared()
    for size in (127, 255):
        patch, start = view(sample, size=size), 255 - size // 2
        assert patch.image.dtype == np.float32 and patch.box_xyxy.dtype == np.float64 and patch.mask is None
        np.testing.assert_array_equal(patch.image, sample.image[start : start + size, start : start + size])
        np.testing.assert_allclose(patch.box_xyxy[:2] + patch.box_xyxy[2:], size - 1, atol=1e-9)
        np.testing.assert_allclose(patch.box_xyxy[2:] - patch.box_xyxy[:2], sample.box_xywh[2:])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 120), st.floats(0, 0.9), st.sampled_from([127, 255]), st.floats(0.4, 2.5))
def test_window_is_pysots_on_prepared_crops(seed: int, shift: float, scale: float, size: int, aspect: float) -> None:
    """The formulas of 8.3, written with corners in the 511 crop."""
    sample = prepared(aspect)
    draws = np.random.default_rng(seed)
    scale_xy = np.minimum(1 + draws.uniform(-1, 1, 2) * scale, CROP_SIDE / (size - 1))
    start = 255 - (size - 1) * scale_xy / 2
    end = 255 + (size - 1) * scale_xy / 2
    move = np.maximum(-start, np.minimum(CROP_SIDE - 1 - end, draws.uniform(-1, 1, 2) * shift))
    if (end - start > CROP_SIDE - 1).any():
        return  # half a pixel of room is missing: PySOT then moves the window by it, we leave it in the middle
    start, end = start + move, end + move
    zoom = (size - 1) / (end - start)
    matrix = np.array([[zoom[0], 0, -zoom[0] * start[0]], [0, zoom[1], -zoom[1] * start[1]]])
    expected = cv2.warpAffine(sample.image, matrix, (size, size))
    x, y, w, h = sample.box_xywh
    box = [(x - start[0]) / scale_xy[0], (y - start[1]) / scale_xy[1]]
    box += [(x + w - start[0]) / scale_xy[0], (y + h - start[1]) / scale_xy[1]]

    patch = view(sample, ViewParams(shift=shift, scale=scale), size, seed)
    np.testing.assert_allclose(patch.box_xyxy, box, atol=1e-9)
    inner = np.s_[1:-1, 1:-1]  # at the crop's very border 1e-14 decides between image and fill
    assert np.abs(patch.image[inner] - expected.astype(np.float32)[inner]).max() <= 3
    assert np.abs(patch.image - expected.astype(np.float32))[inner].mean() < 0.05


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.tuples(st.integers(8, 250), st.floats(0.35, 2.8)),
    st.tuples(st.integers(1, 500), st.integers(1, 300)),
    st.booleans(),
)
def test_box_and_mask_stay_on_the_object(
    seed: int, shape: tuple[int, float], corner: tuple[int, int], flip: bool
) -> None:
    """A drawn rectangle is measured in the view. Its pixels x..x+w-1 reach from x - 0.5 to x + w - 0.5."""
    width, height = shape[0], min(400, max(8, round(shape[0] * shape[1])))
    x, y = corner
    image = np.zeros((y + height + 150, x + width + 150, 3), dtype=np.uint8)
    image[y : y + height, x : x + width] = 255
    sample = AnnotatedFrame(image, np.array([x, y, width, height], dtype=np.float64), image[..., 0] > 0, "rectangle")
    patch = view(sample, ViewParams(shift=60, scale=0.18, flip=float(flip)), 255, seed)
    assert patch.mask is not None and patch.mask.dtype == np.bool_
    assert np.mean((patch.image[..., 0] > 127.5) != patch.mask) < 0.002
    step_xy = np.array([width, height]) / (patch.box_xyxy[2:] - patch.box_xyxy[:2])
    for axis, profile in enumerate((patch.mask.any(axis=0), patch.mask.any(axis=1))):
        first, last = np.flatnonzero(profile)[[0, -1]]
        half = (0.5 if flip and axis == 0 else -0.5) / step_xy[axis]
        low, high = np.clip(patch.box_xyxy[[axis, axis + 2]] + half, -0.5, 254.5)
        slack = 0.5 + 1 / 16 / step_xy[axis] + 1e-6  # a whole patch pixel; OpenCV samples at 1/32 image pixels
        assert abs(first - 0.5 - low) <= slack
        assert abs(last + 0.5 - high) <= slack


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_flip_mirrors_everything(seed: int) -> None:
    sample = prepared(1.5)
    sample = AnnotatedFrame(sample.image, sample.box_xywh, sample.image[..., 0] > 128, "")
    plain, flipped = view(sample, SEARCH, seed=seed), view(sample, ViewParams(64, 0.18, flip=1), seed=seed)
    np.testing.assert_array_equal(flipped.image, plain.image[:, ::-1])
    assert plain.mask is not None and flipped.mask is not None
    np.testing.assert_array_equal(flipped.mask, plain.mask[:, ::-1])
    np.testing.assert_allclose(
        flipped.box_xyxy, (254 - plain.box_xyxy[[2, 1, 0, 3]]) * [1, -1, 1, -1] + [0, 254, 0, 254]
    )


def test_frame_and_prepared_crop_give_the_same_view() -> None:
    """The frame is cut out with the tracker's cropper, enlarged to 511 pixels, and annotated there."""
    frame, box = drawn_frame()
    unit = context_side((box[2], box[3]), 0.5) / 127
    center = box[:2] + box[2:] / 2
    origin = center - 255 * unit
    matrix = np.array([[unit, 0, origin[0]], [0, unit, origin[1]]])
    mean = cv2.mean(frame)
    crop = cv2.warpAffine(frame, matrix, (511, 511), flags=cv2.WARP_INVERSE_MAP, borderValue=mean)
    size = box[2:] / unit
    small = AnnotatedFrame(np.asarray(crop, dtype=np.uint8), np.array([*(255 - size / 2), *size]), None, "crop")
    whole = AnnotatedFrame(frame, box, None, "frame")
    for seed in range(5):
        a, b = view(whole, SEARCH, seed=seed), view(small, SEARCH, seed=seed)
        np.testing.assert_allclose(a.box_xyxy, b.box_xyxy, atol=1e-9)
        assert np.abs(a.image - b.image).mean() < 5  # sampled once against twice


def test_plain_view_is_the_trackers_crop() -> None:
    frame, box = drawn_frame()
    unit = context_side((box[2], box[3]), 0.5) / 127
    center = (float(box[0] + box[2] / 2), float(box[1] + box[3] / 2))
    crop = get_subwindow(frame, center, 255, round(unit * 255), frame.mean(axis=(0, 1)))
    patch = view(AnnotatedFrame(frame, box, None, "bag"))
    assert np.abs(patch.image - crop.astype(np.float32)).mean() < 4
    detail = [float(np.abs(cv2.Laplacian(x.astype(np.float32), cv2.CV_32F)).mean()) for x in (patch.image, crop)]
    assert detail[0] == pytest.approx(detail[1], rel=0.1)


def test_outside_of_the_frame_is_its_mean_color() -> None:
    image = np.full((64, 64, 3), (10, 100, 200), dtype=np.uint8)
    image[32:] = (30, 120, 220)
    patch = view(AnnotatedFrame(image, np.array([0.0, 0.0, 16.0, 16.0]), None, ""))
    np.testing.assert_allclose(patch.image[0, 0], (20, 110, 210), atol=1)
    np.testing.assert_allclose(patch.image[140, 140], (10, 100, 200), atol=1)


def test_window_stays_in_the_prepared_crop() -> None:
    """Shifts and scales far beyond what fits never show anything from beyond the 511 units."""
    sample = AnnotatedFrame(np.full((CROP_SIDE, CROP_SIDE, 3), 200, dtype=np.uint8), prepared().box_xywh, None, "")
    for seed in range(20):
        patch = view(sample, ViewParams(shift=400, scale=0.9), seed=seed)
        assert (patch.image[1:-1, 1:-1] == 200).all()


def test_tint_is_one_unclipped_color() -> None:
    image = np.full((CROP_SIDE, CROP_SIDE, 3), (0, 128, 255), dtype=np.uint8)
    tints = []
    for seed in range(400):
        patch = make_view(
            AnnotatedFrame(image, prepared().box_xywh, None, ""), 31, ViewParams(color=1), np.random.default_rng(seed)
        )
        tint = np.array([0, 128, 255], dtype=np.float32) - patch.image
        np.testing.assert_allclose(tint, np.broadcast_to(tint[0, 0], tint.shape), atol=1e-4)
        tints.append(tint[0, 0, ::-1])
    rows = [[-0.55919361, 0.98062831, -0.41940627], [1.72091413, 0.19879334, -1.82968581]]
    rows += [[4.64467907, 4.73710203, 4.88324118]]
    expected = np.array(rows) @ np.array(rows).T
    assert np.abs(np.mean(tints, axis=0)).max() < 0.6
    np.testing.assert_allclose(np.cov(np.array(tints).T), expected, rtol=0.25, atol=1.5)
    assert min(t.min() for t in tints) < 0  # some pixels leave 0..255


def test_gray_has_one_value_in_all_channels() -> None:
    sample = prepared()
    patch = view(sample, gray=True)
    assert (patch.image == patch.image[..., :1]).all()
    expected = cv2.cvtColor(sample.image[128:383, 128:383], cv2.COLOR_BGR2GRAY)
    np.testing.assert_array_equal(patch.image[..., 0], expected)


def test_blur_is_a_cross_of_the_given_sizes() -> None:
    """A single bright pixel shows the kernel itself."""
    image = np.zeros((CROP_SIDE, CROP_SIDE, 3), dtype=np.uint8)
    image[255, 255] = 255
    sample = AnnotatedFrame(image, prepared().box_xywh, None, "")
    sizes = set()
    for seed in range(300):
        kernel = view(sample, ViewParams(blur=1), size=63, seed=seed).image[..., 0] / 255
        assert kernel.sum() == pytest.approx(1, abs=1e-4)
        off_axes = kernel.copy()
        off_axes[31], off_axes[:, 31] = 0, 0
        assert np.abs(off_axes).max() < 1e-5
        column, row = kernel[:, 31].copy(), kernel[31].copy()
        size = max(int((line > 1e-4).sum()) for line in (column, row))
        sizes.add(size)
        column[31] = row[31] = np.nan
        arms = np.nanmax(column) + np.nanmax(row)
        assert arms == pytest.approx(1 / size, abs=1e-4)
    assert sizes == set(range(5, 46, 2))


def test_probabilities_are_met() -> None:
    sample, params = prepared(), ViewParams(flip=0.3)
    plain = view(sample, size=31).image
    flips = sum(not np.array_equal(view(sample, params, 31, seed).image, plain) for seed in range(500))
    assert 110 <= flips <= 190


def test_same_generator_same_view_and_image_untouched() -> None:
    sample = prepared()
    before, params = sample.image.copy(), ViewParams(64, 0.18, 0.5, 0.5, 0.5)
    for seed in range(10):
        a, b = view(sample, params, seed=seed), view(sample, params, seed=seed)
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.box_xyxy, b.box_xyxy)
    np.testing.assert_array_equal(sample.image, before)


@pytest.mark.parametrize("box", [[-30, -20, 40, 50], [0, 0, 1, 1], [300, 300, 2000, 3], [0.2, 0.1, 0.3, 0.2]])
def test_odd_boxes_give_finite_views(box: list[float]) -> None:
    sample = AnnotatedFrame(noise(200, 300), np.array(box, dtype=np.float64), np.zeros((200, 300), dtype=np.bool_), "")
    patch = view(sample, ViewParams(64, 0.18, 1, 1, 1))
    assert np.isfinite(patch.image).all() and np.isfinite(patch.box_xyxy).all()
    assert (patch.box_xyxy[2:] > patch.box_xyxy[:2]).all()
