"""A board of trackers, each run once over a few fixed sequences: its data (JSON), and the table made of it.

Beside the tables of `toolkit.report.tables`, which are made from result folders: the board keeps what each sequence
scored, so that tables and intervals can be made again anywhere, without the sequences.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.errors import ResultError
from toolkit.evaluation.bootstrap import confidence_interval
from toolkit.evaluation.statistics import mean_over_sequences
from toolkit.report.formats import Table
from toolkit.results.writer import write_files

REAL_TARGETS: Mapping[str, tuple[str, ...]] = {
    "OTB100": ("Crossing", "Deer", "Jogging-1", "Jogging-2", "Man", "MotorRolling", "Skiing"),
    "VOT2018": ("bag", "ball1"),
}
"""The real sequences of the board; every other sequence of these benchmarks is left out."""
RENDERED = "SYNTH"
BENCHMARKS = (*REAL_TARGETS, RENDERED)


@dataclass(frozen=True)
class SequenceScore:
    """One sequence, run from its first frame to the last, once per seed.

    Attributes:
        success, precision: by seed; area under the success curve, and share of frames within 20 px.
        frames: passed to `track` in one run.
        seconds: inside `track`, by seed; empty when the speed was not measured.
    """

    success: tuple[float, ...]
    precision: tuple[float, ...]
    frames: int
    seconds: tuple[float, ...] = ()


@dataclass(frozen=True)
class BoardEntry:
    """What one tracker scored, and with what.

    Attributes:
        snapshot, config: sha256 of the weights' file and of the whole config.
        experiment: name of the config.
        parameters: weights of the model.
        size: of the weights' file in bytes.
        machine: processor, its cores and the libraries.
        threads: that the tracker could use.
        date: of the last run, as YYYY-MM-DD.
        command: that measured it.
        results: benchmark -> sequence -> scores.
    """

    snapshot: str
    config: str
    experiment: str
    parameters: int
    size: int
    machine: str
    threads: int
    date: str
    command: str
    results: Mapping[str, Mapping[str, SequenceScore]] = field(default_factory=dict)

    def scores(self, benchmarks: Sequence[str], what: str) -> list[float]:
        """`success` or `precision` of each sequence of these benchmarks, each the mean over its seeds."""
        found = [score for benchmark in benchmarks for score in self.results.get(benchmark, {}).values()]
        return [float(np.mean(getattr(score, what))) for score in found]

    def fps(self) -> float | None:
        """Frames per second over the real targets, all seeds; None when some sequence was not timed."""
        found = [score for benchmark in REAL_TARGETS for score in self.results.get(benchmark, {}).values()]
        if not found or not all(score.seconds for score in found):
            return None
        seconds = sum(sum(score.seconds) for score in found)
        return sum(score.frames * len(score.seconds) for score in found) / seconds


Board = dict[str, BoardEntry]
"""Entries by the trackers' names."""


def read_board(path: Path) -> Board:
    """The board in the JSON file `path`; empty when there is no file. Raises `ResultError` when it is damaged."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {name: _entry(values) for name, values in content.items()}
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ResultError(f"{path} is no board of scores ({error}). Delete it, and measure again.") from error


def _entry(values: Mapping[str, Any]) -> BoardEntry:
    results = {
        benchmark: {name: score_from(score) for name, score in sequences.items()}
        for benchmark, sequences in values["results"].items()
    }
    return BoardEntry(**{**values, "results": results})


def score_from(values: Mapping[str, Any]) -> SequenceScore:
    """A `SequenceScore` from what JSON keeps of it."""
    made: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return SequenceScore(**made)


def write_board(path: Path, board: Board) -> None:
    """Writes the board as JSON, names sorted, numbers rounded to what a table can show and a bit more."""
    content = {name: _rounded(asdict(board[name])) for name in sorted(board)}
    write_files({path: json.dumps(content, indent=1) + "\n"})


def _rounded(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return round(value, 5) if isinstance(value, float) else value


def merged(old: BoardEntry | None, new: BoardEntry) -> BoardEntry:
    """`new`, with what `old` has of other sequences if it is of the same weights, config, machine and threads."""
    same = ("snapshot", "config", "machine", "threads")
    if old is None or any(getattr(old, name) != getattr(new, name) for name in same):
        return new
    results = {
        benchmark: {**old.results.get(benchmark, {}), **new.results.get(benchmark, {})}
        for benchmark in BENCHMARKS
        if benchmark in old.results or benchmark in new.results
    }
    return replace(new, results=results)


def board_table(board: Board) -> Table:
    """One row per tracker, best first: mean success over the real targets, then its parts, speed and size.

    Success stands with its 95 % bootstrap interval over sequences.
    """
    order = sorted(board, key=lambda name: (-_mean(board[name].scores(tuple(REAL_TARGETS), "success")), name))
    targets = sum(map(len, REAL_TARGETS.values()))
    rows = tuple(_row(name, board[name]) for name in order)
    return Table(
        title=f"Success over {targets} real targets and over {RENDERED}",
        header=(
            "snapshot",
            f"success, {targets} targets",
            "OTB: success / precision",
            "VOT: success",
            f"{RENDERED}: success",
            f"{RENDERED}: precision",
            "seeds",
            "fps",
            "parameters",
            "file",
        ),
        rows=rows,
    )


def _row(name: str, entry: BoardEntry) -> tuple[str, ...]:
    otb, vot = (entry.scores((benchmark,), "success") for benchmark in REAL_TARGETS)
    fps = entry.fps()
    seeds = max((len(s.success) for sequences in entry.results.values() for s in sequences.values()), default=0)
    return (
        name,
        _with_interval(entry.scores(tuple(REAL_TARGETS), "success"), sum(map(len, REAL_TARGETS.values()))),
        f"{_number(_mean(otb))} / {_number(_mean(entry.scores(('OTB100',), 'precision')))}",
        _number(_mean(vot)),
        _with_interval(entry.scores((RENDERED,), "success")),
        _number(_mean(entry.scores((RENDERED,), "precision"))),
        str(seeds),
        "-" if fps is None else f"{fps:.0f}" if fps >= 10 else f"{fps:.1f}",
        f"{entry.parameters / 1e6:.2f} M",
        f"{entry.size / 1e6:.1f} MB",
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}".removeprefix("0")


def _with_interval(values: Sequence[float], wanted: int = 0) -> str:
    """The mean with its interval; a mean over fewer than the wanted number of sequences says so."""
    if not values:
        return "-"
    interval = confidence_interval(mean_over_sequences(np.array(values)))
    note = f" ({len(values)} of {wanted} only)" if len(values) < wanted else ""
    return f"{_number(_mean(values))} [{_number(interval.low)}, {_number(interval.high)}]{note}"
