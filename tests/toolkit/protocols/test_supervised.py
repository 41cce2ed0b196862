from __future__ import annotations

import numpy as np
import pytest
from fake_trackers import Scripted, as_polygon, make_sequence, true_box
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.errors import ProtocolError
from toolkit.protocols.supervised import SupervisedRun, run_supervised
from toolkit.regions import Polygon, Rectangle, Special


def codes(run: SupervisedRun) -> list[int | str]:
    return [region.code if isinstance(region, Special) else "box" for region in run.regions]


def run_on(count: int, away: tuple[int, ...], **extra: object) -> tuple[SupervisedRun, Scripted]:
    tracker = Scripted(away=away)
    return run_supervised(tracker, make_sequence(count=count, polygons=True, **extra)), tracker


def test_perfect_tracker_is_started_once() -> None:
    run, tracker = run_on(6, ())
    assert codes(run) == [1, "box", "box", "box", "box", "box"]
    assert run.lost == 0
    assert tracker.started == [0]


def test_restart_five_frames_after_a_failure() -> None:
    run, tracker = run_on(12, (3,))
    assert codes(run) == [1, "box", "box", 2, 0, 0, 0, 0, 1, "box", "box", "box"]
    assert tracker.started == [0, 8]
    assert tracker.seen == [0, 1, 2, 3, 8, 9, 10, 11]
    assert run.seconds[4:8].tolist() == [0, 0, 0, 0]
    assert np.isnan(run.scores[[0, 4, 8]]).all()


@pytest.mark.parametrize(
    ("count", "failure", "expected"),
    [
        (6, 5, [1, "box", "box", "box", "box", 2]),
        (6, 4, [1, "box", "box", "box", 2, 0]),
        (6, 1, [1, 2, 0, 0, 0, 0]),
        (7, 1, [1, 2, 0, 0, 0, 0, 1]),
        (8, 1, [1, 2, 0, 0, 0, 0, 1, "box"]),
        (1, 0, [1]),
    ],
)
def test_failures_near_the_end(count: int, failure: int, expected: list[int | str]) -> None:
    run, _ = run_on(count, (failure,))
    assert codes(run) == expected


def test_a_tracker_that_always_fails() -> None:
    run, tracker = run_on(14, tuple(range(14)))
    assert codes(run) == [1, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 2]
    assert run.lost == 3
    assert tracker.started == [0, 6, 12]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.sets(st.integers(0, 39)))
def test_codes_follow_the_rule(count: int, away: set[int]) -> None:
    run, tracker = run_on(count, tuple(away))
    found = codes(run)
    assert len(found) == count
    assert found.count(2) == run.lost
    assert [k for k, code in enumerate(found) if code == 1] == tracker.started
    for k, code in enumerate(found):
        if code == 2:
            assert found[k + 1 : k + 5] == [0] * len(found[k + 1 : k + 5])
            assert found[k + 5 : k + 6] in ([], [1])
        if code == 0:
            assert 2 in found[max(0, k - 4) : k]


def test_the_polygon_counts_when_there_is_one() -> None:
    class BoxElsewhere(Scripted):
        def track(self, image: np.ndarray) -> dict[str, object]:
            return {**super().track(image), "bbox": [0, 0, 2, 2]}

    run = run_supervised(BoxElsewhere(polygon=True), make_sequence(count=4, polygons=True))
    assert run.lost == 0
    assert isinstance(run.regions[1], Polygon)
    assert run_supervised(BoxElsewhere(), make_sequence(count=4, polygons=True)).lost == 1


def test_only_pixels_inside_the_image_count() -> None:
    outside = as_polygon((-30.0, 20.0, 40.0, 20.0))
    truth = np.array([as_polygon(true_box(0)), outside, outside])

    class LeftOfImage(Scripted):
        def track(self, image: np.ndarray) -> dict[str, object]:
            return {"bbox": [-30, 20, 20, 20], "best_score": 1.0}

    assert run_supervised(LeftOfImage(), make_sequence(count=3, ground_truth=truth)).lost == 1


def test_boxes_as_ground_truth_lose_a_pixel() -> None:
    """VOT turns x, y, w, h into a polygon that ends at x+w-1: a box that only touches x+w has failed."""
    truth = np.array([[20.0, 20.0, 10.0, 10.0]] * 2)

    def run(x: float) -> int:
        class Fixed(Scripted):
            def track(self, image: np.ndarray) -> dict[str, object]:
                return {"bbox": [x, 20, 10, 10], "best_score": 1.0}

        tracker = Fixed()
        lost = run_supervised(tracker, make_sequence(count=2, ground_truth=truth)).lost
        assert tracker.boxes == [(20.0, 20.0, 10.0, 10.0)]
        return lost

    assert run(28.0) == 0
    assert run(30.0) == 1


def test_regions_are_rectangles_without_polygon() -> None:
    run, _ = run_on(3, ())
    assert run.regions[2] == Rectangle(*true_box(2))


def test_every_frame_needs_an_annotation() -> None:
    with pytest.raises(ProtocolError, match="12 frames but 1 annotations"):
        run_supervised(Scripted(), make_sequence(ground_truth=np.array([true_box(0)])))
