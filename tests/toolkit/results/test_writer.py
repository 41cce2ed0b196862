from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from fake_trackers import Scripted, make_sequence, true_box
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import ProtocolError, ResultError
from toolkit.protocols.registry import PROTOCOLS
from toolkit.results.writer import ResultWriter, format_boxes, make_writer, write_files

TRUTH = np.array([true_box(k) for k in range(8)])
ANCHORS = np.array([1, 0, 0, 0, 0, 0, 0, -1])


def write(tmp_path: Path, protocol: str, repetitions: int = 1, away: tuple[int, ...] = ()) -> ResultWriter:
    sequence = make_sequence("bag", count=8, anchors=ANCHORS)
    writer = make_writer(tmp_path, "TOY", "mine", protocol, repetitions)
    for repetition in range(1, repetitions + 1):
        assert not writer.has(sequence, repetition)
        writer.write(sequence, repetition, PROTOCOLS[protocol](Scripted(away=away), sequence))
        assert writer.has(sequence, repetition)
    return writer


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_ope(tmp_path: Path) -> None:
    write(tmp_path, "ope")
    assert files(tmp_path) == ["TOY/mine/_run/times/bag.txt", "TOY/mine/bag.txt"]
    lines = (tmp_path / "TOY/mine/bag.txt").read_text().splitlines()
    assert lines[0] == "40.0,30.0,30.0,20.0"
    assert len(lines) == 8
    assert np.loadtxt(tmp_path / "TOY/mine/_run/times/bag.txt").shape == (8,)


def test_ope_with_repetitions_has_the_got10k_layout(tmp_path: Path) -> None:
    write(tmp_path, "ope", repetitions=2)
    assert files(tmp_path / "TOY" / "mine") == ["bag/bag_001.txt", "bag/bag_002.txt", "bag/bag_time.txt"]


def test_got10k_times_have_one_column_per_repetition(tmp_path: Path) -> None:
    write(tmp_path, "got10k", repetitions=3)
    folder = tmp_path / "TOY" / "mine" / "bag"
    assert files(folder) == ["bag_001.txt", "bag_002.txt", "bag_003.txt", "bag_time.txt"]
    times = np.loadtxt(folder / "bag_time.txt", delimiter=",")
    assert times.shape == (8, 3)
    assert np.isfinite(times).all()


def test_supervised(tmp_path: Path) -> None:
    write(tmp_path, "supervised", repetitions=2, away=(1,))
    base = "TOY/mine/baseline/bag"
    assert files(tmp_path) == ["TOY/mine/_run/times/bag.txt", f"{base}/bag_001.txt", f"{base}/bag_002.txt"]
    lines = (tmp_path / base / "bag_001.txt").read_text().splitlines()
    assert lines == ["1", "2", "0", "0", "0", "0", "1", "47.0000,30.0000,30.0000,20.0000"]


def test_longterm(tmp_path: Path) -> None:
    write(tmp_path, "longterm")
    folder = tmp_path / "TOY/mine/longterm/bag"
    assert files(folder) == ["bag_001.txt", "bag_001_confidence.value", "bag_time.txt"]
    assert (folder / "bag_001.txt").read_text().splitlines()[:2] == ["1", "41.0000,30.0000,30.0000,20.0000"]
    scores = (folder / "bag_001_confidence.value").read_text().splitlines()
    assert scores[:3] == ["", "0.500000", "0.333333"]
    assert len(scores) == 8
    assert len((folder / "bag_time.txt").read_text().split()[0].split(".")[1]) == 6


def test_multistart(tmp_path: Path) -> None:
    write(tmp_path, "multistart")
    folder = tmp_path / "TOY/mine/baseline/bag"
    assert files(folder) == ["bag_00000000.txt", "bag_00000007.txt"]
    backward = (folder / "bag_00000007.txt").read_text().splitlines()
    assert backward[:2] == ["1", "46.0000,30.0000,30.0000,20.0000"]
    assert len(backward) == 8
    assert len(files(tmp_path / "TOY/mine/_run/times")) == 2


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_remove_leaves_other_sequences(tmp_path: Path, protocol: str) -> None:
    writer = write(tmp_path, protocol)
    other = make_sequence("bag2", count=8, anchors=ANCHORS)
    writer.write(other, 1, PROTOCOLS[protocol](Scripted(), other))
    before = files(tmp_path)
    writer.remove(make_sequence("bag", count=8, anchors=ANCHORS))
    assert files(tmp_path) == [name for name in before if "bag2" in name]
    assert files(tmp_path)


@given(st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 4), min_size=1, max_size=20))
def test_boxes_read_back_exactly(rows: list[tuple[float, ...]]) -> None:
    read = [[float(value) for value in line.split(",")] for line in format_boxes(np.array(rows)).splitlines()]
    assert np.array_equal(np.array(read), np.array(rows))


def test_a_damaged_time_file_does_not_stop_a_repetition(tmp_path: Path) -> None:
    writer = write(tmp_path, "got10k")
    sequence = make_sequence("bag", count=8)
    times = tmp_path / "TOY/mine/bag/bag_time.txt"
    times.write_text("0.1\nbroken")
    writer.write(sequence, 2, PROTOCOLS["got10k"](Scripted(), sequence))
    table = np.loadtxt(times, delimiter=",")
    assert np.isnan(table[:, 0]).all()
    assert np.isfinite(table[:, 1]).all()


def test_nothing_appears_when_one_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(ResultError, match="cannot write"):
        write_files({tmp_path / "a.txt": "1", tmp_path / "taken" / "b.txt": "2"})
    assert files(tmp_path) == ["taken"]


def test_a_kill_between_two_renames_leaves_the_sequence_unfinished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequence = make_sequence("bag", count=8)
    writer = make_writer(tmp_path, "TOY", "mine", "longterm")
    replaced: list[str] = []
    replace = os.replace

    def killed_after_two(source: Path, target: Path) -> None:
        if len(replaced) == 2:
            raise KeyboardInterrupt
        replaced.append(Path(target).name)
        replace(source, target)

    monkeypatch.setattr("toolkit.results.writer.os.replace", killed_after_two)
    with pytest.raises(KeyboardInterrupt):
        writer.write(sequence, 1, PROTOCOLS["longterm"](Scripted(), sequence))
    assert replaced == ["bag_time.txt", "bag_001_confidence.value"]
    assert not writer.has(sequence, 1)
    assert not [name for name in files(tmp_path) if name.endswith(".part")]


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "_run", "a\\b"])
def test_tracker_names_are_plain_folder_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(ResultError, match="cannot be a result folder"):
        make_writer(tmp_path, "TOY", name, "ope")


def test_unknown_protocol(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="Unknown protocol"):
        make_writer(tmp_path, "TOY", "mine", "twopass")


def test_records_of_another_protocol_are_refused(tmp_path: Path) -> None:
    sequence = make_sequence()
    with pytest.raises(TypeError, match="LongTermRun"):
        make_writer(tmp_path, "TOY", "mine", "longterm").write(sequence, 1, PROTOCOLS["ope"](Scripted(), sequence))
