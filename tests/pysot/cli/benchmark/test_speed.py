"""The speed report adds up, and leaves the tracker as it was."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from pysot.cli.benchmark.speed import build
from pysot.cli.benchmark.stages import ONLINE_STAGES, SIAMESE_STAGES, Stopwatch
from pysot.cli.main import run_tool


@pytest.fixture(autouse=True)
def no_snapshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSOT_ZOO", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_stages_add_up_to_the_frame(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "speed.json"
    before = torch.get_num_threads()
    try:
        arguments = ["--config", "nanotrack_v1", "--device", "cpu", "--threads", "1", "--frames", "12"]
        assert run_tool("benchmark", [*arguments, "--json", str(file), "--size", "320x240"]) == 0
    finally:
        torch.set_num_threads(before)
    report = json.loads(file.read_text())
    assert list(report["stages_ms"]) == list(SIAMESE_STAGES)
    assert all(ms > 0 for ms in report["stages_ms"].values())
    assert sum(report["stages_ms"].values()) == pytest.approx(report["frame_ms"], rel=0.5)
    assert report["fps"] == pytest.approx(1000 / report["frame_ms"], rel=0.01)
    assert report["threads"] == 1
    out = capsys.readouterr().out
    for part in (
        "nanotrack_v1 (weights: random)",
        "crop",
        "backbone",
        "head",
        "decode",
        "fps",
        "peak memory",
        "thread",
    ):
        assert part in out


def test_the_stopwatch_comes_off() -> None:
    for name in ("nanotrack_v1", "dimp_tiny"):
        tracker, _ = build(name, None, [], "cpu")
        before = set(vars(tracker))
        watch = Stopwatch(tracker)
        assert set(vars(tracker)) > before
        watch.close()
        assert set(vars(tracker)) == before
        backbone = tracker.model.backbone
        assert not backbone._forward_hooks and not backbone._forward_pre_hooks


@pytest.mark.parametrize("name", ["atom_tiny", "dimp_tiny"])
def test_trackers_that_learn_are_timed_learning(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "speed.json"
    arguments = ["--config", name, "--device", "cpu", "--frames", "15", "--json", str(file), "--size", "320x240"]
    always = ["NOT_FOUND_THR", "-1000000000", "DISTRACTOR_THR", "1000000000", "HARD_NEGATIVE_THR", "1000000000"]
    always += ["TRAIN_SKIPPING", "10", "IMAGE_SAMPLE_SIZE", "160"]
    opts = [word if k % 2 else f"TRACK.ONLINE.{word}" for k, word in enumerate(always)]
    assert run_tool("benchmark", [*arguments, "--opts", *opts]) == 0
    report = json.loads(file.read_text())
    stages = report["stages_ms"]
    assert list(stages) == list(ONLINE_STAGES) and all(ms > 0 for ms in stages.values())
    assert report["found"] == report["frames"] == 15 and report["init_ms"] > 0
    assert report["frame_ms"] == pytest.approx(sum(stages.values()), abs=0.01)
    out = capsys.readouterr().out
    assert "15 with the target found" in out and "classifier features" in out and "(mean)" in out


class Beat:
    """A clock that goes on by one second whenever it is read."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def perf_counter(self) -> float:
        self.seconds += 1
        return self.seconds


def test_every_second_belongs_to_one_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker, _ = build("dimp_tiny", None, ["TRACK.ONLINE.NOT_FOUND_THR", "-1000000000"], "cpu")
    frame = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    tracker.init(frame, (60, 40, 30, 24))
    watch = Stopwatch(tracker)
    monkeypatch.setattr("pysot.cli.benchmark.stages.time", Beat())
    watch.start()
    tracker.track(frame)
    assert watch.stop() == [1.0] * len(ONLINE_STAGES)
    watch.close()


def test_any_tracker_is_timed_where_it_looks_and_where_it_learns(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tool("benchmark", ["--config", "lmt_tiny", "--frames", "2", "--device", "cpu", "--size", "160x120"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"^locate +\d+\.\d\d ", told, re.M) and re.search(r"^commit +\d+\.\d\d .*mean", told, re.M)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "nanotrack_v1", "--size", "10"], "--size '10' is not WIDTHxHEIGHT"),
        (["--config", "nanotrack_v1", "--frames", "0"], "must be 1 or more"),
        (["--config", "nanotrack_v1", "--snapshot", "nowhere.pth"], "nowhere.pth"),
        (["--config", "nanotrak"], "neither a file nor an experiment"),
    ],
)
def test_bad_input(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tool("benchmark", [*arguments, "--device", "cpu"]) == 2
    assert message in capsys.readouterr().err
