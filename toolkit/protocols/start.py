"""The box a tracker is given at the start, from the annotation of that frame."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from toolkit.datasets.sequence import Sequence
from toolkit.errors import ProtocolError
from toolkit.regions import initial_box

Box: TypeAlias = tuple[float, float, float, float]
"""x, y, w, h in 0-based float pixels."""


def start_box(sequence: Sequence, index: int) -> Box:
    """The annotated target of frame `index` as a box x, y, w, h in pixels of the image (0-based).

    Four numbers are taken as they are: by way of VOT's corner polygon (x, y) ... (x+w-1, y+h-1) the result is the same
    box. Eight numbers become the axis-aligned box that keeps the polygon's center and area
    (docs/evaluation.md, With restarts).

    Raises `ProtocolError` when the frame has no annotation or the target is absent (NaN, or without area).
    """
    truth = sequence.ground_truth
    if index >= len(truth):
        raise ProtocolError(f"only {len(truth)} frame(s) are annotated. Start at an annotated frame.")
    row = truth[index]
    box = initial_box(row) if row.size == 8 else row
    if not np.isfinite(box).all() or box[2] <= 0 or box[3] <= 0:
        raise ProtocolError(f"the annotation is {row.tolist()}: the target is absent. Start where it is visible.")
    return float(box[0]), float(box[1]), float(box[2]), float(box[3])
