"""`tools/data.py prepare`: a user's folder becomes a prepared set, and what is wrong is said in one message."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from pysot.cli.main import run_tool
from pysot.config.loading import load_config
from pysot.datasets.builder import build_sources


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Three sequences in two groups, three frames each; one of them has masks."""
    root = tmp_path / "my videos"
    for name in ("day/Alpha", "day/Beta", "Gamma"):
        (root / name / "img").mkdir(parents=True)
        for index in range(3):
            image = np.random.default_rng(index).integers(0, 255, (60, 80, 3), dtype=np.uint8)
            cv2.imwrite(str(root / name / "img" / f"{index}.jpg"), image)
        (root / name / "groundtruth.txt").write_text("10,10,20,16\n" * 3)
    (root / "Gamma" / "mask").mkdir()
    for index in range(3):
        mask = np.zeros((60, 80), np.uint8)
        mask[10:26, 10:30] = 255
        cv2.imwrite(str(root / "Gamma" / "mask" / f"{index}.png"), mask)
    return root


def prepare(videos: Path, out: Path, *more: str) -> int:
    return run_tool(
        "data", ["prepare", "--kind", "folder", "--root", str(videos), "--out", str(out), "--workers", "1", *more]
    )


def test_a_folder_becomes_a_set_that_a_config_can_name(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prepare(videos, tmp_path / "out", "--frame-step", "2", "--size", "255") == 0
    said = capsys.readouterr().out
    assert f"{tmp_path / 'out'}: 3 videos, 6 crops.\n6 crops made in " in said
    assert "note: 2 of the crops have masks in the source." in said
    group = yaml.safe_load(said[said.index("  DATASET:") :])
    assert group["DATASET"]["my_videos"]["FRAME_RANGE"] == 50
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(group))
    (source,) = build_sources(load_config(config))
    assert (source.name, len(source)) == ("my_videos", 3)
    first, second = source.draw(0, np.random.default_rng(0))
    assert first.image.shape == second.image.shape == (255, 255, 3)


def test_a_second_call_goes_on(videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare(videos, tmp_path / "out") == 0
    (tmp_path / "out/crop511/Gamma/prepared.json").unlink()
    capsys.readouterr()
    assert prepare(videos, tmp_path / "out") == 0
    assert "3 videos (2 were already there), 9 crops.\n3 crops made in " in capsys.readouterr().out
    assert prepare(videos, tmp_path / "out") == 0
    assert "nothing to do" in capsys.readouterr().out


def test_unreadable_frames_are_listed(videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for index in range(3):
        (videos / "day/Beta/img" / f"{index}.jpg").write_bytes(b"no image")
    whole = (videos / "Gamma/img/1.jpg").read_bytes()
    (videos / "Gamma/img/1.jpg").write_bytes(whole[: len(whole) // 2])
    assert prepare(videos, tmp_path / "out") == 1
    said = capsys.readouterr().out
    assert "warning: 1 videos have no readable frame and are left out: day/Beta" in said
    assert "warning: 4 frames could not be read and are left out:\n" in said
    assert f"{videos / 'Gamma/img/1.jpg'}: " in said
    assert list(json.loads((tmp_path / "out/train.json").read_text())["Gamma"]["00"]) == ["000000", "000002"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--kind foldr --root {videos}", "no training source 'foldr'. Did you mean 'folder'?"),
        ("--kind folder --root {videos}/nowhere", "nowhere is not a folder"),
        ("--kind folder --root {videos} --opts SPLIT", "--opts takes KEY VALUE pairs; got 1 words"),
        ("--kind folder --root {videos} --opts COLOR red", "do not fit KIND folder"),
        ("--kind folder --root {videos} --opts ONLY [Delta]", "ONLY names 1 videos that are not there"),
        ("--kind folder --root {videos} --size 100", "at least 255"),
        ("--kind folder --root {videos} --frame-step 0", "frame step is 0"),
        ("--kind folder --root {videos}/Gamma/img", "there is no sequence in"),
        ("--kind crop511 --root {videos} --anno {videos}/train.json", "train.json does not exist"),
    ],
)
def test_bad_usage(
    options: str, message: str, videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = shlex.split(options.replace("{videos}", shlex.quote(str(videos))))
    assert run_tool("data", ["prepare", *words, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("data prepare: ") and message in said
    assert not (tmp_path / "out").exists()


def test_a_made_source_has_nothing_to_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["prepare", "--kind", "synth", "--root", str(tmp_path), "--out", str(tmp_path / "out")]
    assert run_tool("data", command) == 2
    said = capsys.readouterr().err
    assert "--kind synth makes its frames while training" in said and "folder" in said


def test_the_name_of_the_folder_may_be_that_of_a_default_group(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("VID", "SEARCH", "NEG"):
        assert prepare(videos.rename(videos.with_name(name)), tmp_path / name / "out", "--opts", "ONLY", "[Gamma]") == 0
        assert f"NAMES: [{name}_]" in capsys.readouterr().out
        videos = videos.with_name(name)
