"""SYNTH and SYNTH-LT as benchmarks: contents, attributes, absence, worker processes."""

from __future__ import annotations

import pickle
from collections import Counter

import numpy as np
import pytest

from toolkit.datasets import load_benchmark
from toolkit.datasets.sequence import Benchmark
from toolkit.errors import DatasetError
from toolkit.synthetic import (
    ATTRIBUTES,
    Scene,
    longterm_scene,
    random_scene,
    scene_of,
    synth_benchmark,
    synth_longterm_benchmark,
)
from toolkit.synthetic.assets import ASSETS
from toolkit.synthetic.synth_lt import PLANS


@pytest.fixture(scope="module")
def synth() -> Benchmark:
    return synth_benchmark()


@pytest.fixture(scope="module")
def longterm() -> Benchmark:
    return synth_longterm_benchmark()


def test_contents(synth: Benchmark) -> None:
    assert (synth.name, synth.protocol) == ("SYNTH", "ope")
    assert len(synth) >= 24
    assert list(synth.names()) == sorted(set(synth.names()))
    for sequence in synth:
        assert 60 <= len(sequence) <= 90
        assert sequence.ground_truth.shape == (len(sequence), 4)
        assert sequence.visible is not None
        assert sequence.visible[0]
        assert sequence.ground_truth[0, 2:].min() >= 24
        assert sequence.name.rsplit("_", 1)[0] in sequence.attributes


def test_every_attribute_is_the_main_one_twice(synth: Benchmark) -> None:
    main = Counter(name.rsplit("_", 1)[0] for name in synth.names())
    assert set(main) == set(ATTRIBUTES)
    assert min(main.values()) >= 2


def test_promised_challenges_happen(synth: Benchmark) -> None:
    for sequence in synth:
        main = sequence.name.rsplit("_", 1)[0]
        if main in ("occlusion", "out_of_view", "fast_motion", "rotation", "scale_change", "camera_motion"):
            assert sequence.frame_tags[main].mean() > 0.05, sequence.name
        if main == "distractors":
            assert len(scene_of(sequence).behind) == 3


def test_target_is_never_away_for_long_and_absent_rows_are_nan(synth: Benchmark) -> None:
    absent = 0
    for sequence in synth:
        assert sequence.visible is not None
        nan = np.isnan(sequence.ground_truth).any(axis=1)
        assert not sequence.visible[nan].any()
        assert sequence.visible[-3:].all()
        assert sequence.visible.mean() > 0.6
        absent += int(nan.sum())
    assert absent > 10


def test_seed_decides(synth: Benchmark) -> None:
    again, other = synth_benchmark(0), synth_benchmark(1)
    for a, b, c in zip(synth, again, other, strict=True):
        np.testing.assert_array_equal(a.ground_truth, b.ground_truth)
        assert not np.array_equal(a.ground_truth, c.ground_truth)
    name = "occlusion_1"
    assert np.array_equal(synth[name].require_frames()[40], again[name].require_frames()[40])
    assert not np.array_equal(synth[name].require_frames()[40], other[name].require_frames()[40])


def test_sequences_go_to_workers(synth: Benchmark) -> None:
    sequence = synth["deformation_1"]
    expected = sequence.require_frames()[9]
    copy = pickle.loads(pickle.dumps(sequence))
    assert np.array_equal(copy.require_frames()[9], expected)
    assert np.array_equal(copy.masks[9].bits, sequence.masks[9].bits)  # type: ignore[index]


@pytest.mark.parametrize(("part", "count"), [("val", 14), ("test", 27)])
def test_held_out_parts_share_nothing_that_is_seen(synth: Benchmark, part: str, count: int) -> None:
    """No object, surface, occluder or place of a part is in another, least of all in the scenes that are trained on."""
    benchmark = synth_benchmark(part=part)
    assert (benchmark.name, len(benchmark)) == (f"SYNTH-{part}", count)
    assert {name.split("_", 1)[1].rsplit("_", 1)[0] for name in benchmark.names()} == set(ATTRIBUTES)
    mine = seen_in([scene_of(sequence) for sequence in benchmark])
    others = {name: seen_in(drawn(name)) for name in ASSETS if name != part}
    for name, theirs in others.items():
        for what, things in mine.items():
            assert things and not things & theirs[what], (name, what)
    assert mine["families"] == set(ASSETS[part].families)
    assert load_benchmark(f"synth_{part}").names() == benchmark.names()


def drawn(assets: str) -> list[Scene]:
    """Scenes of every attribute, drawn as a training source draws them."""
    return [random_scene(seed, (kind,), 20, assets=assets) for seed in range(3) for kind in sorted(ATTRIBUTES)]


def seen_in(scenes: list[Scene]) -> dict[str, set[str]]:
    objects = [actor for scene in scenes for actor in (scene.target, *scene.scenery, *scene.behind)]
    occluders = [actor for scene in scenes for actor in scene.front]
    return {
        "families": {actor.model.family for actor in objects},
        "surfaces": {part.pattern for actor in (*objects, *occluders) for part in actor.model.parts},
        "places": {scene.imaging.place for scene in scenes},
        "occluders": {actor.model.family for actor in occluders},
    }


def test_unknown_assets_are_named() -> None:
    with pytest.raises(DatasetError, match=r"'tests' are no assets of .*\. Choose from: training, val, test"):
        random_scene(0, assets="tests")
    with pytest.raises(DatasetError, match=r"'ball' is not an object family of 'test'\. Choose from: gear, kite"):
        random_scene(0, family="ball", assets="test")


def test_longterm_contents(longterm: Benchmark) -> None:
    assert (longterm.name, longterm.protocol) == ("SYNTH-LT", "longterm")
    assert len(longterm) >= 8
    for sequence, (_, _, events, _) in zip(longterm, PLANS, strict=True):
        assert len(sequence) >= 200
        visible = sequence.visible
        assert visible is not None
        assert np.array_equal(np.isnan(sequence.ground_truth[:, 0]), ~visible)
        assert visible[0]
        assert visible[-10:].all()
        gone = np.flatnonzero(np.diff(visible.astype(int)) == -1)
        assert len(gone) >= sum(event != "jump" for event in events)


def test_longterm_target_returns_or_jumps_elsewhere(longterm: Benchmark) -> None:
    for sequence in longterm:
        visible = np.asarray(sequence.visible)
        center = sequence.ground_truth[:, :2] + sequence.ground_truth[:, 2:] / 2
        seen = np.flatnonzero(visible)
        hops = np.hypot(*np.diff(center[seen], axis=0).T)
        assert hops.max() > 80, sequence.name


def test_events_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DatasetError, match="No fair scene 'crowded'"):
        longterm_scene(0, "crowded", "card", ("hide", "leave", "hide", "leave"), count=60)
