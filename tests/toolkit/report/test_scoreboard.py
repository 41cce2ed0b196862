"""The board: what is kept of each sequence, and the table made of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from toolkit.errors import ResultError
from toolkit.evaluation.bootstrap import confidence_interval
from toolkit.evaluation.statistics import mean_over_sequences
from toolkit.report.scoreboard import (
    REAL_TARGETS,
    BoardEntry,
    SequenceScore,
    board_table,
    merged,
    read_board,
    write_board,
)


def score(success: float, seconds: float | None = 2.0, seeds: int = 1) -> SequenceScore:
    spread = [0.01 * (k - (seeds - 1) / 2) for k in range(seeds)]
    timed = () if seconds is None else (seconds,) * seeds
    return SequenceScore(tuple(round(success + d, 5) for d in spread), (round(success, 5),) * seeds, 100, timed)


def entry(**results: dict[str, SequenceScore]) -> BoardEntry:
    return BoardEntry("a" * 64, "b" * 64, "mine", 2_500_000, 3_900_000, "a machine", 1, "2026-01-02", "run it", results)


def full(level: float, seconds: float | None = 2.0, seeds: int = 1) -> BoardEntry:
    real = {
        name: {target: score(level + 0.02 * k, seconds, seeds) for k, target in enumerate(targets)}
        for name, targets in REAL_TARGETS.items()
    }
    return entry(**real, SYNTH={"rotation_1": score(0.5, seconds, seeds)})


def test_the_file_gives_the_board_back(tmp_path: Path) -> None:
    board = {"one": full(0.5, seeds=3), "two": full(0.25, seconds=None)}
    write_board(tmp_path / "scores.json", board)
    assert read_board(tmp_path / "scores.json") == board
    assert read_board(tmp_path / "none.json") == {}


@pytest.mark.parametrize("text", ["", "[]", '{"a": 3}', '{"a": {"results": {}}}', '{"a": {"results": {"x": 1}}}'])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ResultError, match="is no board of scores"):
        read_board(tmp_path / "a.json")


def test_the_table_holds_means_and_intervals() -> None:
    table = board_table({"weak": full(0.2), "strong": full(0.6, seeds=3)})
    assert [row[0] for row in table.rows] == ["strong", "weak"]
    values = [0.6 + 0.02 * k for k in range(7)] + [0.6, 0.62]
    interval = confidence_interval(mean_over_sequences(np.array(values)))
    row = dict(zip(table.header, table.rows[0], strict=True))
    assert (
        row["success, 9 targets"]
        == f".{np.mean(values) * 1000:.0f} [.{interval.low * 1000:.0f}, .{interval.high * 1000:.0f}]"
    )
    assert row["OTB: success / precision"] == ".660 / .660" and row["VOT: success"] == ".610"
    assert row["seeds"] == "3" and row["fps"] == "50"  # 100 frames in 2 s
    assert row["parameters"] == "2.50 M" and row["file"] == "3.9 MB"


def test_what_was_not_measured_is_not_made_up() -> None:
    partly = entry(OTB100={"Deer": score(0.5, None)})
    row = dict(zip(board_table({}).header, board_table({"partly": partly}).rows[0], strict=True))
    assert row["success, 9 targets"].endswith("(1 of 9 only)")
    assert row["VOT: success"] == row["SYNTH: success"] == row["fps"] == "-"


def test_new_results_join_those_of_the_same_weights_only() -> None:
    old, new = entry(OTB100={"Deer": score(0.5)}), entry(OTB100={"Man": score(0.6)}, SYNTH={"a": score(0.7)})
    both = merged(old, new)
    assert {name: list(scores) for name, scores in both.results.items()} == {"OTB100": ["Deer", "Man"], "SYNTH": ["a"]}
    other = BoardEntry(**{**old.__dict__, "snapshot": "c" * 64})
    assert merged(other, new) == new and merged(None, new) == new
