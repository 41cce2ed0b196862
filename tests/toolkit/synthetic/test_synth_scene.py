"""A rendered scene: reproducible pixels, truth that agrees with itself and with the picture."""

from __future__ import annotations

import pickle
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, box
from shapely.geometry import Polygon as ShapelyPolygon
from shapely.ops import unary_union

from toolkit.datasets.sequence import Sequence
from toolkit.errors import DatasetError, FrameError
from toolkit.regions import Mask
from toolkit.synthetic import ATTRIBUTES, Scene, random_scene, scene_of
from toolkit.synthetic.assets import ASSETS
from toolkit.synthetic.ground_truth import ABSENT_BELOW


def tight_box(mask: Mask) -> np.ndarray:
    rows, columns = np.nonzero(mask.bits)
    x, y = columns.min(), rows.min()
    return np.array([mask.x + x, mask.y + y, columns.max() - x + 1, rows.max() - y + 1])


def shapely_region(scene: Scene, frame: int) -> ShapelyPolygon | MultiPolygon:
    return unary_union([ShapelyPolygon(points).buffer(0) for points in scene.outlines(frame)])


@pytest.fixture(scope="module")
def hard() -> Scene:
    return random_scene(3, ("occlusion", "deformation", "out_of_view", "camera_motion"), 60, family="animal")


def test_same_seed_same_pixels_in_any_order(hard: Scene) -> None:
    again = random_scene(3, hard.attributes, 60, family="animal")
    forward = {i: hard.frame(i) for i in (0, 7, 31, 59)}
    for i in (59, 31, 0, 7):
        assert np.array_equal(again.frame(i), forward[i])
    assert forward[0].shape == (240, 320, 3)
    assert forward[0].dtype == np.uint8


def test_another_seed_or_name_gives_another_scene(hard: Scene) -> None:
    other = random_scene(4, hard.attributes, 60, family="animal", name=hard.name)
    renamed = random_scene(3, hard.attributes, 60, family="animal", name="renamed")
    for scene in (other, renamed):
        assert np.mean(scene.frame(0) != hard.frame(0)) > 0.5
        assert not np.allclose(scene.ground_truth.boxes_xywh[0], hard.ground_truth.boxes_xywh[0])


def test_a_pickled_scene_is_small_and_renders_the_same(hard: Scene) -> None:
    expected = hard.frame(13)
    data = pickle.dumps(hard)
    copy = pickle.loads(data)
    assert len(data) < 100_000
    assert np.array_equal(copy.frame(13), expected)
    np.testing.assert_array_equal(copy.ground_truth.boxes_xywh, hard.ground_truth.boxes_xywh)


def test_noise_differs_from_frame_to_frame() -> None:
    scene = random_scene(1, (), 4, family="ball")
    camera = replace(scene.camera, center=np.zeros((4, 2)))
    still = replace(scene, camera=camera, imaging=replace(scene.imaging, gain=np.ones((4, 3)), exposure=0.0))
    difference = still.frame(1).astype(int) - still.frame(2)
    assert 1 < np.abs(difference).mean() < 12


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_outlines_masks_and_boxes_agree(seed: int) -> None:
    scene = random_scene(seed, None, 30)
    for frame in (0, 13, 29):
        region = shapely_region(scene, frame).intersection(box(0, 0, *scene.size))
        full, seen = scene.full_mask(frame), scene.mask(frame)
        if scene.ground_truth.in_view[frame] < ABSENT_BELOW:
            assert np.isnan(scene.box(frame)).all()
            continue
        left, top, right, bottom = region.bounds
        np.testing.assert_allclose(scene.box(frame), [left, top, right - left, bottom - top], atol=1e-6)
        assert np.abs(tight_box(full) - scene.box(frame)).max() <= 2.0
        assert full.bits.sum() == pytest.approx(region.area, rel=0.06)
        assert not (seen.bits & ~full.bits).any()
        whole = shapely_region(scene, frame).area
        assert seen.bits.sum() / whole == pytest.approx(scene.ground_truth.cover[frame], abs=0.05)


def test_turned_box_holds_the_outline(hard: Scene) -> None:
    for frame in range(0, 60, 7):
        corners = ShapelyPolygon(hard.corners(frame)).buffer(1e-6)
        assert corners.contains(shapely_region(hard, frame))
        np.testing.assert_allclose(hard.corners(frame), hard.ground_truth.corners[frame])


@pytest.mark.parametrize(("assets", "family"), [(name, one) for name in ASSETS for one in ASSETS[name].families])
def test_the_picture_changes_exactly_where_the_mask_says(assets: str, family: str) -> None:
    """Takes the target away: the pixels that differ are those of its mask and of its shadow below."""
    scene = random_scene(11, ("deformation",), 12, family=family, assets=assets)
    imaging = replace(scene.imaging, noise=0.0, exposure=0.0, softness=0.01)
    target = replace(scene.target, shadow=0.0)
    with_target = replace(scene, imaging=imaging, target=target)
    gone = replace(target, track=replace(target.track, center=target.track.center + 5000))
    # The background mimics nothing but clutter's target, so both scenes share one picture of the world.
    without = replace(with_target, target=gone)
    for frame in (0, 11):
        changed = np.abs(with_target.frame(frame).astype(int) - without.frame(frame)).max(axis=2) > 24
        mask = np.zeros(changed.shape, bool)
        full = scene.full_mask(frame)
        mask[full.y : full.y + full.bits.shape[0], full.x : full.x + full.bits.shape[1]] = full.bits
        grown = mask.copy()
        for axis in (0, 1):
            grown |= np.roll(grown, 1, axis) | np.roll(grown, -1, axis)
        assert not (changed & ~grown).any()
        assert (changed & mask).sum() > 0.6 * mask.sum()


def test_first_frame_is_a_fair_start() -> None:
    for seed in range(12):
        scene = random_scene(seed, None, 20)
        assert scene.ground_truth.cover[0] == 1.0
        assert scene.ground_truth.boxes_xywh[0, 2:].min() >= 24


def test_leaving_the_view_is_nan_and_not_visible() -> None:
    scene = random_scene(5, ("out_of_view",), 80, family="ball")
    truth = scene.ground_truth
    away = np.isnan(truth.boxes_xywh[:, 0])
    assert 5 <= away.sum() <= 35
    assert not truth.visible[away].any()
    assert (truth.in_view[away] < ABSENT_BELOW).all()
    gone = int(np.argmin(truth.in_view))
    assert truth.in_view[gone] == 0
    assert not scene.mask(gone).bits.any()
    assert not away[-6:].any()


def test_hidden_target_keeps_its_box_but_is_not_visible() -> None:
    scene = random_scene(2, ("occlusion",), 80, family="car")
    front = replace(scene.front[0], track=replace(scene.front[0].track, center=scene.target.track.center))
    scale = replace(front.track, size=front.track.size * 4)
    covered = replace(scene, front=(replace(front, track=scale),))
    assert not covered.ground_truth.visible.any()
    assert np.isfinite(covered.ground_truth.boxes_xywh).all()
    assert np.isnan(replace(covered, hidden_is_absent=True).ground_truth.boxes_xywh).all()


def test_sequence_carries_the_truth(hard: Scene) -> None:
    sequence = hard.sequence()
    masks = sequence.masks
    assert masks is not None
    assert len(sequence) == len(sequence.ground_truth) == len(masks) == 60
    assert np.array_equal(masks[-1].bits, hard.mask(59).bits)
    assert [m.bits.shape for m in masks[2:4]] == [hard.mask(i).bits.shape for i in (2, 3)]
    assert np.array_equal(sequence.require_frames()[4], hard.frame(4))
    assert sequence.size() == (320, 240)
    assert all(tag.shape == (60,) and tag.dtype == bool for tag in sequence.frame_tags.values())
    assert scene_of(sequence) is hard
    polygons = hard.sequence(polygons=True).ground_truth
    assert polygons.shape == (60, 8)
    assert np.array_equal(np.isnan(polygons[:, 0]), np.isnan(sequence.ground_truth[:, 0]))


def test_attributes_show_in_the_numbers() -> None:
    """What an attribute promises can be measured on the truth."""
    mild = random_scene(8, (), 72, family="card").ground_truth

    def growth(boxes: np.ndarray) -> float:
        size = np.sqrt(boxes[:, 2] * boxes[:, 3])
        return float(size.max() / size.min())

    assert growth(random_scene(8, ("scale_change",), 72, family="card").ground_truth.boxes_xywh) > growth(
        mild.boxes_xywh
    )
    for name in ("occlusion", "rotation", "fast_motion", "illumination", "camera_motion"):
        scenes = [random_scene(seed, (name,), 72, family="card") for seed in (1, 2, 3)]
        assert any(scene.sequence().frame_tags[name].any() for scene in scenes), name


def test_bad_input_is_named() -> None:
    with pytest.raises(DatasetError, match=r"'rain' is not an attribute.*occlusion"):
        random_scene(0, ("rain",))
    with pytest.raises(DatasetError, match=r"'cow' is not an object family.*animal"):
        random_scene(0, (), family="cow")
    scene = random_scene(0, (), 10, family="ball")
    with pytest.raises(FrameError, match=r"frames 0\.\.9, not 10"):
        scene.frame(10)
    plain = Sequence("plain", np.zeros((3, 4)))
    with pytest.raises(DatasetError, match="'plain' is not a rendered one"):
        scene_of(plain)


@pytest.mark.parametrize("name", sorted(ATTRIBUTES))
def test_every_attribute_renders_in_time(name: str) -> None:
    """A sanity bound, generous because test machines are busy: rendering must not dominate a tracker's time."""
    scene = random_scene(21, (name,), 24)
    scene.frame(0)
    times = []
    for index in range(24):
        start = time.thread_time()
        scene.frame(index)
        times.append(time.thread_time() - start)
    assert np.median(times) < 0.025
