"""Result files packed as evaluation servers want them (docs/evaluation.md, Submission files).

============  ==========================================================================================
GOT-10k       `video/video_001.txt` (x,y,w,h with three decimals) for every repetition, and `video/video_time.txt`
              (seconds with eight decimals, one column per repetition)
TrackingNet   `video.txt` (x,y,w,h with three decimals), no folders
============  ==========================================================================================

One line per frame, the first one included. The same results give the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.catalog import require_row
from toolkit.datasets.sequence import Benchmark
from toolkit.errors import ResultError, abbreviate
from toolkit.results.index import stored_sequences
from toolkit.results.layout import TrackerFiles
from toolkit.results.reader import read_box_file
from toolkit.results.writer import RUN_FOLDER, write_files

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first date a zip can hold


@dataclass(frozen=True)
class Server:
    """What an evaluation server accepts.

    Attributes:
        benchmark: canonical name of the test set.
        count: how many sequences it has; a server refuses a submission that lacks one.
        pack: the files of one sequence, name in the zip -> text.
    """

    benchmark: str
    count: int
    pack: Callable[[TrackerFiles, str, int | None], dict[str, str]]


def make_submission(server: str, files: TrackerFiles, benchmark: Benchmark | None = None) -> dict[str, str]:
    """Every file of a submission, name in the zip -> text.

    Args:
        server: `got10k` or `trackingnet`.
        files: one tracker's results on the server's test set.
        benchmark: the test set with its frames; with it, files must have a line per frame.

    Raises:
        ResultError: one message that names the sequences without results, or the first files with a wrong length, a
            number that is not finite, or without times.
    """
    wanted = find_server(server)
    lengths: dict[str, int | None] = dict.fromkeys(_names(wanted, files, benchmark))
    if benchmark is not None:
        lengths |= {one.name: None if one.frames is None else len(one) for one in benchmark}
    contents: dict[str, str] = {}
    missing: list[str] = []
    faults: list[str] = []
    for name, length in sorted(lengths.items()):
        try:
            if not files.find_any(name):
                missing.append(name)
                continue
            contents |= wanted.pack(files, name, length)
        except ResultError as error:
            faults.append(str(error))
    if missing or len(lengths) != wanted.count:
        listed = f" Missing: {abbreviate(missing)}." if missing else ""
        found = len(lengths) - len(missing)
        raise ResultError(
            f"{files.location}: results for {found} sequences, but {wanted.benchmark} has {wanted.count} and the "
            f"server wants exactly these.{listed} {'Run the tracker on all of them.' if found else files.summary()}"
        )
    if faults:
        raise ResultError(abbreviate(faults, "\n  ") + "\nNothing was written.")
    return contents


def write_zip(path: Path, contents: Mapping[str, str]) -> None:
    """Writes `contents` as a zip whose bytes depend on nothing else. Raises `ResultError` when the disk refuses."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix on every machine, so that the permissions below mean the same
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text)
    write_files({path: buffer.getvalue()})


def find_server(name: str) -> Server:
    """The server called `name`. Raises `ResultError` listing the known ones."""
    if name not in SERVERS:
        raise ResultError(f"Unknown server '{name}'. Use one of: {', '.join(SERVERS)}.")
    return SERVERS[name]


def _pack_got10k(files: TrackerFiles, name: str, length: int | None) -> dict[str, str]:
    paths = files.find_any(name)
    runs = [_read_boxes(files, paths[0], length)]
    runs += [_read_boxes(files, path, len(runs[0])) for path in paths[1:]]
    seconds = _read_seconds(files, name, len(runs[0]), len(runs))
    contents = {f"{name}/{name}_{k:03d}.txt": _format(run, 3) for k, run in enumerate(runs, start=1)}
    return {**contents, f"{name}/{name}_time.txt": _format(seconds, 8)}


def _pack_trackingnet(files: TrackerFiles, name: str, length: int | None) -> dict[str, str]:
    return {f"{name}.txt": _format(_read_boxes(files, files.find_any(name)[0], length), 3)}


SERVERS: Mapping[str, Server] = {
    "got10k": Server("GOT-10k-test", 180, _pack_got10k),
    "trackingnet": Server("TrackingNet", 511, _pack_trackingnet),
}


def _names(server: Server, files: TrackerFiles, benchmark: Benchmark | None) -> AbstractSequence[str]:
    """The test set's sequences; where neither catalog nor benchmark lists them, those the results are for."""
    listed = require_row(server.benchmark).names
    if listed is not None:
        return listed
    if benchmark is not None:
        return benchmark.names()
    return stored_sequences(files.names)


def _read_boxes(files: TrackerFiles, path: str, length: int | None) -> NDArray[np.float64]:
    boxes = read_box_file(files, path)
    if length is not None and len(boxes) != length:
        raise ResultError(f"{files.where(path)}: {len(boxes)} lines for {length} frames. Run this sequence again.")
    return _finite(boxes, files.where(path))


def _read_seconds(files: TrackerFiles, name: str, length: int, repetitions: int) -> NDArray[np.float64]:
    """(length, repetitions) times, from beside the results or from the run's own folder."""
    ours = (path for path in files.names if f"/{path}".endswith(f"/{RUN_FOLDER}/times/{name}.txt"))
    path = next(iter((*files.find(f"{name}_time"), *ours)), None)
    if path is None:
        folder = files.find_any(name)[0].rpartition("/")[0]
        raise ResultError(
            f"{files.where(f'{folder}/{name}_time.txt'.lstrip('/'))}: the time file is missing; expected a line of "
            "seconds per frame. Run this sequence again."
        )
    table = files.numbers(path)
    if len(table.row_ends) != length or (table.widths() != repetitions).any():
        columns = "/".join(map(str, np.unique(table.widths())))
        raise ResultError(
            f"{files.where(path)}: {len(table.row_ends)} lines of {columns} times; expected {length} lines of "
            f"{repetitions}, one per frame and repetition. Run this sequence again."
        )
    return _finite(table.values.reshape(length, repetitions), files.where(path))


def _finite(values: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any():
        raise ResultError(f"{where}: line {int(np.argmax(bad)) + 1} is not finite. Run this sequence again.")
    return values


def _format(values: NDArray[np.float64], decimals: int) -> str:
    return "".join(",".join(f"{value:.{decimals}f}" for value in row) + "\n" for row in values.tolist())
