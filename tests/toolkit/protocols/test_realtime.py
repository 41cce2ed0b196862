from __future__ import annotations

import itertools
from collections.abc import Mapping
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_trackers import Scripted, make_benchmark, make_sequence, true_box
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.datasets.frames import Image
from toolkit.errors import ProtocolError
from toolkit.evaluation import evaluate
from toolkit.protocols.realtime import run_realtime
from toolkit.protocols.session import FrameEvent
from toolkit.protocols.supervised import SupervisedRun, run_supervised
from toolkit.regions import Rectangle, Special
from toolkit.results.writer import make_writer
from toolkit.runner import run_benchmark

FPS = 16.0  # its interval, 1/16 s, is exact in binary


@dataclass
class Clock:
    """A clock that stands still unless a tracker lets it run."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Timed(Scripted):
    """Takes `frames` frame intervals for each answer, and a very long time to start."""

    def __init__(self, frames: float, clock: Clock, away: tuple[int, ...] = ()) -> None:
        super().__init__(away=away)
        self.frames, self.clock = frames, clock

    def init(self, image: Image, box_xywh: AbstractSequence[float]) -> None:
        super().init(image, box_xywh)
        self.clock.now += 1000.0

    def track(self, image: Image) -> Mapping[str, Any]:
        self.clock.now += self.frames / FPS
        return super().track(image)


def run_timed(frames: float, count: int, grace: int = 3, away: tuple[int, ...] = ()) -> tuple[SupervisedRun, Timed]:
    clock = Clock()
    tracker = Timed(frames, clock, away)
    sequence = make_sequence(count=count, polygons=True)
    return run_realtime(tracker, sequence, fps=FPS, grace=grace, clock=clock), tracker


def lefts(run: SupervisedRun) -> list[float | int]:
    """The frame whose region stands for each frame, or its code as a negative number."""
    return [
        region.x - 40 if isinstance(region, Rectangle) else -region.code
        for region in run.regions
        if isinstance(region, Rectangle | Special)
    ]


@pytest.mark.parametrize("frames", [0.0, 0.5, 1.0])
def test_a_fast_tracker_sees_every_frame(frames: float) -> None:
    run, tracker = run_timed(frames, 10)
    assert tracker.seen == list(range(10))
    supervised = run_supervised(Scripted(), make_sequence(count=10, polygons=True))
    assert run.regions == supervised.regions
    assert run.seconds[1:].tolist() == [frames / FPS] * 9


@pytest.mark.parametrize(
    ("frames", "seen", "held"),
    [
        (1.5, [0, 1, 2, 3, 4, 6, 8, 10, 12], [4, 4, 6, 6, 8, 8, 10, 10, 12]),
        (2.0, [0, 1, 2, 3, 4, 6, 8, 10, 12], [4, 4, 6, 6, 8, 8, 10, 10, 12]),
        (2.5, [0, 1, 2, 3, 4, 7, 10], [4, 4, 4, 7, 7, 7, 10, 10, 10]),
        (4.0, [0, 1, 2, 3, 4, 8, 12], [4, 4, 4, 4, 8, 8, 8, 8, 12]),
        (100.0, [0, 1, 2, 3, 4], [4] * 9),
    ],
)
def test_a_slow_tracker_misses_frames(frames: float, seen: list[int], held: list[int]) -> None:
    run, tracker = run_timed(frames, 13)
    assert tracker.seen == seen
    assert lefts(run) == [-1, 1, 2, 3, *held]
    missed = [index for index in range(13) if index not in seen]
    assert run.seconds[missed].tolist() == [0.0] * len(missed)
    assert np.isnan(run.scores[missed]).all()
    assert run.lost == 0


@pytest.mark.parametrize(("grace", "seen"), [(0, [0, 1]), (1, [0, 1, 2]), (3, [0, 1, 2, 3, 4])])
def test_the_clock_starts_after_the_grace(grace: int, seen: list[int]) -> None:
    assert run_timed(100.0, 12, grace)[1].seen == seen


def test_a_held_region_can_fail_and_grace_begins_anew() -> None:
    """The target moves one pixel per frame and is 30 wide: the region of frame 4 ends where that of frame 34 begins."""
    run, tracker = run_timed(100.0, 50)
    assert run.lost == 1
    codes = {index: region.code for index, region in enumerate(run.regions) if isinstance(region, Special)}
    assert codes == {0: 1, 34: 2, 35: 0, 36: 0, 37: 0, 38: 0, 39: 1}
    assert tracker.started == [0, 39]
    assert tracker.seen == [0, 1, 2, 3, 4, 39, 40, 41, 42, 43]


def test_a_held_region_is_shown_to_observers() -> None:
    clock, events = Clock(), []
    run_realtime(Timed(2.0, clock), make_sequence(count=8, polygons=True), fps=FPS, observe=events.append, clock=clock)
    held: list[FrameEvent] = [event for event in events if event.image is None]
    assert [(event.index, event.region) for event in held] == [
        (5, Rectangle(*true_box(4))),
        (7, Rectangle(*true_box(6))),
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 24), st.sets(st.integers(0, 59)), st.integers(0, 4))
def test_the_stream_never_waits_and_never_runs_ahead(quarters: int, away: set[int], grace: int) -> None:
    """After the grace, a frame is shown exactly when the answers before it have taken at most the time passed."""
    run, tracker = run_timed(quarters / 4, 60, grace, tuple(away))
    codes = [region.code if isinstance(region, Special) else None for region in run.regions]
    assert codes.count(2) == run.lost
    assert [index for index, code in enumerate(codes) if code == 1] == tracker.started
    shown = [index for index in tracker.seen if index not in tracker.started]
    gap = max(1, -(-quarters // 4))
    for before, after in itertools.pairwise(shown):
        started = max(index for index in tracker.started if index < after)
        if before > started and after > started + grace + 1:
            assert after - before == gap


def test_annotations_are_needed_for_every_frame() -> None:
    with pytest.raises(ProtocolError, match="12 frames but 1 annotations"):
        run_realtime(Scripted(), make_sequence(ground_truth=np.array([true_box(0)])))


def test_results_lie_beside_the_baseline_and_are_scored(tmp_path: Path) -> None:
    baseline = make_benchmark("supervised", count=2, name="VOT2018", image_size=(160, 120))
    for protocol in ("supervised", "realtime"):
        benchmark = type(baseline)("VOT2018", protocol, baseline.sequences)
        summary = run_benchmark(Scripted, benchmark, tmp_path, "mine", identity={"config.yaml": f"{protocol}\n"})
        assert not summary.failures
        assert summary.lost == 0
    folder = tmp_path / "VOT2018" / "mine"
    assert (folder / "realtime/seq0/seq0_001.txt").read_text() == (folder / "baseline/seq0/seq0_001.txt").read_text()
    assert (folder / "_run/config.yaml").read_text() == "supervised\n"
    assert (folder / "_run/realtime/config.yaml").read_text() == "realtime\n"
    assert (folder / "_run/realtime/times/seq0.txt").is_file()
    (folder / "realtime/seq1/seq1_001.txt").write_text("1\n2\n0\n0\n0\n0\n1\n" + "44,30,30,20\n" * 6)
    scores = {
        experiment: evaluate(baseline, tmp_path, experiment=experiment).trackers["mine"].scores["lost_number"]
        for experiment in ("baseline", "realtime")
    }
    assert scores == {"baseline": 0, "realtime": 1}


def test_only_its_own_results_remain(tmp_path: Path) -> None:
    sequence = make_sequence("bag", count=8, polygons=True)
    make_writer(tmp_path, "TOY", "mine", "supervised").write(sequence, 1, run_supervised(Scripted(), sequence))
    writer = make_writer(tmp_path, "TOY", "mine", "realtime")
    assert not writer.remaining()
    writer.write(sequence, 1, run_realtime(Scripted(), sequence))
    assert writer.remaining()
    writer.remove(sequence)
    assert not writer.remaining()
    assert (tmp_path / "TOY/mine/baseline/bag/bag_001.txt").is_file()
