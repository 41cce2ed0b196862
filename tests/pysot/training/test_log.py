"""The log of a run: rows on disk at once, exact numbers, nothing twice after a resume."""

from __future__ import annotations

import csv
import math
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorboardX.proto.event_pb2 import Event

from pysot.core.errors import TrainingError
from pysot.training.log import CsvLog, RunLog


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def fill(path: Path, steps: range) -> None:
    log = CsvLog(path)
    for step in steps:
        log.write(step, {"loss": 1 / step})
    log.close()


def test_a_row_is_on_disk_when_write_returns(tmp_path: Path) -> None:
    log = CsvLog(tmp_path / "run" / "log.csv")
    log.write(1, {"loss": 0.5, "lr": 1e-3})
    assert (tmp_path / "run" / "log.csv").read_text() == "step,loss,lr\n1,0.5,0.001\n"


def test_new_quantities_get_their_own_column(tmp_path: Path) -> None:
    log = CsvLog(tmp_path / "log.csv")
    log.write(1, {"loss": 0.5})
    log.write(1, {"auc/Name, with comma": 0.25})
    log.write(2, {"loss": 0.25})
    log.write(3, {})
    assert [list(row.values()) for row in rows_of(tmp_path / "log.csv")] == [
        ["1", "0.5", ""],
        ["1", "", "0.25"],
        ["2", "0.25", ""],
        ["3", "", ""],
    ]
    assert list(rows_of(tmp_path / "log.csv")[0]) == ["step", "loss", "auc/Name, with comma"]


def test_a_resumed_run_writes_no_row_twice(tmp_path: Path) -> None:
    path, whole = tmp_path / "log.csv", tmp_path / "whole.csv"
    fill(whole, range(1, 9))
    fill(path, range(1, 7))
    with path.open("a") as file:
        file.write("7,0.14")  # a kill in the middle of a line
    log = CsvLog(path, resumed_step=4)
    assert [row["step"] for row in rows_of(path)] == ["1", "2", "3", "4"]
    for step in range(5, 9):
        log.write(step, {"loss": 1 / step})
    log.close()
    assert path.read_bytes() == whole.read_bytes()


def test_resuming_without_a_log_and_starting_anew(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    CsvLog(path, resumed_step=10).write(11, {"loss": 1.0})
    assert len(rows_of(path)) == 1
    path.write_text("")
    CsvLog(path, resumed_step=10).write(11, {"loss": 1.0})
    assert len(rows_of(path)) == 1
    CsvLog(path).write(1, {"lr": 1.0})
    assert path.read_text() == "step,lr\n1,1.0\n"


@pytest.mark.parametrize("text", ["time,loss\n1,2\n", "step,loss\nx,2\n", "step,loss\n1,2,3\n"])
def test_somebody_elses_file_is_not_cut(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(TrainingError, match="not the log of a run"):
        CsvLog(path, resumed_step=1)
    assert path.read_text() == text


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.floats(), min_size=1, max_size=5), resumed=st.integers(0, 6))
def test_numbers_are_exact_and_cut_at_the_step(tmp_path: Path, values: list[float], resumed: int) -> None:
    path = tmp_path / "log.csv"
    log = CsvLog(path)
    for step, value in enumerate(values, 1):
        log.write(step, {"v": value})
    log.close()
    CsvLog(path, resumed_step=resumed).close()
    read = [float(row["v"]) for row in rows_of(path)]
    assert len(read) == min(resumed, len(values))
    assert all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(read, values, strict=False))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match=r"log\.csv cannot be written"):
        RunLog(tmp_path / "file" / "run")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "tensorboard").write_text("")
    with pytest.raises(TrainingError, match="tensorboard cannot be written"):
        RunLog(tmp_path / "run")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_disk_that_fills_up(tmp_path: Path) -> None:
    log = CsvLog(tmp_path / "log.csv")
    log._file.close()
    log.path = Path("/dev/full")
    log._open()
    with pytest.raises(TrainingError, match=r"/dev/full cannot be written: No space left on device.*--resume auto"):
        log.write(1, {})
    log.close()


def events(folder: Path) -> list[tuple[int, str, float]]:
    """(step, tag, value) of every scalar in a folder's event files; records are length, checksum, data, checksum."""
    found = []
    for path in sorted(folder.iterdir()):
        content, position = path.read_bytes(), 0
        while position < len(content):
            (length,) = struct.unpack_from("<Q", content, position)
            event = Event.FromString(content[position + 12 : position + 12 + length])
            found += [(event.step, value.tag, value.simple_value) for value in event.summary.value]
            position += length + 16
    return found


def test_both_files_hold_the_same(tmp_path: Path) -> None:
    with RunLog(tmp_path) as log:
        log.scalars(1, {"loss": 0.5, "auc/Deer": 0.25})
        log.scalars(2, {"loss": 0.125})
    assert events(tmp_path / "tensorboard") == [(1, "loss", 0.5), (1, "auc/Deer", 0.25), (2, "loss", 0.125)]
    assert [row["loss"] for row in rows_of(tmp_path / "log.csv")] == ["0.5", "0.125"]


def test_csv_alone_and_nothing_at_all(tmp_path: Path) -> None:
    with RunLog(tmp_path / "run", tensorboard=False) as log:
        log.scalars(1, {"loss": 0.5})
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["log.csv"]
    with RunLog(None) as log:
        log.scalars(1, {"loss": 0.5})
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
