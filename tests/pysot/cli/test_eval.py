from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pysot.cli.main import run_tool


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two sequences as annotations alone, three trackers, one of which has nothing for the second sequence."""
    truth = "11,11,20,20\n" * 12
    for name in ("Deer", "Man"):
        for folder in (f"annotations/MINE/{name}", "results/MINE/good", "results/MINE/other", "results/MINE/half"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    record = {
        name: {"video_dir": name, "init_rect": [10, 10, 20, 20], "img_names": [], "gt_rect": [[10, 10, 20, 20]] * 12}
        for name in ("Deer", "Man")
    }
    for name in record:
        record[name]["img_names"] = [f"{name}/{k:04d}.jpg" for k in range(12)]
        (tmp_path / "results/MINE/good" / f"{name}.txt").write_text("10,10,20,20\n" * 12)
        (tmp_path / "results/MINE/other" / f"{name}.txt").write_text(truth)
    (tmp_path / "results/MINE/half/Deer.txt").write_text(truth)
    (tmp_path / "MINE.json").write_text(json.dumps(record))
    return tmp_path


def command(data: Path, *extra: str) -> int:
    return run_tool("eval", ["-p", str(data / "results"), "-d", str(data / "MINE.json"), *extra])


def test_table_files_and_exit_code(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {form: data / f"out/report.{form}" for form in ("json", "csv", "markdown", "latex")}
    options = [text for form, path in files.items() for text in (f"--{form}", str(path))]
    assert command(data, "-s", "--attributes", "--ci", "-n", "2", *options) == 1
    out, told = capsys.readouterr()
    assert "no table by attribute: MINE has no attributes" in told and "by attribute" not in out
    assert "|     good     |" in out
    assert "Left out: half" in out
    assert "MINE by sequence" in out
    content = json.loads(files["json"].read_text())
    assert content["trackers"]["good"]["success"] == pytest.approx(20 / 21)
    assert content["trackers"]["good"]["ci"]["success"] == pytest.approx([20 / 21] * 2)
    assert "**0.952" in files["markdown"].read_text()
    assert r"\toprule" in files["latex"].read_text()
    assert files["csv"].read_text().startswith("benchmark,tracker,sequence,success")


def test_all_scored(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(data, "-t", "g") == 0
    assert "other" not in capsys.readouterr().out


def test_a_figure_that_fails_gives_exit_code_1(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("toolkit.report.figures.write.ranking_figure", lambda *_: [].pop())
    assert command(data, "-t", "g", "--figures", str(data / "figures"), "--figure_format", "svg") == 1
    assert (data / "figures" / "MINE_success.svg").is_file()


def test_the_form_of_boxes(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (data / "results/MINE/good").iterdir():
        path.write_text("10,10,30,30\n" * 12)
    assert command(data, "-t", "g", "--boxes", "xyxy") == 0
    assert "0.952" in capsys.readouterr().out


def test_compare(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(data, "--compare", "good", "other")
    out = capsys.readouterr().out
    assert "MINE: good minus other" in out
    assert "p is two-sided" in out
    assert command(data, "--compare", "good", "nobody") == 2
    assert "not among the trackers scored" in capsys.readouterr().err


def test_nothing_scored(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(data, "-t", "half") == 2
    assert "no tracker could be scored" in capsys.readouterr().err
    assert command(data, "-t", "nobody") == 2
    assert "Trackers found: good, half, other" in capsys.readouterr().err


def test_figures(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    folder = data / "out" / "figures"
    assert command(data, "-t", "good", "--figures", str(folder), "--figure_format", "svg") == 0
    names = ("success", "precision", "norm_precision", "success_ranking")
    assert {path.name for path in folder.iterdir()} == {f"MINE_{name}.svg" for name in names}
    assert f"4 figure files in {folder}" in capsys.readouterr().out
    assert command(data, "-t", "good", "--figures", str(folder), "--figure_style", "slides") == 0
    assert len(list(folder.iterdir())) == 8


def test_figures_without_matplotlib(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert command(data, "--figures", str(data / "figures")) == 2
    output = capsys.readouterr()
    assert "pip install matplotlib" in output.err
    assert output.out == "", "said before the scoring"


def test_works_from_a_clone(data: Path, repo: Path) -> None:
    options = ["-p", str(data / "results"), "-d", str(data / "MINE.json"), "-t", "good", "--strict"]
    done = subprocess.run(
        [sys.executable, str(repo / "tools" / "eval.py"), *options],
        capture_output=True,
        text=True,
        cwd=data,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "strict" in done.stdout


def test_reproduce_prints_markdown(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = data / "results"
    (results / "REFERENCE_SCORES.json").write_text("{}")
    assert run_tool("reproduce", ["--results", str(results), "--annotations", str(data)]) == 0
    assert "| Benchmark | Tracker |" in capsys.readouterr().out
    assert run_tool("reproduce", ["--results", str(data), "--annotations", str(data)]) == 2
    assert "REFERENCE_SCORES.json" in capsys.readouterr().err
