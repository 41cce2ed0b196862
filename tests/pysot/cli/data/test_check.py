"""`tools/data.py`: checking a benchmark, and packing results for a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from pysot.cli.main import main as pysot
from pysot.cli.main import run_tool
from toolkit.datasets import load_benchmark
from toolkit.datasets.listings import GOT10K_TEST
from toolkit.errors import DatasetError


def make_sequence(folder: Path, count: int = 8, rows: str | None = None) -> Path:
    (folder / "img").mkdir(parents=True)
    for index in range(1, count + 1):
        cv2.imwrite(str(folder / "img" / f"{index:04d}.png"), np.full((30, 40, 3), index, np.uint8))
    (folder / "groundtruth.txt").write_text("10,10,8,8\n" * count if rows is None else rows)
    return folder


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    for name in ("Alpha", "Beta", "Gamma"):
        make_sequence(tmp_path / "mine" / name)
    return tmp_path / "mine"


def test_a_sound_folder(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tool("data", ["check", str(mine)]) == 0
    assert capsys.readouterr().out == ("mine: 3 sequences checked, 3 without a finding; 0 errors, 0 warnings.\n")


@pytest.mark.parametrize("extra", [[], ["--no-decode"]])
def test_everything_wrong_is_listed_by_sequence(
    mine: Path, extra: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for index in (3, 4, 5, 8):
        (mine / "Alpha" / "img" / f"{index:04d}.png").unlink()
    (mine / "Beta" / "groundtruth.txt").write_text("10,10,8,8\n10,10,oops,8\n")
    (mine / "Gamma" / "groundtruth.txt").write_text("10,10,8\n")
    file = tmp_path / "out" / "check.json"
    assert run_tool("data", ["check", str(mine), "--json", str(file), *extra]) == 1
    out = capsys.readouterr().out
    alpha, beta, gamma = (out.index(f"{name}\n") for name in ("Alpha", "Beta", "Gamma"))
    assert alpha < beta < gamma
    assert "frames 2 to 4: 3 images cannot be read, first" in out and "0003.png" in out
    assert "0004.png" not in out
    assert "groundtruth.txt:2: 'oops' is not a number" in out
    assert "3 numbers per row" in out[gamma:]
    assert "mine: 3 sequences checked, 0 without a finding;" in out
    report = json.loads(file.read_text())
    assert (report["benchmark"], report["sequences"], report["missing"]) == ("mine", ["Alpha", "Beta", "Gamma"], [])
    assert report["decoded"] is (not extra)
    assert report["errors"] == sum(one["severity"] == "error" for one in report["problems"]) >= 4
    (run,) = (one for one in report["problems"] if "3 images cannot be read" in one["message"])
    assert (run["sequence"], run["frame"], run["last"], run["severity"]) == ("Alpha", 2, 4, "error")


def test_decoding_finds_what_looking_does_not(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mine / "Beta" / "img" / "0002.png").write_bytes(b"not an image")
    assert run_tool("data", ["check", str(mine), "--no-decode"]) == 0
    assert run_tool("data", ["check", str(mine)]) == 1
    assert "0002.png: this frame cannot be decoded" in capsys.readouterr().out


def test_what_holds_for_many_sequences_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("Deer", "Man"):
        make_sequence(tmp_path / name).joinpath("groundtruth.txt").rename(tmp_path / name / "groundtruth_rect.txt")
    assert pysot(["data", "check", "OTB100", "--dataset_root", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("warning: listed by OTB100 but not found (98): Basketball, Biker,")
    assert "Woman" in out
    assert max(map(len, out.splitlines())) <= 120
    assert out.endswith("OTB100: 2 sequences checked, 98 missing, 2 without a finding; 0 errors, 98 warnings.\n")


def test_annotations_alone(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tool("data", ["check", "VOT2018", "--dataset_root", str(shared / "data/annotations")]) == 1
    out = capsys.readouterr().out
    assert "warning: annotations but no images: it can be scored, not run (60): ants1," in out
    assert "VOT2018: 60 sequences checked" in out


def test_the_embedded_benchmark_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tool("data", ["check", "SYNTH", "--no-decode"]) == 0
    assert "0 errors, 0 warnings" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["OTB100", "OTB1000", "no/such/folder"])
def test_what_cannot_be_checked(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tool("data", ["check", name, "--dataset_root", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("data check: ")


def test_a_corrupt_json_cannot_be_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "VOT2018.json").write_text('{"ants1": {"gt_rect": [[1, 2\n')
    assert run_tool("data", ["check", "VOT2018", "--dataset_root", str(tmp_path)]) == 2
    assert "after key 'gt_rect'" in capsys.readouterr().err


def test_loading_names_every_broken_annotation_and_the_check(mine: Path) -> None:
    for name in ("Alpha", "Gamma"):
        (mine / name / "groundtruth.txt").write_text("oops\n")
    with pytest.raises(DatasetError) as error:
        load_benchmark(str(mine))
    said = str(error.value)
    assert said.startswith("mine: 2 of 3 sequences cannot be opened:")
    assert "Alpha" in said and "Gamma" in said
    assert f"`tools/data.py check {mine} --no-decode` lists all" in said
    assert load_benchmark(str(mine), video="Beta").names() == ["Beta"]


def test_the_script_runs_from_anywhere(mine: Path, repo: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(repo / "tools" / "data.py"), "check", str(mine)],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 sequences checked" in done.stdout


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Results for the whole GOT-10k test set, two frames each."""
    folder = tmp_path / "results" / "GOT-10k-test" / "mine"
    for name in GOT10K_TEST:
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}_001.txt").write_text("1.0,2.0,3.0,4.0\n1.25,2.0,3.0,4.0\n")
        (folder / name / f"{name}_time.txt").write_text("0.5\n0.25\n")
    return folder


def test_submit(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "send" / "mine.zip"
    assert run_tool("data", ["submit", "got10k", "--results", str(results), "--out", str(out)]) == 0
    assert "180 sequences of GOT-10k-test in 360 files. Frame counts were not checked" in capsys.readouterr().out
    name = GOT10K_TEST[0]
    with zipfile.ZipFile(out) as archive:
        assert archive.read(f"{name}/{name}_001.txt") == b"1.000,2.000,3.000,4.000\n1.250,2.000,3.000,4.000\n"
        assert archive.read(f"{name}/{name}_time.txt") == b"0.50000000\n0.25000000\n"


def test_submit_checks_the_frames(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "GOT-10k"
    for name in GOT10K_TEST:
        (root / "test" / name).mkdir(parents=True)
        (root / "test" / name / "groundtruth.txt").write_text("1,2,3,4\n")
        for frame in (1, 2):
            (root / "test" / name / f"{frame:08d}.jpg").touch()
    command = ["submit", "got10k", "--results", str(results), "--out", str(tmp_path / "a.zip")]
    assert run_tool("data", [*command, "--dataset_root", str(root)]) == 0
    assert "not checked" not in capsys.readouterr().out
    (root / "test" / GOT10K_TEST[9] / "00000003.jpg").touch()
    assert run_tool("data", [*command[:-1], str(tmp_path / "b.zip"), "--dataset_root", str(root)]) == 2
    assert f"{GOT10K_TEST[9]}_001.txt: 2 lines for 3 frames" in capsys.readouterr().err
    assert not (tmp_path / "b.zip").exists()


def test_submit_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    command = ["submit", "trackingnet", "--out", str(tmp_path / "a.zip"), "--results"]
    assert run_tool("data", [*command, str(tmp_path / "empty")]) == 2
    assert "results for 0 sequences, but TrackingNet has 511" in capsys.readouterr().err
    assert run_tool("data", [*command, str(tmp_path / "gone")]) == 2
    assert "no results of tracker 'gone'" in capsys.readouterr().err
