"""Result files into arrays: boxes of a one-pass run, VOT runs with restarts, long-term runs with confidences."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import ResultError
from toolkit.protocols.vot import CODES, NOT_RUN, REGION, STARTED
from toolkit.regions import box_corners
from toolkit.regions.boxes import bounding_boxes
from toolkit.results.layout import TrackerFiles
from toolkit.utils.numbers import NumberTable


class MissingResultError(ResultError):
    """A tracker has no file for a sequence."""


@dataclass(frozen=True)
class BoxRuns:
    """What a tracker answered on one sequence, once per repetition.

    Attributes:
        runs: per repetition (N, 4) float64 xywh boxes in pixels; NaN where the file ends early.
        warnings: what was cut or padded, in words.
    """

    runs: tuple[NDArray[np.float64], ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class VotRun:
    """One repetition of one sequence in VOT's text form.

    Attributes:
        codes: (N,) int64, see `toolkit.protocols.vot`: `REGION`, `NOT_RUN`, `STARTED` or `FAILED`.
        polygons: (N, 8) float64 corner points x1, y1, ..., x4, y4; NaN where there is a code.
        warnings: what was cut or padded, in words.
    """

    codes: NDArray[np.int64]
    polygons: NDArray[np.float64]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class LongtermRun(VotRun):
    """One long-term run: as `VotRun`, and `scores` (N,) confidences, NaN where the tracker gave none."""

    scores: NDArray[np.float64] = field(kw_only=True)


def read_boxes(files: TrackerFiles, sequence: str, n_frames: int) -> BoxRuns:
    """Reads the boxes of every repetition of `sequence`, fitted to its `n_frames` frames.

    Accepts text with any separators (x,y,w,h or eight polygon numbers per line) and the JSON of the original OTB
    toolkit. Raises `ResultError` naming the file when there is none, or it is empty or not parseable.
    """
    paths = find_results(files, sequence)
    runs: list[NDArray[np.float64]] = []
    warnings: list[str] = []
    for path in paths:
        rows, where = read_box_file(files, path), files.where(path)
        fitted, warning = fit_rows(rows, n_frames, where, sequence)
        runs.append(fitted)
        warnings.extend((*warning, *_doubtful_rows(rows[:n_frames], where)))
    return BoxRuns(tuple(runs), tuple(warnings))


def read_box_file(files: TrackerFiles, path: str) -> NDArray[np.float64]:
    """(M, 4) xywh boxes of one file, as many as it holds. Raises `ResultError` naming it."""
    where = files.where(path)
    if path.lower().endswith(".json"):
        return _parse_json(files.read(path), where)
    table = files.numbers(path)
    widths = table.widths()
    _require_rows(widths, where)
    width = int(widths[-1])
    if width in (4, 8) and (widths == width).all():
        return bounding_boxes(table.values.reshape(-1, width))
    bad = int(np.argmax((widths != 4) & (widths != 8)))
    if widths[bad] in (4, 8):
        raise ResultError(f"{where}: lines of 4 and of 8 numbers are mixed; expected x,y,w,h on every line.")
    raise ResultError(
        f"{where}: line {bad + 1} holds {widths[bad]} numbers; expected x,y,w,h. Run this sequence again."
    )


def read_vot(
    files: TrackerFiles, sequence: str, n_frames: int, experiment: str = "baseline", restarts: bool = True
) -> tuple[VotRun, ...]:
    """Reads every repetition of `sequence` in VOT's form: a code, a rectangle or a polygon of four points per line.

    A rectangle becomes the polygon (x,y), (x+w,y), (x+w,y+h), (x,y+h). With `restarts`, the warnings also say what no
    run with restarts writes. Raises `ResultError`.
    """
    runs = []
    for path in find_results(files, sequence, experiment):
        where = files.where(path)
        codes, polygons = _vot_rows(files.numbers(path), where)
        fitted, warning = fit_rows(np.column_stack([codes, polygons]), n_frames, where, sequence)
        fitted_codes = np.where(np.isnan(fitted[:, 0]), NOT_RUN, fitted[:, 0]).astype(np.int64)
        if restarts:
            warning += _restart_doubts(codes, polygons, where)
        runs.append(VotRun(fitted_codes, np.ascontiguousarray(fitted[:, 1:]), warning))
    return tuple(runs)


def read_longterm(files: TrackerFiles, sequence: str, n_frames: int) -> LongtermRun:
    """Reads the first repetition of a long-term run and its confidence file. Raises `ResultError` naming the file."""
    run = read_vot(files, sequence, n_frames, "longterm", restarts=False)[0]
    path = find_results(files, sequence, "longterm")[0]
    base = path.rsplit(".", 1)[0]
    candidates = [f"{base}_confidence.value", f"{base}_001_confidence.value"]
    value_path = next((candidate for candidate in candidates if candidate in files.names), None)
    if value_path is None:
        raise ResultError(
            f"{files.where(candidates[0])}: the confidence file is missing; long-term scores need one confidence per "
            "frame, the first line blank. Run the tracker with the long-term protocol."
        )
    where, table = files.where(value_path), files.numbers(value_path)
    widths = table.widths()
    if (widths > 1).any():
        raise ResultError(f"{where}: line {int(np.argmax(widths > 1)) + 1} holds more than one number; expected one.")
    scores = np.full(len(widths), np.nan)
    scores[widths == 1] = table.values
    fitted, warning = fit_rows(scores[:, None], n_frames, where, sequence)
    return LongtermRun(run.codes, run.polygons, (*run.warnings, *warning), scores=fitted[:, 0])


def find_results(files: TrackerFiles, sequence: str, experiment: str = "") -> list[str]:
    """Paths of the repetitions of `sequence`; raises `MissingResultError` when there is none."""
    for ending in (".txt", ".json"):
        paths = files.find(sequence, experiment, ending)
        if paths:
            return paths
    place = f"{experiment}/{sequence}/{sequence}_001.txt" if experiment else f"{sequence}.txt"
    raise MissingResultError(f"{files.where(place)}: no results for sequence '{sequence}'. Run the tracker on it.")


def fit_rows(
    rows: NDArray[np.float64], n_frames: int, where: str, sequence: str
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Cuts (M, K) `rows` to `n_frames`, or pads them with NaN; says so in the second value.

    A row of NaN is never a hit. Raises `ResultError` when the file has no rows.
    """
    _require_rows(rows, where)
    if len(rows) == n_frames:
        return rows, ()
    fitted = np.full((n_frames, rows.shape[1]), np.nan)
    fitted[: len(rows)] = rows[:n_frames]
    what = "the rest was cut" if len(rows) > n_frames else "the missing frames count as not tracked"
    return fitted, (f"{where}: {len(rows)} lines for {n_frames} frames of '{sequence}'; {what}.",)


def _doubtful_rows(boxes_xywh: NDArray[np.float64], where: str) -> tuple[str, ...]:
    """Says which rows no target can be in: NaN, infinite, or of negative size."""
    doubtful = np.flatnonzero(~(np.isfinite(boxes_xywh).all(axis=1) & (boxes_xywh[:, 2:] >= 0).all(axis=1)))
    if not len(doubtful):
        return ()
    return (
        f"{where}: {len(doubtful)} of {len(boxes_xywh)} lines are NaN, infinite or of negative size, first line "
        f"{doubtful[0] + 1}; they overlap with nothing. Run this sequence again, or see --rules lasot.",
    )


def _parse_json(data: bytes, where: str) -> NDArray[np.float64]:
    """The original OTB toolkit's JSON: a list with one run whose `res` holds x,y,w,h rows (`resType` "rect")."""
    try:
        content = json.loads(data)
        runs = content if isinstance(content, list) else [content]
        kind = str(runs[0].get("resType", "rect"))
        rows = np.array(runs[0]["res"], dtype=np.float64)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise ResultError(
            f"{where}: not a result in OTB's JSON form ({error!r}). Export it again, or as text."
        ) from None
    if kind != "rect" or len(runs) != 1 or rows.ndim != 2 or rows.shape[1] != 4:
        raise ResultError(
            f"{where}: holds {len(runs)} run(s) of type '{kind}' and shape {rows.shape}; expected one run of type "
            "'rect' with x,y,w,h rows. Export the one-pass evaluation as rectangles."
        )
    return rows


def _vot_rows(table: NumberTable, where: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    widths = table.widths()
    wrong = ~np.isin(widths, (1, 4, 8))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ResultError(
            f"{where}: line {row + 1} holds {widths[row]} numbers; expected a code, a rectangle (4) or a polygon (8)."
        )
    starts = table.row_ends - widths
    codes = np.full(len(widths), REGION, dtype=np.int64)
    special = widths == 1
    values = table.values[starts[special]]
    unknown = ~np.isin(values, CODES)
    if unknown.any():
        row = int(np.flatnonzero(special)[unknown][0])
        raise ResultError(f"{where}: line {row + 1} holds an unknown code; expected 0, 1 or 2.")
    codes[special] = values.astype(np.int64)
    polygons = np.full((len(widths), 8), np.nan)
    for width in (4, 8):
        rows = np.flatnonzero(widths == width)
        numbers = table.values[starts[rows, None] + np.arange(width)]
        polygons[rows] = box_corners(numbers).reshape(-1, 8) if width == 4 else numbers
    return codes, polygons


def _restart_doubts(codes: NDArray[np.int64], polygons: NDArray[np.float64], where: str) -> tuple[str, ...]:
    """Says what no run with restarts writes: a first line other than the code 1, or a region that is not finite."""
    doubts = [] if codes[0] == STARTED else [f"{where}: line 1 is not the code {STARTED}; is this a run with restarts?"]
    lost = np.flatnonzero((codes == REGION) & ~np.isfinite(polygons).all(axis=1))
    if len(lost):
        doubts.append(f"{where}: {len(lost)} regions are not finite, first line {lost[0] + 1}; they have no overlap.")
    return tuple(doubts)


def _require_rows(rows: NDArray, where: str) -> None:
    if len(rows) == 0:
        raise ResultError(f"{where}: the file is empty. Delete it and run this sequence again.")
