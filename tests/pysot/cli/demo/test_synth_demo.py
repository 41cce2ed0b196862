"""`make demo` on a few tiny sequences: scored results, a video and a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pysot.cli.demo import synth_demo as make_demo
from pysot.cli.main import run_tool
from toolkit.datasets import Benchmark, Sequence
from toolkit.datasets.frames import GeneratedFrames, VideoFile, read_image
from toolkit.evaluation import evaluate

LENGTH = 5


def render(index: int) -> np.ndarray:
    image = np.random.default_rng(1).integers(0, 120, (96, 128, 3)).astype(np.uint8)
    image[30 + index : 54 + index, 40 + 2 * index : 64 + 2 * index] = (40, 230, 230)
    return image


def tiny_benchmark(*_: object) -> Benchmark:
    truth = np.array([(40.0 + 2 * index, 30.0 + index, 24.0, 24.0) for index in range(LENGTH)])
    truth[2] = np.nan  # out of view in the middle
    names = [f"square_{number}" for number in range(6)]
    return Benchmark(
        "SYNTH", "ope", tuple(Sequence(name, truth, GeneratedFrames(LENGTH, render, name)) for name in names)
    )


@pytest.fixture
def nothing_in_the_zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYSOT_ZOO", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("nothing_in_the_zoo")
def test_the_demo_leaves_scores_a_video_and_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make_demo, "load_benchmark", tiny_benchmark)
    out = tmp_path / "out"
    assert run_tool("synth-demo", ["--out", str(out), "--workers", "1"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("The demo runs atom_tiny (")
    report = evaluate(tiny_benchmark(), out / "results")
    assert f"{report.trackers['atom_tiny'].scores['success']:.3f}" in said
    assert len(VideoFile(out / "demo.mp4")) == LENGTH
    assert read_image(out / "demo.png").shape == (2 * 192, 3 * 256, 3)
    assert str(out / "demo.mp4") in said


def test_a_sequence_that_fails_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], nothing_in_the_zoo: None
) -> None:
    benchmark = tiny_benchmark()
    broken = Sequence("empty", benchmark.sequences[0].ground_truth, GeneratedFrames(0, render, "empty"))
    monkeypatch.setattr(make_demo, "load_benchmark", lambda name: Benchmark("SYNTH", "ope", (broken,)))
    assert run_tool("synth-demo", ["--out", str(tmp_path / "out"), "--workers", "1"]) == 1
    assert "synth-demo: empty" in capsys.readouterr().err


def test_the_overlap_is_written_on_the_frame() -> None:
    sequence = tiny_benchmark().sequences[0]
    boxes = np.nan_to_num(sequence.ground_truth, nan=1.0)
    drawn = make_demo.compare_frame(sequence, boxes, 0)
    assert drawn.shape == (192, 256, 3)
    assert (drawn == make_demo.PALETTE[0]).all(axis=2).sum() > 200
    assert drawn.shape == make_demo.compare_frame(sequence, boxes, 2).shape  # no truth in this frame
