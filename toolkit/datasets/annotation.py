"""Annotation files: one row of numbers, or one region in VOT's text form, per frame."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import DatasetError, RegionError
from toolkit.regions import Mask, Polygon, bounding_box, parse_region
from toolkit.regions.text import MAX_MASK_PIXELS
from toolkit.utils.numbers import NotANumberError, parse_numbers

VOT_TAGS = ("camera_motion", "illum_change", "motion_change", "size_change", "occlusion")
"""Per-frame attributes of the VOT short-term challenges."""
EMPTY_MASK = Mask(np.zeros((0, 0), dtype=np.bool_))
_MASK_ROW = re.compile(rb"^\s*m", re.MULTILINE)


@dataclass(frozen=True)
class TextFile:
    """An annotation text, wherever it lies: `where` is what messages call it, `read` gives its bytes."""

    where: str
    read: Callable[[], bytes]

    @classmethod
    def at(cls, path: Path) -> TextFile:
        """The file at `path`; it is opened by `read`, which raises `DatasetError` when that fails."""

        def read() -> bytes:
            try:
                return path.read_bytes()
            except OSError as error:
                raise DatasetError(f"{path}: cannot read this annotation file ({error.strerror}).") from error

        return cls(str(path), read)


@dataclass(frozen=True)
class GroundTruth:
    """(N, 4) boxes or (N, 8) polygons, float64 pixels, NaN rows where the target is absent; masks when annotated."""

    boxes: NDArray[np.float64]
    masks: tuple[Mask, ...] | None = None


def read_table(text: TextFile) -> NDArray[np.float64]:
    """(N, K) numbers, separated by any mix of comma, semicolon, tab and blank; `nan` is a number.

    Raises `DatasetError` naming file and line: no rows, a row of another width, or a token that is not a number.
    """
    try:
        numbers = parse_numbers(text.read(), text.where)
    except NotANumberError as error:
        raise DatasetError(
            f"{text.where}:{error.line}: '{error.token}' is not a number; one frame per row as x,y,w,h expected."
        ) from error
    widths = numbers.widths()
    if not len(widths):
        raise DatasetError(f"{text.where}: the annotation is empty. Restore the file, or remove the sequence.")
    expected = int(widths.max())
    odd = np.flatnonzero(widths != expected)
    if len(odd):
        raise DatasetError(
            f"{text.where}:{odd[0] + 1}: {widths[odd[0]]} numbers in this row, {expected} in the others. "
            "Write one row per frame, and `nan` in every column where the target is absent."
        )
    return numbers.values.reshape(len(widths), expected)


def read_ground_truth(text: TextFile) -> GroundTruth:
    """Boxes, polygons or masks, one per row.

    A file with at least one mask (`m...`, VOT2020 and later) is read as masks throughout; its boxes are the masks'
    tight bounds. Raises `DatasetError` naming file and line.
    """
    data = text.read()
    if _MASK_ROW.search(data):
        masks = tuple(_read_masks(data, text.where))
        return GroundTruth(np.array([bounding_box(mask) for mask in masks]), masks)
    return GroundTruth(check_width(read_table(TextFile(text.where, lambda: data)), f"{text.where}:1"))


def check_width(table: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    """`table` itself when it is (N, 4) or (N, 8); else `DatasetError`."""
    if table.shape[1] not in (4, 8):
        raise DatasetError(
            f"{where}: {table.shape[1]} numbers per row; expected a box x,y,w,h or a polygon x1,y1,...,x4,y4."
        )
    return table


def are_corners(table: NDArray[np.float64], *, likely: bool, certain: bool = False) -> bool:
    """Whether (N, 4) rows are x1, y1, x2, y2 rather than x, y, w, h.

    Corners never have a negative size; 571 of 573 sequences of OTB100, DTB70, UAV123 and LaSOT would have one if they
    were read so. Where that leaves both, and nothing makes corners `certain`, corners are rows whose sizes change less
    from row to row than their third and fourth number do, which is true of none of these; `likely` decides ties.
    """
    sizes = table[:, 2:] - table[:, :2]
    if (sizes < 0).any():
        return False
    change, other = (float(np.nansum(np.abs(np.diff(part, axis=0)))) for part in (sizes, table[:, 2:]))
    return certain or change < other or (likely and change == other)


def read_flags(text: TextFile, count: int | None = None) -> NDArray[np.bool_]:
    """(N,) bool, True where the file holds a number other than 0: one per row, or all in one row.

    With `count`, raises `DatasetError` when the file has another number of flags.
    """
    values = read_values(text)
    if count is not None and len(values) != count:
        raise DatasetError(f"{text.where}: {len(values)} flags for {count} annotated frames; one per frame expected.")
    return values != 0


def fit_tag(flags: NDArray[np.bool_], rows: int) -> NDArray[np.bool_]:
    """(rows,) bool: frames after the last flag do not carry the tag, surplus flags are dropped, as VOT does."""
    return np.concatenate([flags[:rows], np.zeros(max(rows - len(flags), 0), dtype=np.bool_)])


def read_values(text: TextFile) -> NDArray[np.float64]:
    """(N,) numbers of a file that holds one per frame, in rows or in one row."""
    return read_table(text).ravel()


def _read_masks(data: bytes, where: str) -> Iterator[Mask]:
    """VOT writes a rectangle for a full box, and a code or NaN for an absent target, in files of masks."""
    for number, line in enumerate(data.decode("utf-8-sig", "replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            region = parse_region(line)
        except RegionError as error:
            raise DatasetError(f"{where}:{number}: {error}") from error
        if isinstance(region, Polygon):
            raise DatasetError(
                f"{where}:{number}: a polygon in a file of masks; write every row as m<x>,<y>,<width>,<height>,<runs>."
            )
        x, y, width, height = bounding_box(region)
        if isinstance(region, Mask):
            yield region
        elif np.isnan([x, y, width, height]).any():
            yield EMPTY_MASK
        elif 0 <= width * height <= MAX_MASK_PIXELS and max(abs(x), abs(y)) < MAX_MASK_PIXELS:
            yield Mask(np.ones((round(height), round(width)), dtype=np.bool_), round(x), round(y))
        else:
            raise DatasetError(
                f"{where}:{number}: the box {x:g},{y:g},{width:g},{height:g} in a file of masks is no part of an image."
            )
