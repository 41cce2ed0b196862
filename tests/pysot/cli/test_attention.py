"""`tools/attention.py` as a user calls it."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from pysot.cli import attention as command
from pysot.cli.main import run_tool
from pysot.config.loading import load_config
from pysot.models.builder import build_model
from tests.pysot.training.recipes.test_tanet import attention_config
from tests.pysot.training.small_run import write_videos

COUNT = 6


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Two sequences of six frames, and the options that name a small network with fresh weights."""
    folder = tmp_path_factory.mktemp("attention")
    videos = write_videos(folder / "videos", COUNT)
    config = attention_config(videos, folder)
    torch.manual_seed(0)
    torch.save(build_model(load_config(config)).state_dict(), folder / "net.pth")
    return folder, ["--config", str(config), "--snapshot", str(folder / "net.pth"), "--dataset", str(videos)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_map_per_frame_resumed_and_scored(
    made: tuple[Path, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, options = made
    scores = tmp_path / "scores.csv"
    assert run_tool("attention", [*options, "--out", str(tmp_path / "maps"), "--scores", str(scores)]) == 0
    folder = tmp_path / "maps" / "first"
    assert names(folder) == [f"{index:08d}.png" for index in range(COUNT)]
    levels = cv2.imread(str(folder / "00000002.png"), cv2.IMREAD_UNCHANGED)
    assert levels.shape == (150, 200) and levels.dtype == np.uint8
    rows = list(csv.DictReader(scores.open()))
    assert [row["video"] for row in rows] == ["first", "second", "mean"]
    assert float(rows[0]["ratio"]) == pytest.approx(float(rows[0]["inside"]) / float(rows[0]["outside"]), rel=0.01)

    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    (folder / "00000004.png").unlink()
    capsys.readouterr()
    assert run_tool("attention", [*options, "--out", str(tmp_path / "maps"), "--video", "first"]) == 0
    assert "first: 1 maps written, 5 were there" in capsys.readouterr().out
    after = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert [path.name for path in after if after[path] != before[path]] == ["00000004.png"]


def test_several_workers_write_the_same(made: tuple[Path, list[str]], tmp_path: Path) -> None:
    _, options = made
    assert run_tool("attention", [*options, "--out", str(tmp_path / "one"), "--side", "32"]) == 0
    assert run_tool("attention", [*options, "--out", str(tmp_path / "two"), "--side", "32", "--workers", "2"]) == 0
    for path in (tmp_path / "one").rglob("*.png"):
        levels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(
            levels, cv2.imread(str(tmp_path / "two" / path.relative_to(tmp_path / "one")), -1)
        )
        assert levels.shape == (32, 32)


def test_released_names_and_overlays(made: tuple[Path, list[str]], tmp_path: Path) -> None:
    _, options = made
    assert (
        run_tool("attention", [*options, "--out", str(tmp_path / "old"), "--naming", "released", "--video", "first"])
        == 0
    )
    assert names(tmp_path / "old" / "first") == [f"{index}_attentionMap.png" for index in range(1, COUNT - 2)]
    assert cv2.imread(str(tmp_path / "old" / "first" / "1_attentionMap.png"), -1).shape == (300, 300)
    assert run_tool("attention", [*options, "--out", str(tmp_path / "drawn"), "--overlay", "--video", "first"]) == 0
    assert cv2.imread(str(tmp_path / "drawn" / "first" / "00000001.png"), -1).shape == (150, 200, 3)


def test_keys_of_the_config_can_be_changed(made: tuple[Path, list[str]], tmp_path: Path) -> None:
    _, options = made
    written = []
    for size in ("160", "224"):
        out = tmp_path / size
        assert (
            run_tool(
                "attention", [*options, "--out", str(out), "--video", "first", "--opts", "ATTENTION.INPUT_SIZE", size]
            )
            == 0
        )
        written.append((out / "first" / "00000002.png").read_bytes())
    assert written[0] != written[1]


@pytest.mark.parametrize(("clip", "last"), [("causal", 0), ("centered", 1)])
def test_which_frames_a_map_has_seen(
    made: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: str, last: int
) -> None:
    """A spy on the frames: when the map of frame i is written, a causal run has read none beyond it."""
    _, options = made
    read, beyond = [0], []
    load, write = command.load_benchmark, command.write_files

    class Spied:
        def __init__(self, frames: object) -> None:
            self.frames = frames

        def __len__(self) -> int:
            return len(self.frames)  # type: ignore[arg-type]

        def __getitem__(self, index: int) -> object:
            read.append(index)
            return self.frames[index]  # type: ignore[index]

    def spied(*args: object, **kwargs: object) -> object:
        benchmark = load(*args, **kwargs)  # type: ignore[arg-type]
        for sequence in benchmark.sequences:
            object.__setattr__(sequence, "frames", Spied(sequence.frames))
        return benchmark

    def watched(contents: dict[Path, bytes]) -> None:
        beyond.extend(max(read) - int(path.stem) for path in contents)
        write(contents)

    monkeypatch.setattr(command, "load_benchmark", spied)
    monkeypatch.setattr(command, "write_files", watched)
    assert run_tool("attention", [*options, "--out", str(tmp_path), "--video", "first", "--clip", clip]) == 0
    assert beyond == [last] * (COUNT - 1) + [0]


def test_one_frame_and_a_tiny_target(made: tuple[Path, list[str]], tmp_path: Path) -> None:
    _, options = made
    folder = tmp_path / "videos" / "short"
    (folder / "img").mkdir(parents=True)
    cv2.imwrite(str(folder / "img" / "0001.png"), np.full((40, 60, 3), 90, np.uint8))
    (folder / "groundtruth.txt").write_text("20,10,2,2\n")
    for clip in ("causal", "centered"):
        out = tmp_path / clip
        assert (
            run_tool(
                "attention", [*options[:4], "--dataset", str(tmp_path / "videos"), "--out", str(out), "--clip", clip]
            )
            == 0
        )
        assert names(out / "short") == ["00000000.png"]


def test_bad_input(made: tuple[Path, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, options = made
    out = ["--out", str(tmp_path / "maps")]
    assert run_tool("attention", [*options, *out, "--overlay", "--scores", "x.csv"]) == 2
    assert "Leave out one of the two" in capsys.readouterr().err
    assert run_tool("attention", [*options[:2], *options[4:], *out]) == 2
    assert "was not found" in capsys.readouterr().err
    broken = write_videos(tmp_path / "broken", 3)
    (broken / "first" / "img" / "0001.png").write_bytes(b"")
    assert run_tool("attention", [*options[:4], "--dataset", str(broken), *out]) == 1
    assert "first" in capsys.readouterr().err
    assert len(names(tmp_path / "maps" / "second")) == 3
    assert folder.is_dir()
