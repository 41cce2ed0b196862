"""What a run reports: numbers by step, in a CSV file for people and scripts and in TensorBoard's files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from tensorboardX import SummaryWriter

from pysot.core.atomic import write_whole
from pysot.core.errors import TrainingError

STEP = "step"


class CsvLog:
    """A CSV file with the column `step` and one column per quantity; a row is on disk when `write` returns.

    A quantity that was not there before gets a new column at the end; a row has empty cells for what it does not hold.
    Floats are written so that reading gives the same number.

    Args:
        path: the file; its folder is made when absent.
        resumed_step: None starts the file anew. Else rows of later steps, and a last row cut off by a kill, are
            removed, so that a run that goes on from `resumed_step` writes none twice.

    Raises `TrainingError` when the file cannot be read or written.
    """

    def __init__(self, path: Path, resumed_step: int | None = None) -> None:
        self.path = path
        resumes = resumed_step is not None and path.is_file()
        self.columns, rows = _read(path) if resumes else ([STEP], [])
        self._rewrite([row for row in rows if int(row[0]) <= (resumed_step or 0)])

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Appends one row. Raises `TrainingError` when the disk is full."""
        if new := [name for name in values if name not in self.columns]:
            self._file.close()
            rows = _read(self.path)[1]
            self.columns += new
            self._rewrite(rows)
        cells = {STEP: step, **values}
        try:
            self._writer.writerow([cells.get(name, "") for name in self.columns])
            self._file.flush()
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def close(self) -> None:
        """Closes the file. Every row is on disk already, or its `write` has raised."""
        with suppress(OSError):
            self._file.close()

    def _rewrite(self, rows: list[list[str]]) -> None:
        """Replaces the file by the columns and `rows`, and opens it for more."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(row + [""] * (len(self.columns) - len(row)) for row in rows)
        write_whole(self.path, text.getvalue().encode())
        self._open()

    def _open(self) -> None:
        self._file: TextIO = self.path.open("a", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, lineterminator="\n")


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    """Columns and whole rows of a log; what a kill left of a last line is dropped."""
    text = path.read_text(encoding="utf-8", errors="replace")
    rows = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1], newline="")))
    if not rows:
        return [STEP], []
    if rows[0][0] != STEP or not all(row and row[0].isdecimal() and len(row) == len(rows[0]) for row in rows[1:]):
        raise TrainingError(
            f"{path} is not the log of a run: expected the column '{STEP}' first and rows of {len(rows[0])} cells that "
            "begin with a whole number. Move the file away to go on with a new one."
        )
    return rows[0], rows[1:]


def _cannot_write(path: Path, error: OSError) -> TrainingError:
    return TrainingError(
        f"The log {path} cannot be written: {error.strerror or error}. Make room or the folder writable, then go on "
        "with --resume auto."
    )


class RunLog:
    """Everything that logs a run: `log.csv` in its folder, and TensorBoard's files in `folder/tensorboard`.

    Args:
        folder: of the run; None writes nothing (processes other than the main one).
        resumed_step: the last step a resumed run has done; later rows are cut, and hidden in TensorBoard.
        tensorboard: False writes the CSV file only.

    Raises `TrainingError` when the folder cannot be written.
    """

    def __init__(self, folder: Path | None, resumed_step: int | None = None, *, tensorboard: bool = True) -> None:
        self.csv = None if folder is None else CsvLog(folder / "log.csv", resumed_step)
        self.board: Any = None
        if folder is not None and tensorboard:
            purge_step = None if resumed_step is None else resumed_step + 1
            try:
                self.board = SummaryWriter(str(folder / "tensorboard"), purge_step=purge_step)
            except OSError as error:
                raise _cannot_write(folder / "tensorboard", error) from error

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Reports `values` (name -> number; `group/name` groups curves in TensorBoard) for `step`."""
        numbers = {name: float(value) for name, value in values.items()}
        if self.csv is not None:
            self.csv.write(step, numbers)
        self.curves(step, numbers)

    def curves(self, step: int, values: Mapping[str, float]) -> None:
        """The same for TensorBoard alone: what is too much for a table."""
        if self.board is not None:
            for name, value in values.items():
                self.board.add_scalar(name, value, step)

    def close(self) -> None:
        """Writes out what is buffered. The log is of no use afterwards."""
        if self.csv is not None:
            self.csv.close()
        if self.board is not None:
            self.board.close()

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
