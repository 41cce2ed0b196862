from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_trackers import Listening, Raising, Random, Refusing, Scripted, Slow, make_sequence, true_box

from toolkit.datasets.frames import ImageFiles
from toolkit.datasets.sequence import Sequence
from toolkit.errors import DatasetError
from toolkit.protocols.multistart import run_multistart
from toolkit.protocols.ope import run_ope
from toolkit.protocols.session import FrameEvent, StepError


def test_perfect_tracker_gives_the_ground_truth() -> None:
    sequence, tracker = make_sequence(count=9), Scripted()
    run = run_ope(tracker, sequence)
    assert np.array_equal(run.boxes_xywh, sequence.ground_truth)
    assert tracker.started == [0]
    assert tracker.boxes == [true_box(0)]
    assert np.isnan(run.scores[0])
    assert run.scores[1:].tolist() == [1 / (1 + k) for k in range(1, 9)]


def test_seconds_are_the_trackers_own() -> None:
    run = run_ope(Slow(), make_sequence(count=4))
    assert run.seconds.shape == (4,)
    assert run.seconds[0] < 0.02
    assert (run.seconds[1:] >= 0.02).all()


def test_a_tracker_that_loses_its_target_goes_on() -> None:
    tracker = Scripted(away=(2, 3))
    run = run_ope(tracker, make_sequence(count=6))
    assert tracker.started == [0]
    assert run.boxes_xywh[2].tolist() == [1, 1, 4, 4]
    assert run.boxes_xywh[5].tolist() == list(true_box(5))


def test_only_the_first_frame_needs_an_annotation() -> None:
    sequence = make_sequence(count=5, ground_truth=np.array([true_box(0)]))
    assert run_ope(Scripted(), sequence).boxes_xywh.shape == (5, 4)


def test_init_box_of_a_polygon_keeps_its_area() -> None:
    truth = np.array([[30, 10, 70, 30, 60, 60, 20, 40.0]])
    tracker = Scripted()
    run_ope(tracker, make_sequence(count=2, ground_truth=truth))
    assert np.allclose(tracker.boxes[0], [26.196985, 16.196985, 38.606031, 38.606031], atol=1e-6)


@pytest.mark.parametrize(
    ("tracker", "index", "words"),
    [(Raising(), 3, "RuntimeError: out of ideas"), (Refusing(), 0, "this box is too small")],
)
def test_a_failing_tracker_is_reported_with_its_frame(tracker: Scripted, index: int, words: str) -> None:
    sequence = make_sequence("walk", number=1)
    with pytest.raises(StepError, match=words) as caught:
        run_ope(tracker, sequence)
    assert caught.value.sequence == "walk"
    assert caught.value.frame == f"walk#{index}"


def test_a_missing_frame_is_named(tmp_path: Path) -> None:
    sequence = Sequence("walk", np.array([true_box(0)]), ImageFiles([tmp_path / "0001.jpg"]))
    with pytest.raises(StepError, match=r"0001\.jpg.*does not exist") as caught:
        run_ope(Scripted(), sequence)
    assert caught.value.frame == str(tmp_path / "0001.jpg")


@pytest.mark.parametrize("row", [[np.nan] * 4, [10, 10, 0, 5]])
def test_an_absent_first_target_is_an_error(row: list[float]) -> None:
    with pytest.raises(StepError, match="absent"):
        run_ope(Scripted(), make_sequence(ground_truth=np.array([row])))


@pytest.mark.parametrize("box", [[1, 2, 3], [1, 2, np.nan, 4], None])
def test_an_unusable_result_is_an_error(box: object) -> None:
    class Wrong(Scripted):
        def track(self, image: object) -> dict[str, object]:
            return {"bbox": box}

    with pytest.raises(StepError, match=r"bbox is .*4 finite numbers|float"):
        run_ope(Wrong(), make_sequence())


def test_a_result_without_box_is_an_error() -> None:
    class Wrong(Scripted):
        def track(self, image: object) -> dict[str, object]:
            return {"best_score": 1.0}

    with pytest.raises(StepError, match="it has no 'bbox'"):
        run_ope(Wrong(), make_sequence())


def test_a_sequence_without_frames_is_an_error() -> None:
    with pytest.raises(DatasetError, match="has no frames"):
        run_ope(Scripted(), make_sequence(count=0, ground_truth=np.array([true_box(0)])))
    with pytest.raises(DatasetError, match="no images"):
        run_ope(Scripted(), make_sequence(frames=None))


def test_every_frame_is_observed() -> None:
    events: list[FrameEvent] = []
    run_ope(Random(1), make_sequence(count=5), observe=events.append)
    assert [event.index for event in events] == [0, 1, 2, 3, 4]
    assert [event.started for event in events] == [True, False, False, False, False]
    assert all(event.image is not None and event.ground_truth is not None for event in events)


def test_a_tracker_is_told_which_frame_comes_next() -> None:
    tracker = Listening()
    run_ope(tracker, make_sequence("film", count=3))
    assert tracker.told == [("film", 0, 0), ("film", 1, 1), ("film", 2, 2)]
    run_multistart(tracker, make_sequence("back", count=3, anchors=np.array([0, 0, -1])))
    assert [index for _, index, _ in tracker.told[3:]] == [2, 1, 0]
