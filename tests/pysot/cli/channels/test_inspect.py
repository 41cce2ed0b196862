"""What is said of chosen channels: the picture and the table, the speed of choosing, and remarks beside results."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from pysot.cli.channels.sheet import TILE, LevelView, channel_sheet
from pysot.cli.main import run_tool
from tests.pysot.cli.test_test import make_dataset
from toolkit.results.layout import open_tracker
from toolkit.results.reader import find_results

BOX = "150,80,60,50"


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    rows, columns = np.mgrid[:240, :320]
    image = np.stack([60 + 40 * np.sin(columns / 17), 90 + 30 * np.cos(rows / 13), 80 + 0 * rows], axis=-1)
    image[80:130, 150:210] = (30, 220, 240)
    path = tmp_path / "frame.png"
    cv2.imwrite(str(path), image.clip(0, 255).astype(np.uint8))
    return path


@pytest.mark.parametrize(
    ("config", "extra", "channels"),
    [
        ("siamrpn_tiny", [], 128),
        ("tasiamrpn_tiny", ["--opts", "TARGET_AWARE.TOPK", "[20]"], 128),
        ("tadt_tiny", [], 64),
    ],
)
def test_picture_and_table(
    config: str, extra: list[str], channels: int, frame: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out" / "channels.png"
    arguments = [str(frame), "--init-box", BOX, "--config", config, "--out", str(out), "--device", "cpu", *extra]
    assert run_tool("channels", arguments) == 0
    said = capsys.readouterr().out
    assert str(out) in said and f"of {channels} kept" in said
    picture = cv2.imread(str(out))
    assert picture is not None and picture.shape[0] > TILE and picture.shape[1] > 5 * TILE
    with out.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["channel"]) for row in rows] == list(range(channels))
    kept = [row for row in rows if row["kept"] == "1"]
    assert f"{len(kept)} of {channels} kept" in said and 0 < len(kept) < channels
    importance = [abs(float(row["importance"])) for row in kept]
    others = [abs(float(row["importance"])) for row in rows if row["kept"] == "0"]
    if config == "tasiamrpn_tiny":
        assert len(kept) == 20 and min(importance) >= max(others)


def test_the_sheet_shows_where_kept_channels_answer() -> None:
    features = np.zeros((4, 9, 9), np.float32)
    features[0, 3:6, 3:6] = 1.0
    features[1] = 1.0
    features[1, 3:6, 3:6] = 0.0
    kept = np.array([True, False, False, False])
    view = LevelView(0, features, np.eye(9), np.array([3.0, -2.0, 0.0, 0.5], np.float32), kept, (1 / 3, 1 / 3))
    on, around = view.means()
    np.testing.assert_allclose(on, [1, 0, 0, 0])
    np.testing.assert_allclose(around, [0, 1, 0, 0])
    assert view.contrast(kept) > 1 and view.contrast(~kept) < -1 and view.contrast(np.zeros(4, bool)) == 0
    sheet = channel_sheet(np.full((90, 90, 3), 128, np.uint8), (30, 30), [view, view], "title")
    top = sheet.shape[0] - 2 * (sheet.shape[0] // 2 // TILE) * TILE
    cell = sheet[top + TILE // 2 : top + TILE // 2 + 4, 2 * (TILE + 6) + TILE // 2]
    corner = sheet[top + TILE - 20, 2 * (TILE + 6) + 20]
    assert cell.mean() > 100 and tuple(cell[0]) != tuple(corner)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--init-box", BOX, "--out", "x.gif"], "x.gif is no picture; expected a name that ends in .png or .jpg"),
        (["--init-box", "1,2,3"], "is not x,y,w,h"),
        (["--init-box", "1,2,3,4 5,6,7,8"], "holds 2 boxes; give one"),
        (["--init-box", "900,2,3,4"], "Target 1: The first box"),
        (["--init-box", BOX, "--tracker", "opencv:MIL"], "opencv_MIL has no channels to choose from"),
        (["--init-box", BOX, "--config", "atom_tiny", "--opts", "TARGET_AWARE.LEVELS", "[1]"], "of 1 feature map"),
        (["--init-box", BOX, "--opts", "TARGET_AWARE.TOPK", "[500]"], "asks for 500 channels"),
    ],
)
def test_bad_usage_is_one_message(
    arguments: list[str], words: str, frame: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = [] if "--out" in arguments else ["--out", str(tmp_path / "c.png")]
    assert run_tool("channels", [str(frame), *arguments, *out]) == 2
    said = capsys.readouterr().err
    assert said.startswith("channels: ") and words in said and "Traceback" not in said


def test_how_long_choosing_takes(frame: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "select.json"
    arguments = ["select", "--config", "tasiamrpn_tiny", "--repeat", "1", "--device", "cpu", "--json", str(out)]
    assert run_tool("benchmark", [*arguments, "--image", str(frame), "--init-box", BOX]) == 0
    said = capsys.readouterr().out
    rows = json.loads(out.read_text())["rows"]
    assert [row["solver"] for row in rows] == ["sgd", "ridge", "gradient"] and all(
        row["solver"] in said for row in rows
    )
    assert rows[0]["shared"] == [1.0] and rows[0]["iterations"][0] > 0 == rows[1]["iterations"][0]
    assert run_tool("benchmark", ["select", "--image", str(frame)]) == 2
    assert "belong together" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "kept"), [("atom_tiny", [96]), ("dimp_tiny", [96]), ("lmt_tiny", [24, 24])])
def test_trackers_that_learn_choose_too(
    name: str, kept: list[int], frame: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, out = tmp_path / "channels.png", tmp_path / "select.json"
    target = ["--init-box", BOX, "--config", name, "--device", "cpu"]
    assert run_tool("channels", [str(frame), *target, "--out", str(picture)]) == 0
    lines = picture.with_suffix(".csv").read_text().splitlines()
    assert picture.is_file() and len(lines) == 1 + sum(kept) * 4 // 3
    arguments = ["select", *target, "--image", str(frame), "--repeat", "1", "--json", str(out)]
    assert run_tool("benchmark", arguments) == 0
    assert [row["kept"] for row in json.loads(out.read_text())["rows"]] == [kept] * 3
    root = make_dataset(tmp_path / "mine", names=("Alpha",), count=3)
    folder = run_on(root, tmp_path, "--config", name, "--opts", "TARGET_AWARE.ENABLED", "True", "--save-ta")
    (start,) = json.loads((folder / "Alpha_ta.json").read_text())
    assert start["ta_kept"] == kept


def run_on(root: Path, tmp_path: Path, *arguments: str) -> Path:
    """Runs `tools/test.py` on the folder `root`; returns where the results of the sequence Alpha are."""
    fixed = ["--dataset", str(root), "--results_dir", str(tmp_path / "results"), "--device", "cpu"]
    assert run_tool("test", [*fixed, "--tracker_name", "ta", *arguments]) == 0
    return tmp_path / "results" / root.name / "ta"


def test_remarks_stand_beside_the_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_dataset(tmp_path / "mine", names=("Alpha",))
    config = ["--config", "siamrpn_tiny", "--opts", "TARGET_AWARE.ENABLED", "True"]
    folder = run_on(root, tmp_path, *config, "--save-ta")
    (start,) = json.loads((folder / "Alpha_ta.json").read_text())
    assert start["frame"] == 0 and start["ta_kept"] == [96] and len(start["ta_channels"][0]) == 96
    assert find_results(open_tracker(folder), "Alpha") == ["Alpha.txt"]
    before = (folder / "Alpha.txt").read_text()
    run_on(root, tmp_path, *config, "--overwrite")
    assert not (folder / "Alpha_ta.json").exists()
    assert (folder / "Alpha.txt").read_text() == before
    assert run_tool("test", ["--dataset", str(root), "--config", "siamrpn_tiny", "--save-ta"]) == 2
    assert "chooses no channels. Add --opts TARGET_AWARE.ENABLED True" in capsys.readouterr().err


def test_every_restart_is_remarked_on_also_by_a_worker(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / "mine", names=("Alpha", "Beta"), count=12)
    for name in ("Alpha", "Beta"):  # the annotation jumps away from the square: a failure, then a restart
        lines = [f"{30 + index},20,24,24" for index in range(4)] + ["90,60,24,24"] * 8
        (root / name / "groundtruth_rect.txt").write_text("\n".join(lines) + "\n")
    arguments = ["--config", "tasiamrpn_tiny", "--save-ta", "--protocol", "supervised", "--workers", "2"]
    folder = run_on(root, tmp_path, *arguments) / "baseline" / "Beta"
    starts = json.loads((folder / "Beta_ta.json").read_text())
    codes = (folder / "Beta_001.txt").read_text().splitlines()
    assert [start["frame"] for start in starts] == [index for index, code in enumerate(codes) if code == "1"] == [0, 9]
    assert all(start["repetition"] == 1 and start["ta_kept"] == [96] for start in starts)
