"""Boxes that others write in another form than x,y,w,h, and what gives them away: line 1 is the given box."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import ResultError, abbreviate
from toolkit.regions.boxes import corners_to_boxes
from toolkit.utils.numbers import parse_numbers

Boxes = NDArray[np.float64]

BOX_FORMS: Mapping[str, Callable[[Boxes], Boxes]] = {
    "xywh": lambda rows: rows,
    "xyxy": corners_to_boxes,
    "cxcywh": lambda rows: np.concatenate([rows[:, :2] - rows[:, 2:] / 2, rows[:, 2:]], axis=1),
}
"""Name of a form -> (N, 4) rows of it to x, y, w, h."""

NEAR = 0.5
"""Overlap with the given box that rounding, and counting pixels from 1, leave; other forms are far below."""
_DECIMAL_COMMAS = re.compile(rb"\s*(-?\d+(,\d+)?[;,\t ]+){3}-?\d+(,\d+)?\s*")


def is_near(boxes_xywh: Boxes, given_xywh: Boxes) -> NDArray[np.bool_]:
    """(N,) whether box k overlaps the given box k by `NEAR` or more; True where the given one is unknown (NaN)."""
    corner = np.maximum(boxes_xywh[:, :2], given_xywh[:, :2])
    size = np.minimum(boxes_xywh[:, :2] + boxes_xywh[:, 2:], given_xywh[:, :2] + given_xywh[:, 2:]) - corner
    both = np.clip(size, 0, None).prod(axis=1)
    either = np.abs(boxes_xywh[:, 2:].prod(axis=1)) + given_xywh[:, 2:].prod(axis=1) - both
    return (both >= NEAR * either) | np.isnan(given_xywh).any(axis=1)


def read_decimal_commas(data: bytes, where: str, given_xywh: Boxes) -> Boxes | None:
    """(N, 4) rows of a text like `100,50;60,25;17,00;50,00`; None where it is no such text, or not near the given box.

    Four points of a polygon can look alike; the given box tells them apart.
    """
    if b"." in data or not _DECIMAL_COMMAS.fullmatch(data.split(b"\n", 1)[0]):
        return None
    try:
        table = parse_numbers(re.sub(rb"(\d),(\d+)", rb"\1.\2", data), where)
    except ResultError:
        return None
    if (table.widths() != 4).any():
        return None
    rows = table.values.reshape(-1, 4)
    return rows if is_near(rows[:1], given_xywh[None])[0] else None


def doubt_forms(
    names: Sequence[str], runs: Sequence[Boxes], given_xywh: Boxes, form: str, where: str
) -> tuple[str, ...]:
    """What there is to say of a tracker whose `runs`, (N, 4) boxes read as `form`, do not begin with the given boxes.

    A row of NaN is passed over: it is reported as such.
    """
    first, second = (np.stack([run[min(row, len(run) - 1)] for run in runs]) for row in (0, 1))
    far = ~is_near(first, given_xywh) & np.isfinite(first).all(axis=1)
    if not far.any():
        return ()
    rows, given = first[far], given_xywh[far]
    fitting = [name for name, convert in BOX_FORMS.items() if is_near(convert(rows), given).mean() > 0.5]
    if is_near(second[far], given).mean() > 0.5:
        hint = "line 2 is, so that only line 1 is written in another way"
    elif form == "xywh" and fitting:
        hint = f"they fit as {fitting[0]}, score them with --boxes {fitting[0]}"
    elif (np.abs(rows) <= 1.01).all():
        hint = "they are relative to the image, multiply them by its width and height"
    else:
        hint = f"are these boxes {form}, and the annotation of this benchmark? --boxes chooses another form"
    listed = abbreviate([name for name, is_far in zip(names, far, strict=True) if is_far])
    count = f"{far.sum()} of {len(far)} sequences"
    return (f"{where}: the first box of {count} is not near the given one ({listed}); {hint}.",)
