"""Result files into arrays: boxes of a one-pass run, VOT runs with restarts, long-term runs with confidences."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import ResultError
from toolkit.protocols.vot import CODES, FAILED, NOT_RUN, REGION, STARTED
from toolkit.regions import box_corners
from toolkit.regions.boxes import bounding_boxes
from toolkit.results.box_forms import BOX_FORMS, is_near, read_decimal_commas
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
        boxes: (N,) bool, True where the file holds a rectangle of four numbers.
        warnings: what was cut or padded, in words.
        odd: the first line that is not there or that no run with restarts holds there, file and number; else empty.
    """

    codes: NDArray[np.int64]
    polygons: NDArray[np.float64]
    boxes: NDArray[np.bool_]
    warnings: tuple[str, ...] = ()
    odd: str = ""


@dataclass(frozen=True)
class LongtermRun(VotRun):
    """One long-term run: as `VotRun`, and `scores` (N,) confidences, NaN where the tracker gave none."""

    scores: NDArray[np.float64] = field(kw_only=True)


def read_boxes(
    files: TrackerFiles,
    sequence: str,
    n_frames: int,
    *,
    form: str = "xywh",
    given_xywh: NDArray[np.float64] | None = None,
    skipped: int = 0,
) -> BoxRuns:
    """Reads the boxes of every repetition of `sequence`, fitted to its `n_frames` frames.

    Accepts text with any separators (four numbers of `form`, see `BOX_FORMS`, or eight of a polygon per line) and the
    JSON of the original OTB toolkit. `given_xywh` is the box that the tracker was started with: what a file of too many
    lines is aligned by. `skipped` is how many images of the video lie before the sequence's first. Raises `ResultError`
    naming the file when there is none, or it is empty, not parseable or of other images.
    """
    runs: list[NDArray[np.float64]] = []
    warnings: list[str] = []
    for path in find_results(files, sequence):
        where = files.where(path)
        rows = _read_rows(files, path, form, given_xywh)
        start = 0 if given_xywh is None else _first_line(rows, n_frames, where, given_xywh, skipped)
        if start:
            warnings.append(
                f"{where}: {len(rows)} lines; '{sequence}' begins with image {start + 1}, so that lines {start + 1} to "
                f"{start + n_frames} count."
            )
            rows = rows[start : start + n_frames]
        fitted, warning = fit_rows(rows, n_frames, where, sequence)
        if len(rows) < n_frames and given_xywh is not None and not _is_given(rows[0], given_xywh):
            doubt = "Line 1 is not the given box: put it before, if the first frame is what is missing."
            warning = (f"{warning[0]} {doubt}",)
        runs.append(fitted)
        warnings.extend((*warning, *_doubtful_rows(rows[:n_frames], where)))
    return BoxRuns(tuple(runs), tuple(warnings))


def _read_rows(
    files: TrackerFiles, path: str, form: str, given_xywh: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """`read_box_file`, or numbers with decimal commas where these begin with the given box and the others do not."""
    if given_xywh is None:
        return read_box_file(files, path, form)
    rows, fault = None, None
    try:
        rows = read_box_file(files, path, form)
    except ResultError as error:
        fault = error
    if rows is None or not is_near(rows[:1], given_xywh[None])[0]:
        decimals = read_decimal_commas(files.read(path), files.where(path), given_xywh)
        rows = rows if decimals is None else decimals
    if rows is None:
        raise fault or ResultError(files.where(path))
    return rows


def _first_line(
    rows: NDArray[np.float64], n_frames: int, where: str, given_xywh: NDArray[np.float64], skipped: int
) -> int:
    """Index of the row of a sequence's first frame: `skipped` where the whole video was tracked, else 0."""
    if len(rows) <= n_frames:
        return 0
    holds_all = 0 < skipped <= len(rows) - n_frames
    if holds_all and (len(rows) == skipped + n_frames or not _is_given(rows[0], given_xywh)):
        return skipped
    if is_near(rows[:1], given_xywh[None])[0]:
        return 0
    raise ResultError(
        f"{where}: {len(rows)} lines for {n_frames} frames, and line 1 is not the box given on the first of them: "
        "nothing says which lines count. Cut the file to these frames, or choose the form of its boxes (--boxes)."
    )


def _is_given(box_xywh: NDArray[np.float64], given_xywh: NDArray[np.float64]) -> bool:
    """Whether a box is the given one but for rounding, or counting from 1."""
    return bool((np.abs(box_xywh - given_xywh) <= 1.5).all() or np.isnan(given_xywh).any())


def read_box_file(files: TrackerFiles, path: str, form: str = "xywh") -> NDArray[np.float64]:
    """(M, 4) xywh boxes of one file, as many as it holds; rows of four numbers are of `form`, a key of `BOX_FORMS`.

    Raises `ResultError` naming the file.
    """
    where = files.where(path)
    if path.lower().endswith(".json"):
        return BOX_FORMS[form](_parse_json(files.read(path), where))
    table = files.numbers(path)
    widths = table.widths()
    _require_rows(widths, where)
    width = int(widths[-1])
    if width in (4, 8) and (widths == width).all():
        rows = table.values.reshape(-1, width)
        return BOX_FORMS[form](rows) if width == 4 else bounding_boxes(rows)
    bad = int(np.argmax((widths != 4) & (widths != 8)))
    if widths[bad] in (4, 8):
        raise ResultError(f"{where}: lines of 4 and of 8 numbers are mixed; expected {form} on every line.")
    if widths[bad] == 1 and table.values[table.row_ends[bad] - 1] in CODES:
        raise ResultError(
            f"{where}: line {bad + 1} is a code of VOT's: this is a run with restarts; expected one box per frame. "
            "Score it with --protocol supervised."
        )
    raise ResultError(f"{where}: line {bad + 1} holds {widths[bad]} numbers; expected a box of four on every line.")


def read_vot(files: TrackerFiles, sequence: str, n_frames: int, experiment: str = "baseline") -> tuple[VotRun, ...]:
    """Reads every repetition of `sequence` in VOT's form: a code, a rectangle or a polygon of four points per line.

    A rectangle becomes the polygon (x,y), (x+w,y), (x+w,y+h), (x,y+h). Raises `ResultError`.
    """
    runs = []
    for path in find_results(files, sequence, experiment):
        where = files.where(path)
        table = files.numbers(path)
        codes, polygons = _vot_rows(table, where)
        rows = np.column_stack([codes, table.widths() == 4, polygons])
        fitted, warning = fit_rows(rows, n_frames, where, sequence)
        fitted_codes = np.where(np.isnan(fitted[:, 0]), NOT_RUN, fitted[:, 0]).astype(np.int64)
        lost = np.flatnonzero((codes == REGION) & ~np.isfinite(polygons).all(axis=1))
        if len(lost):
            first = f"first line {lost[0] + 1}"
            warning += (f"{where}: {len(lost)} regions are not finite, {first}; they have no overlap.",)
        odd = _odd_line(codes[:n_frames])
        if odd is None and len(codes) < n_frames:
            odd = len(codes)
        line = "" if odd is None else f"{where}, line {odd + 1}"
        runs.append(VotRun(fitted_codes, np.ascontiguousarray(fitted[:, 2:]), fitted[:, 1] == 1, warning, line))
    return tuple(runs)


def read_longterm(files: TrackerFiles, sequence: str, n_frames: int) -> LongtermRun:
    """Reads the first repetition of a long-term run and its confidence file. Raises `ResultError` naming the file."""
    run = read_vot(files, sequence, n_frames, "longterm")[0]
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
    return LongtermRun(run.codes, run.polygons, run.boxes, (*run.warnings, *warning), scores=fitted[:, 0])


def find_results(files: TrackerFiles, sequence: str, experiment: str = "") -> list[str]:
    """Paths of the repetitions of `sequence`; `MissingResultError`, saying what there is, when there is none."""
    places = (experiment,) if experiment else ("", "unsupervised", "baseline")  # VOT's runs may be of one pass too
    paths = next(filter(None, (files.find_any(sequence, place) for place in places)), None)
    if not paths:
        place = f"{experiment}/{sequence}/{sequence}_001.txt" if experiment else f"{sequence}.txt"
        raise MissingResultError(f"{files.location}: no results for '{sequence}' ({place}). {files.summary()}")
    return paths


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
    """The original OTB toolkit's JSON, one run whose `res` holds x,y,w,h rows (`resType` "rect"), or the rows alone."""
    try:
        content = json.loads(data)
        if content and isinstance(content, list) and isinstance(content[0], list):
            content = {"res": content}
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


def _odd_line(codes: NDArray[np.int64]) -> int | None:
    """Index of the first row that a run with restarts does not hold there; None when it is such a run.

    It begins with a start; a failure follows a start or a region, frames not run a failure, a start these.
    """
    tracked = np.isin(codes, (STARTED, REGION))
    before = np.concatenate([[NOT_RUN], codes[:-1]])
    on_its_way = np.concatenate([[False], tracked[:-1]])
    allowed = np.where(codes == STARTED, before == NOT_RUN, on_its_way)
    allowed[codes == NOT_RUN] = np.isin(before, (FAILED, NOT_RUN))[codes == NOT_RUN]
    allowed[0] = codes[0] == STARTED
    odd = np.flatnonzero(~allowed)
    return int(odd[0]) if len(odd) else None


def _require_rows(rows: NDArray, where: str) -> None:
    if len(rows) == 0:
        raise ResultError(f"{where}: the file is empty. Delete it and run this sequence again.")
