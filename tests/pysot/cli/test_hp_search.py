"""`tools/hp_search.py`: PySOT's flags and folders, and boxes that equal those of `tools/test.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from pysot.cli.main import run_tool
from tests.pysot.cli.test_test import make_dataset

GRID = ["--penalty-k", "0.05,0.2,0.1", "--lr", "0.35,0.4,0.1", "--window-influence=0.4,0.5,0.2"]


def test_every_combination_is_run_scored_and_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, out = make_dataset(tmp_path / "mine"), tmp_path / "hp_search_result"
    words = ["--config", "siamrpn_tiny", "--dataset", str(root), "--results_dir", str(out), "--device", "cpu", *GRID]
    assert run_tool("hp-search", words) == 0
    said = capsys.readouterr().out
    assert "2 combinations on 2 sequences of mine" in said and "Tracker name" in said
    names = [f"siamrpn_tiny_r255_pk-{value}_wi-0.400_lr-0.350" for value in ("0.050", "0.150")]
    assert sorted(path.name for path in (out / "mine").iterdir()) == names
    assert all(name in said for name in names)

    opts = [
        "TRACK.PENALTY_K",
        "0.15",
        "TRACK.WINDOW_INFLUENCE",
        "0.4",
        "TRACK.LR",
        "0.35",
        "TRACK.INSTANCE_SIZE",
        "255",
    ]
    words = ["--config", "siamrpn_tiny", "--dataset", str(root), "--results_dir", str(tmp_path), "--device", "cpu"]
    assert run_tool("test", [*words, "--tracker_name", "one", "--opts", *opts]) == 0
    for sequence in ("Alpha", "Beta"):
        expected = (tmp_path / "mine" / "one" / f"{sequence}.txt").read_text()
        assert (out / "mine" / names[1] / f"{sequence}.txt").read_text() == expected
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.txt") if path.parent.name in names}
    words = ["--config", "siamrpn_tiny", "--dataset", str(root), "--results_dir", str(out), "--device", "cpu", *GRID]
    assert run_tool("hp-search", words) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tracker", "opencv:MIL"], "opencv_MIL has no numbers to search"),
        (["--config", "atom_tiny"], "TRACK.TYPE ATOMTracker does not read TRACK.PENALTY_K"),
    ],
)
def test_trackers_without_these_numbers(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tool("hp-search", [*words, "--dataset", "SYNTH"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--lr", "0.1,0.5"], ["--lr", "0.5,0.1,0.1"], ["--search-region", "255,256,0.5"]])
def test_ranges_that_are_none(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_tool("hp-search", ["--config", "siamrpn_tiny", "--dataset", "SYNTH", *words])
    assert "expected" in capsys.readouterr().err
