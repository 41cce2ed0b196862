"""The speed report adds up, and leaves the tracker as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from pysot.cli import benchmark


@pytest.fixture(autouse=True)
def no_snapshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSOT_ZOO", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_stages_add_up_to_the_frame(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "speed.json"
    before = torch.get_num_threads()
    try:
        arguments = ["--config", "nanotrack_v1", "--device", "cpu", "--threads", "1", "--frames", "12"]
        assert benchmark.main([*arguments, "--json", str(file), "--size", "320x240"]) == 0
    finally:
        torch.set_num_threads(before)
    report = json.loads(file.read_text())
    assert list(report["stages_ms"]) == list(benchmark.STAGES)
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
    tracker, _ = benchmark.build("nanotrack_v1", None, [], "cpu")
    watch = benchmark.Stopwatch(tracker)
    watch.close()
    assert "_respond" not in vars(tracker)
    assert not tracker.model.backbone._forward_hooks


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
    assert benchmark.main([*arguments, "--device", "cpu"]) == 2
    assert message in capsys.readouterr().err
