"""`tools/data.py show`: a contact sheet from a config, and what is wrong is said in one message."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pysot.cli.main import run_tool

CONFIG = """
BACKBONE: {{TYPE: resnet18}}
RPN: {{TYPE: DepthwiseRPN}}
DATASET:
  NAMES: [FIRST, SECOND]
  VIDEOS_PER_EPOCH: 0
  FIRST: {{KIND: folder, ROOT: '{root}', ONLY: [Alpha]}}
  SECOND: {{KIND: folder, ROOT: '{root}', ONLY: [Beta]}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for name, gray in (("Alpha", 60), ("Beta", 200)):
        folder = tmp_path / "videos" / name
        (folder / "img").mkdir(parents=True)
        for index in range(3):
            cv2.imwrite(str(folder / "img" / f"{index}.png"), np.full((60, 80, 3), gray, np.uint8))
        (folder / "groundtruth.txt").write_text("10,10,20,16\n" * 3)
    file = tmp_path / "mine.yaml"
    file.write_text(CONFIG.format(root=tmp_path / "videos"))
    return file


def show(config: Path, *more: str) -> np.ndarray:
    """The sheet that the command writes."""
    out = config.with_name("sheets") / "pairs.png"
    assert run_tool("data", ["show", "--config", str(config), "--out", str(out), *more]) == 0
    return cv2.imread(str(out))


def test_the_sheet(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = show(config, "--count", "4", "--opts", "DATASET.NEG", "0.5")
    assert sheet.shape[1] == 3 * (2 * 127 + 8 + 510 + 24)
    assert 2 * 534 < sheet.shape[0] < 2 * 534 + 120
    assert "mine: the first 4 training samples of seed 123456." in capsys.readouterr().out


def test_the_seed_chooses_the_pairs(config: Path) -> None:
    assert (show(config, "--count", "2", "--seed", "1") == show(config, "--count", "2", "--seed", "1")).all()
    assert (show(config, "--count", "2", "--seed", "1") != show(config, "--count", "2", "--seed", "2")).any()


def test_one_source_alone(config: Path) -> None:
    plain = ["--opts", "DATASET.TEMPLATE.COLOR", "0", "DATASET.NEG", "0", "--count", "6"]
    for source, grays in (("FIRST", {60}), ("SECOND", {200}), (None, {60, 200})):
        sheet = show(config, *plain, *(["--source", source] if source else []))
        head = sheet.shape[0] - 2 * 534
        corners = {
            int(sheet[head + row * 534 + 20, 8 + column * 796 + 20, 0]) for row in range(2) for column in range(3)
        }
        assert corners == grays


def test_heads_with_points_and_with_masks(config: Path) -> None:
    for base in ("nanotrack_v2", "siammask_r50_l3"):
        data = CONFIG.format(root=config.parent / "videos")
        config.write_text(f"_BASE_: {base}\n{data[data.index('DATASET') :]}")
        more = ["TRAIN.OUTPUT_SIZE", "16"] if base == "nanotrack_v2" else []
        assert show(config, "--count", "1", "--opts", "DATASET.NEG", "0", *more).shape[1] == 796


def test_sets_of_frames(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One frame to learn from and two to search, 64 pixels each with a gap of 8, two sets beside each other."""
    config.write_text(f"_BASE_: atom_r18\n{CONFIG.format(root=config.parent / 'videos')}")
    settings = ["TRAIN.NUM_TEST_FRAMES", "2", "TRAIN.SEARCH_SIZE", "64", "TRAIN.CENTER_JITTER", "[0.0, 0.5]"]
    sheet = show(config, "--count", "2", "--opts", *settings)
    assert sheet.shape[1] == 2 * (3 * 72 + 24)
    yellow = (sheet == (66, 228, 240)).all(-1)
    top = yellow.any(1).nonzero()[0].max() - 64  # below the legend's yellow key
    edges = [yellow[top:, left : left + 64].any() for left in (8, 80, 152, 248, 320, 392)]
    assert all(edges)
    assert "boxes to be rated" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--source", "FRIST"], "--source FRIST is not in DATASET.NAMES. Did you mean 'FIRST'? Known: FIRST, SECOND."),
        (["--count", "0"], "--count is 0; expected 1 or more"),
        (["--out", "pairs.txt"], "pairs.txt is no picture"),
        (["--opts", "DATASET.FIRST.ROOT", "nowhere"], "nowhere"),
        (["--opts", "DATASET.NAMES", "[THIRD]"], "there is no group DATASET.THIRD"),
        (["--opts", "TRAIN.OUTPUT_SIZE", "17"], "TRAIN.OUTPUT_SIZE is 17"),
    ],
)
def test_bad_usage(options: list[str], message: str, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tool("data", ["show", "--config", str(config), *options]) == 2
    said = capsys.readouterr().err
    assert said.startswith("data show: ") and message in said


def test_a_place_that_cannot_be_written(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tool("data", ["show", "--config", str(config), "--count", "1", "--out", str(config / "pairs.png")]) == 2
    assert "mine.yaml: cannot write" in capsys.readouterr().err
