"""Made frames: exact boxes and masks, bounds on what hides and distracts, and clear refusals."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pysot.core.errors import ConfigError
from pysot.datasets.sources.base import SOURCES, AnnotatedFrame, Source
from pysot.datasets.sources.copy_paste.layer import Layer, Pose, warp
from pysot.datasets.sources.copy_paste.params import CopyPasteParams
from pysot.datasets.sources.copy_paste.placement import fits, place_beside, place_over, place_target
from pysot.datasets.sources.copy_paste.source import CopyPasteSource
from pysot.datasets.sources.copy_paste.sprite import Sprite, cut_object, cut_scrap, lookalike
from tests.pysot.datasets.made import same, stills


def extent(mask: np.ndarray) -> list[int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [columns[0], rows[0], columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]]


def slab(width: int, height: int) -> Layer:
    """An opaque rectangle in a window with a transparent rim of 2 pixels."""
    solid = np.pad(np.ones((height, width), np.bool_), 2)
    picture = np.repeat(255 * solid[..., None].astype(np.uint8), 4, axis=2)
    return Layer(picture, solid, (2, 2, width, height))


def pasted(objects: Source, backgrounds: Source, **options: Any) -> CopyPasteSource:
    return CopyPasteSource("made", objects, backgrounds, CopyPasteParams(**options))


sides = st.integers(14, 120)


def test_it_is_registered() -> None:
    assert SOURCES["copy_paste"] is CopyPasteSource


def test_boxes_are_the_extent_of_the_masks_when_nothing_hides() -> None:
    source = pasted(stills(), stills(seed=50), occluder=0.0)
    for seed in range(40):
        for frame in source.draw(seed % 4, np.random.default_rng(seed), 2):
            assert frame.mask is not None and frame.image.shape == (240, 320, 3) and frame.mask.shape == (240, 320)
            assert frame.box_xywh.tolist() == extent(frame.mask)
            assert frame.box_xywh[2:].min() >= 12


def test_masks_are_the_pixels_where_the_object_was_pasted() -> None:
    """With a black background and a bright object, the mask is where the frame is bright."""
    source = pasted(stills(), stills(), scrap=0.0, distractors=0, occluder=0.0, blur=0.0, light=0.0)
    dark, bright = stills(1).videos[0][0].read(0), stills(1).videos[0][0].read(0)
    black, white = np.zeros_like(dark.image), np.full_like(bright.image, 255)
    source.backgrounds.draw = lambda *_: [replace(dark, image=black)]  # type: ignore[method-assign]
    source.objects.draw = lambda video, rng, count: [replace(bright, image=white)] * count  # type: ignore[method-assign]
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scenes, other = [source.backgrounds.draw(0, rng, 1)[0]] * 2, source.backgrounds.draw(0, rng, 1)[0]
        cast = source._cast(0, rng, 2, other, 240)
        assert cast is not None
        frames = source._shoot(cast, scenes, rng)
        assert frames is not None
        for frame in frames:
            assert np.array_equal(frame.mask, frame.image[..., 0] >= 128)


def test_equal_seeds_give_equal_frames_in_any_process() -> None:
    source = pasted(stills(), stills(seed=50))
    copy = pickle.loads(pickle.dumps(source))
    for seed in range(10):
        first, second = (s.draw(1, np.random.default_rng(seed), 3) for s in (source, copy))
        assert len(first) == 3 and all(same(a, b) for a, b in zip(first, second, strict=True))
    other = source.draw(1, np.random.default_rng(11), 1)[0]
    assert not same(other, source.draw(1, np.random.default_rng(12), 1)[0])


def test_sources_are_not_written_to() -> None:
    objects = stills()
    before = objects.videos[0][0].read(0)
    kept = before.image.copy()
    objects.draw = lambda *_: [before]  # type: ignore[method-assign]
    source = pasted(objects, objects, other_cut=0.0)
    for seed in range(10):
        source.draw(0, np.random.default_rng(seed), 1)
    assert np.array_equal(before.image, kept)


def test_at_most_two_fifths_of_the_object_are_hidden() -> None:
    """A rigid upright rectangle fills its box, so that the mask tells what is hidden."""
    rigid = {"rotation": 0.0, "shear": 0.0, "deform": 0.0, "blur": 0.0, "scrap": 0.0, "distractors": 0}
    source = pasted(stills(shape="box"), stills(seed=50), occluder=1.0, **rigid)  # type: ignore[arg-type]
    seen = []
    for seed in range(60):
        first, later = source.draw(seed % 4, np.random.default_rng(seed), 2)
        shares = [frame.mask.sum() / frame.box_xywh[2:].prod() for frame in (first, later) if frame.mask is not None]
        assert shares[0] > 0.97
        seen.append(shares[1])
    assert min(seen) >= 0.6 - 0.03
    assert np.mean(np.array(seen) < 0.95) > 0.3


def test_visible_boxes_are_those_of_the_visible_pixels() -> None:
    source = pasted(stills(shape="box"), stills(seed=50), occluder=1.0, visible_box=True)
    for seed in range(20):
        for frame in source.draw(0, np.random.default_rng(seed), 2):
            assert frame.mask is not None and frame.box_xywh.tolist() == extent(frame.mask)


@given(sides, sides, sides, sides, st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_distractors_leave_the_targets_center_free(w: int, h: int, width: int, height: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    target = place_target(slab(w, h), (240, 320), rng)
    beside = place_beside(slab(width, height), target, rng)
    if beside is not None:
        x, y, w, h = target.box_xywh
        left, top, width, height = beside.box_xywh
        assert not (left <= x + w / 2 <= left + width and top <= y + h / 2 <= top + height)


@given(sides, sides, sides, sides, st.integers(0, 1000), st.floats(0.1, 0.6))
@settings(max_examples=60, deadline=None)
def test_occluders_hide_no_more_than_allowed(w: int, h: int, width: int, height: int, seed: int, most: float) -> None:
    rng = np.random.default_rng(seed)
    target = place_target(slab(w, h), (240, 320), rng)
    over = place_over(slab(width, height), target, (240, 320), rng, most)
    if over is not None:
        whole = target.mask((240, 320))
        hidden = (whole & over.mask((240, 320))).sum() / whole.sum()
        assert 0 < hidden <= most and hidden == pytest.approx(over.covers(target, (240, 320)))


@given(st.integers(14, 400), st.integers(14, 300), st.integers(0, 1000), st.floats(-900, 900))
@settings(max_examples=80, deadline=None)
def test_three_fifths_of_the_box_stay_inside(width: int, height: int, seed: int, far: float) -> None:
    layer, shape = slab(width, height), (240, 320)
    if fits(layer, shape):
        for center in (None, np.array([far, -far])):
            x, y, w, h = place_target(layer, shape, np.random.default_rng(seed), center).box_xywh
            inside = (min(x + w, 320) - max(x, 0)) * (min(y + h, 240) - max(y, 0))
            assert inside >= 0.6 * w * h
            assert min(x + w, 320) - max(x, 0) >= 12 and min(y + h, 240) - max(y, 0) >= 12
    else:
        assert width > 0.78 * 320 or height > 0.78 * 240 or min(width, height) < 16


def test_an_upright_pose_returns_the_cut_out_itself() -> None:
    sprite = cut_object(stills(shape="box").videos[0][0].read(0))
    assert sprite is not None
    layer = warp(sprite, Pose(np.eye(2)))
    assert layer is not None
    x, y, w, h = layer.extent_xywh
    assert (w, h) == (88, 68) == tuple(extent(sprite.alpha >= 128)[2:])  # the outermost ring is left out
    left, top = x - extent(sprite.alpha >= 128)[0], y - extent(sprite.alpha >= 128)[1]
    middle = layer.picture[top + 20 : top + 50, left + 20 : left + 50]
    assert np.array_equal(middle[..., :3], sprite.color[20:50, 20:50]) and (middle[..., 3] == 255).all()


def test_a_lookalike_has_the_shape_but_not_the_colors() -> None:
    rng = np.random.default_rng(3)
    sprite = cut_scrap(stills().videos[0][0].read(0).image, rng)
    assert sprite is not None
    gray = Sprite(np.full_like(sprite.color, 120), sprite.alpha, sprite.side)
    for original in (sprite, gray):
        for _ in range(8):
            other = lookalike(original, rng)
            shapes = (original.alpha, original.alpha[:, ::-1])
            assert any(np.array_equal(other.alpha, shape) for shape in shapes)
            assert np.abs(other.color.astype(int).mean((0, 1)) - original.color.mean((0, 1))).max() > 4


def test_small_frames_and_objects_at_the_border_work() -> None:
    objects = stills(size_wh=(48, 40), box_xywh=(0, 0, 20, 18))
    source = pasted(objects, stills(size_wh=(40, 40), seed=50), size=(0.5, 0.6))
    for seed in range(20):
        for frame in source.draw(0, np.random.default_rng(seed), 2):
            assert frame.image.shape == (40, 40, 3) and frame.box_xywh[2:].min() >= 12


def test_draws_without_a_mask_are_repeated() -> None:
    mixed = stills(3, shape=None)
    mixed.videos.append(stills(1, seed=9).videos[0])
    source = pasted(mixed, stills(seed=50), scrap=0.0)
    frame = source.draw(0, np.random.default_rng(0), 1)[0]
    assert "still9" in frame.origin and frame.mask is not None


@pytest.mark.parametrize(
    ("objects", "options", "message"),
    [
        ({"shape": None}, {}, "needs objects with masks"),
        ({"box_xywh": (10, 10, 15, 60), "shape": "box"}, {}, "at least 16 pixels"),
        ({}, {"occluder": 1.5}, "made: OCCLUDER is 1.5; expected a share"),
        ({}, {"size": (0.5, 0.2)}, r"made: SIZE is \[0.5, 0.2\]"),
        ({}, {"scale": 0.5}, "SCALE is 0.5"),
        ({}, {"frame_range": 0}, "made: FRAME_RANGE is 0"),
    ],
)
def test_bad_input_is_refused(objects: dict[str, object], options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CopyPasteSource.from_options("made", objects=stills(**objects), backgrounds=stills(), **options)  # type: ignore[arg-type]


def test_frames_too_small_for_any_object_are_refused() -> None:
    source = pasted(stills(), stills(size_wh=(10, 10)))
    with pytest.raises(ConfigError, match="found no object to paste"):
        source.draw(0, np.random.default_rng(0), 2)


def test_a_mask_below_sixteen_pixels_is_no_object() -> None:
    sample = stills(1).videos[0][0].read(0)
    mask = np.zeros(sample.image.shape[:2], np.bool_)
    mask[5:40, 7:22] = True
    assert cut_object(AnnotatedFrame(sample.image, sample.box_xywh, mask, "")) is None
    mask[5:40, 7:23] = True
    assert cut_object(AnnotatedFrame(sample.image, sample.box_xywh, mask, "")) is not None
