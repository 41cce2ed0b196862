"""What ATOM and DiMP promise of any input, on small networks whose target is easy to tell."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from pysot.core.errors import ConfigError, SotError
from pysot.models.meta_arch.atom import OverlapNet
from pysot.online.localization import Finding, LocalizationParams, Peak
from pysot.tracker.base import SearchRegion, State
from pysot.tracker.online import OnlineTracker
from tests.pysot.tracker.small_online import (
    BOX,
    KINDS,
    NEAR,
    PATH,
    Broken,
    fixed_size,
    make_tracker,
    scene,
    small_model,
    small_params,
)


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(kind: str) -> OverlapNet:
    return small_model(kind)


@pytest.fixture
def make(kind: str, model: OverlapNet) -> Callable[..., Any]:
    """A tracker with some parameters changed; boxes keep their size unless `wander`."""

    def build(wander: bool = False, **changes: object) -> OnlineTracker:
        params = small_params(kind, **changes)
        return make_tracker(model, params if wander else fixed_size(params))

    return build


def test_follows_a_moving_target(make: Callable[..., Any]) -> None:
    tracker = make()
    tracker.init(scene(60, 50), BOX)
    for x, y in PATH:
        result = tracker.track(scene(x, y))
        assert result.state is State.TRACKED and result.score > 0.4
        assert result.box == pytest.approx((x, y, 30, 30), abs=NEAR)


def test_equal_seeds_give_equal_boxes(make: Callable[..., Any]) -> None:
    def run(seed: int, again: bool = False) -> list[tuple[float, ...]]:
        tracker = make(wander=True, seed=seed)
        for _ in range(1 + again):
            tracker.init(scene(60, 50), BOX)
            boxes = [tracker.track(scene(x, y)).box for x, y in PATH]
        return boxes

    assert run(3) == run(3) == run(3, again=True)
    assert run(3) != run(4)


def test_locate_changes_nothing_and_commit_learns(make: Callable[..., Any]) -> None:
    tracker = make(wander=True)
    tracker.init(scene(60, 50), BOX)
    twin = copy.deepcopy(tracker)
    first = tracker.locate(scene(64, 52), tracker.search_region())
    tracker.locate(scene(64, 52), SearchRegion((20.0, 20.0), (10.0, 50.0), 320))
    second = tracker.locate(scene(64, 52), tracker.search_region())
    assert first.box_cxcywh == second.box_cxcywh and tracker.memory.count == twin.memory.count
    result, expected = tracker.commit(scene(64, 52), first), twin.track(scene(64, 52))
    assert result == expected and tracker.memory.count == twin.memory.count == 9
    assert result.score == first.score


def test_a_wider_region_finds_a_target_far_away(kind: str, make: Callable[..., Any]) -> None:
    # After more of ATOM's iterations, scores far from the target depend on rounding.
    tracker = make(init_cg_iter=8) if kind == "ATOM" else make()
    tracker.init(scene(60, 50, (400, 300)), BOX)
    frame = scene(230, 180, (400, 300))
    candidate = tracker.locate(frame, SearchRegion((200.0, 150.0), (30.0, 30.0), 320))
    assert candidate.box_cxcywh[:2] == pytest.approx((244.5, 194.5), abs=20)
    memory = tracker.memory["features"].shape
    result = tracker.commit(frame, candidate)
    assert result.box == pytest.approx((230, 180, 30, 30), abs=20)
    assert tracker.memory["features"].shape[1:] == memory[1:]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("not_found_thr", [0.25, -1.0])
def test_maps_that_are_not_finite_lose_the_target_and_poison_nothing(
    model: OverlapNet, make: Callable[..., Any], value: float, not_found_thr: float
) -> None:
    tracker, broken = make(localization=LocalizationParams(not_found_thr=not_found_thr)), Broken(model, value)
    try:
        tracker.init(scene(60, 50), BOX)
        tracker.track(scene(*PATH[0]))
        before = tracker.memory.count, tracker.filter.clone(), tracker.center_xy
        broken.on = True
        lost = [tracker.track(scene(*place)) for place in PATH[1:3]]
        broken.on = False
        assert all(result.state is State.LOST and result.score == 0 for result in lost)
        assert np.isfinite(lost[-1].box).all()
        assert tracker.memory.count == before[0] and torch.equal(tracker.filter, before[1])
        assert tracker.center_xy == before[2]
        for x, y in PATH[3:]:
            result = tracker.track(scene(x, y))
            assert result.state is State.TRACKED and result.box == pytest.approx((x, y, 30, 30), abs=NEAR)
        assert tracker.memory["features"].isfinite().all() and np.isfinite(tracker.memory.weights).all()
        broken.on = True
        with pytest.raises(SotError, match=rf"features of the first frame are not finite.*{type(model).__name__}"):
            tracker.init(scene(60, 50), BOX)
    finally:
        broken.handle.remove()


def test_a_broken_shallow_map_is_named(model: OverlapNet, make: Callable[..., Any]) -> None:
    tracker, broken = make(wander=True), Broken(model, float("nan"), levels=(0,))
    try:
        tracker.init(scene(60, 50), BOX)
        broken.on = True
        with pytest.raises(SotError, match=rf"predicted overlaps are not finite.*{type(model).__name__}"):
            tracker.track(scene(64, 52))
    finally:
        broken.handle.remove()


def test_black_frames(make: Callable[..., Any]) -> None:
    tracker, black = make(), np.zeros((150, 200, 3), np.uint8)
    tracker.init(scene(60, 50), BOX)
    tracker.track(scene(*PATH[0]))
    for _ in range(3):
        result = tracker.track(black)
        assert np.isfinite(result.box).all()
        # Features have the same size on every frame: scores on a black one are all alike, not always all low.
        assert result.state in (State.LOST, State.UNCERTAIN)
    assert tracker.memory.count == 9
    tracker.center_xy = (76.0, 65.0)
    assert tracker.track(scene(*PATH[0])).state is State.TRACKED
    tracker.init(black, BOX)
    assert all(np.isfinite(tracker.track(frame).box).all() for frame in (black, scene(60, 50)))


@pytest.mark.parametrize(
    "box",
    [
        (60, 50, 0.1, 1.6),  # its search crop is smaller than the smallest one
        (60, 50, 3, 2),
        (-50, -50, 400, 400),  # larger than the image
        (-600, -500, 1500, 1400),
        (-20, -20, 25, 25),
        (190, 140, 40, 40),
        (0, 60, 200, 2),
    ],
)
def test_targets_of_any_size_and_place(make: Callable[..., Any], box: tuple[float, ...]) -> None:
    tracker = make(wander=True)
    tracker.init(scene(60, 50), box)
    for x, y in PATH:
        result = tracker.track(scene(x, y))
        assert np.isfinite(result.box).all() and result.box[2] > 0 and result.box[3] > 0


def test_resolution_may_change_inside_a_sequence(make: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    tracker = make()
    tracker.init(scene(160, 110), (160, 110, 30, 30))
    with caplog.at_level(logging.INFO, logger="pysot.tracker.online"):
        x, y, width, height = tracker.track(scene(10, 10, (50, 40))).box
    assert "from (150, 200) to (40, 50)" in caplog.text
    assert width <= 50 and height <= 40 and -width < x < 50 and -height < y < 40
    assert np.isfinite(tracker.track(scene(10, 10, (300, 300))).box).all()


def scores_like(*found: Finding) -> Callable[..., Peak]:
    queue = iter(found)
    return lambda *_args, **_kwargs: Peak((0.5, 0.25), 0.7, next(queue))


def test_what_each_finding_does(kind: str, make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    order = (Finding.NOT_FOUND, Finding.UNCERTAIN, Finding.HARD_NEGATIVE, Finding.NORMAL, Finding.NORMAL)
    tracker = make(wander=True, train_skipping=5)
    tracker.init(scene(60, 50), BOX)
    monkeypatch.setattr(f"pysot.tracker.{kind.lower()}.locate_peak", scores_like(*order))
    seen = []
    for _ in order:
        filter_before, count, place = tracker.filter, tracker.memory.count, tracker.center_xy
        state = tracker.track(scene(60, 50)).state
        learned = not torch.equal(filter_before, tracker.filter)
        seen.append((state, tracker.memory.count - count, learned, tracker.center_xy != place))
    assert seen == [
        (State.LOST, 0, False, False),
        (State.UNCERTAIN, 0, False, True),
        (State.TRACKED, 1, True, True),
        (State.TRACKED, 1, False, True),
        (State.TRACKED, 1, True, True),  # the fifth frame
    ]


def test_uncertain_frames_may_keep_the_search_area(
    kind: str, make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = make(wander=True, update_scale_when_uncertain=False)
    tracker.init(scene(60, 50), BOX)
    monkeypatch.setattr(f"pysot.tracker.{kind.lower()}.locate_peak", scores_like(Finding.UNCERTAIN, Finding.NORMAL))
    tracker.track(scene(60, 50))
    assert tracker.search_region().size_wh == (30, 30) != tracker.size_wh
    tracker.track(scene(60, 50))
    assert tracker.search_region().size_wh == tracker.size_wh


def test_window_keeps_to_the_middle(make: Callable[..., Any]) -> None:
    tracker = make(window_output=True, hn_without_window=True)
    tracker.init(scene(60, 50), BOX)
    frame = scene(90, 60)
    windowed = tracker.locate(frame, tracker.search_region())
    plain = tracker.locate(frame, replace(tracker.search_region(), window_influence=0.0))
    assert windowed.score < plain.score


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_sample_size": 100}, r"IMAGE_SAMPLE_SIZE is 100.*multiple of 32"),
        ({"search_area_scale": 0.0}, r"SEARCH_AREA_SCALE is 0.0.*above 0"),
        ({"learning_rate": 1.0}, r"LEARNING_RATE is 1.0.*between 0 and 1"),
        ({"hn_learning_rate": 0.0}, r"HN_LEARNING_RATE is 0.0.*between 0 and 1"),
        ({"init_min_weight": 1.0}, r"INIT_MIN_WEIGHT is 1.0.*0 up to"),
        ({"train_skipping": 0}, r"TRAIN_SKIPPING is 0.*1 or more"),
    ],
)
def test_parameters_that_cannot_work(kind: str, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        small_params(kind, **changes)


def test_memory_smaller_than_the_first_samples_is_rejected(make: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match=r"5 slots.*8 samples"):
        make(memory_size=5).init(scene(60, 50), BOX)
