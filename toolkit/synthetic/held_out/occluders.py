"""What targets of held-out scenes pass behind: fences and columns of the test, crates of the validation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toolkit.synthetic.objects import Detail, ObjectModel
from toolkit.synthetic.occluders import OCCLUDERS, Occluder, stretched
from toolkit.synthetic.outline import rounded, rounded_box
from toolkit.synthetic.texture import Rng, contrasting, random_color


def _fence(rng: Rng, width: float, height: float) -> ObjectModel:
    """Pointed boards side by side, as one outline without gaps."""
    paint = random_color(rng, (0.0, 0.5), (0.4, 0.95))
    boards = int(rng.integers(3, 6))
    tops = [
        (x / boards - 0.5 + dx / boards, y) for x in range(boards) for dx, y in ((0, -0.42), (0.5, -0.5), (1, -0.42))
    ]
    outline = np.array([*tops, (0.5, 0.5), (-0.5, 0.5)])
    fence = stretched(rng, outline, width, height, "brushed", (paint, paint * 0.7), 0.2)
    joints = [
        Detail(
            rounded_box((x / boards - 0.5) * width - 1, -0.42 * height, (x / boards - 0.5) * width + 1, height / 2),
            paint * 0.4,
        )
        for x in range(1, boards)
    ]
    return ObjectModel("fence", (replace(fence, details=tuple(joints)),), upright=True)


def _column(rng: Rng, width: float, height: float) -> ObjectModel:
    stone = random_color(rng, (0.0, 0.25), (0.5, 0.9))
    side = [(0.5, -0.5), (0.5, -0.42), (0.32, -0.38), (0.38, 0.0), (0.32, 0.38), (0.5, 0.42), (0.5, 0.5)]
    outline = rounded([*side, *((-x, y) for x, y in reversed(side))], 0.1)
    column = stretched(rng, outline, width, height, "scales", (stone, stone * 0.75, stone * 0.6), 1.0)
    return ObjectModel("column", (column,), upright=True)


def _crate(rng: Rng, width: float, height: float) -> ObjectModel:
    wood = random_color(rng, (0.2, 0.5), (0.4, 0.8))
    crate = stretched(rng, rounded_box(-0.5, -0.5, 0.5, 0.5, 0.03), width, height, "hatched", (wood, wood * 0.8), 0.2)
    frame = contrasting(rng, wood)
    edges = [
        (-0.5, -0.5, 0.5, -0.4), (-0.5, 0.4, 0.5, 0.5), (-0.5, -0.5, -0.4, 0.5), (0.4, -0.5, 0.5, 0.5),
    ]  # fmt: skip
    planks = [Detail(rounded_box(a * width, b * height, c * width, d * height, 0.02), frame) for a, b, c, d in edges]
    return ObjectModel("crate", (replace(crate, details=tuple(planks)),), upright=True)


OCCLUDERS.update(
    fence=Occluder(_fence, (1.0, 1.6), 0.3),
    column=Occluder(_column, (0.8, 3.2)),
    crate=Occluder(_crate, (1.0, 1.5), 0.2),
)
