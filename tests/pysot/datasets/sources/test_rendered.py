"""Rendered scenes as training data: never those of the benchmarks, exact, cached."""

from __future__ import annotations

import pickle
import zlib

import numpy as np
import pytest

from pysot.core.errors import ConfigError
from pysot.datasets.sources.base import SOURCES
from pysot.datasets.sources.rendered import RenderedSource, scene_name
from tests.pysot.datasets.made import same
from toolkit.synthetic import random_scene
from toolkit.synthetic import synth as benchmark
from toolkit.synthetic import synth_lt as longterm
from toolkit.synthetic.texture import stream


@pytest.fixture(scope="module")
def source() -> RenderedSource:
    return RenderedSource("scenes", count=3, frames_per_scene=24, size=(200, 160), cache=2)


def test_it_is_registered() -> None:
    assert SOURCES["synth"] is RenderedSource


def test_no_scene_shares_a_random_stream_with_the_benchmarks() -> None:
    """Streams are seeded by [seed, CRC of the scene's name, ...]: with other CRCs no seed gives a benchmark's scene."""
    taken = {zlib.crc32(row[0].encode()) for row in (*benchmark.SEQUENCES, *longterm.PLANS)}
    assert len(taken) == len(benchmark.SEQUENCES) + len(longterm.PLANS)
    assert not any(zlib.crc32(scene_name(video).encode()) in taken for video in range(200_000))
    assert not any(zlib.crc32(scene_name(video, 1 + video % 19).encode()) in taken for video in range(20_000))


def test_streams_are_keyed_by_the_scene_name() -> None:
    """What the proof above rests on: the first key after the seed is the CRC of the name, for scenes and noise."""
    expected = np.random.default_rng([7, zlib.crc32(b"training_0"), zlib.crc32(b"scene"), 0]).random(4)
    assert np.array_equal(stream(7, "training_0", "scene", 0).random(4), expected)
    first, second = (random_scene(0, ["rotation"], 8, name=name) for name in ("rotation_1", scene_name(0)))
    assert not np.array_equal(first.ground_truth.boxes_xywh, second.ground_truth.boxes_xywh)


def test_boxes_hold_the_masks(source: RenderedSource) -> None:
    for video in range(3):
        for seed in range(4):
            for frame in source.draw(video, np.random.default_rng(seed), 2):
                assert frame.image.shape == (160, 200, 3) and frame.mask is not None and frame.mask.any()
                x, y, w, h = frame.box_xywh
                rows, columns = np.nonzero(frame.mask)
                assert columns.min() >= x - 1 and columns.max() + 1 <= x + w + 1
                assert rows.min() >= y - 1 and rows.max() + 1 <= y + h + 1
                assert min(w, h) >= 12


def test_frames_stay_in_range_and_show_the_target(source: RenderedSource) -> None:
    near = RenderedSource("near", count=3, frames_per_scene=24, size=(200, 160), frame_range=2)
    for video in range(3):
        scene, usable = near._scene(video)
        assert (scene.ground_truth.cover[usable] >= 0.4).all() and scene.ground_truth.visible[usable].all()
        for seed in range(3):
            numbers = [
                int(frame.origin.rsplit(" ", 1)[1]) for frame in near.draw(video, np.random.default_rng(seed), 3)
            ]
            assert max(abs(n - numbers[0]) for n in numbers) <= 2 and set(numbers) <= set(usable.tolist())


def test_equal_seeds_give_equal_frames_in_any_process(source: RenderedSource) -> None:
    copy = pickle.loads(pickle.dumps(source))
    assert not copy._scenes
    first, second = (s.draw(1, np.random.default_rng(5), 2) for s in (source, copy))
    assert all(same(a, b) for a, b in zip(first, second, strict=True))
    other = RenderedSource("others", count=3, frames_per_scene=24, size=(200, 160), seed=1)
    assert not same(first[0], other.draw(1, np.random.default_rng(5), 2)[0])


def test_few_scenes_are_kept(source: RenderedSource) -> None:
    for video in (0, 1, 2, 1):
        source.draw(video, np.random.default_rng(0), 1)
    assert list(source._scenes) == [2, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"count": 0}, "COUNT"), ({"size": (60, 60)}, "SIZE"), ({"min_cover": 0.0}, "MIN_COVER"), ({"seed": -1}, "SEED")],
)
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RenderedSource("scenes", **options)  # type: ignore[arg-type]
