"""Occluders: poles, trunks, walls and bushes, in the model frame of `objects.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from toolkit.synthetic.objects import Detail, ObjectModel, Part
from toolkit.synthetic.outline import Points, bounds, densify, ellipse, rounded, rounded_box
from toolkit.synthetic.texture import Color, Rng, contrasting, random_color

BARK = np.array([50, 75, 100], np.float32)
LEAF = np.array([45, 110, 60], np.float32)


@dataclass(frozen=True)
class Occluder:
    """A kind of thing to pass behind.

    Attributes:
        make: draws one of exactly the given width and height in pixels, when drawn at size 1.
        share: width and height, in those of the target.
        drop: by how much its center lies below the target's, in target heights.
    """

    make: Callable[[Rng, float, float], ObjectModel]
    share: tuple[float, float]
    drop: float = 0.0


def make_occluder(rng: Rng, kind: str, width: float, height: float) -> ObjectModel:
    """An occluder `kind` (a key of `OCCLUDERS`) of exactly `width` x `height` pixels when drawn at size 1."""
    return OCCLUDERS[kind].make(rng, width, height)


def _solid(kind: str, rng: Rng, width: float, height: float) -> ObjectModel:
    base = {"pole": random_color(rng, (0.0, 0.4), (0.3, 0.7)), "trunk": BARK * rng.uniform(0.6, 1.3)}.get(
        kind, LEAF * rng.uniform(0.6, 1.4) if kind == "bush" else random_color(rng, (0.1, 0.5), (0.35, 0.8))
    )
    base = base.astype(np.float32)
    colors = (base, base * np.float32(rng.uniform(0.55, 0.8)), contrasting(rng, base))
    pattern = {"pole": "plain", "trunk": "mottled", "wall": "mottled", "bush": "mottled"}[kind]
    if kind == "trunk":
        jag = rng.uniform(-0.06, 0.06, 8)
        outline = rounded([(-0.44 + jag[0], -0.5), (0.44 + jag[1], -0.5), (0.44 + jag[2], 0.5), (-0.44 + jag[3], 0.5)])
    elif kind == "bush":
        ring = ellipse((0, 0), (0.5, 0.5), 40)
        outline = ring * (1 + 0.1 * rng.uniform(-1, 1, (40, 1)))
    else:
        outline = rounded_box(-0.5, -0.5, 0.5, 0.5, 0.04)
    relief = {"pole": 1.0, "trunk": 0.9, "wall": 0.2, "bush": 0.4}[kind]
    part = stretched(rng, outline, width, height, pattern, colors, relief)
    return ObjectModel(kind, (replace(part, details=_marks(rng, kind, width, height, base)),), upright=True)


def stretched(
    rng: Rng, outline: Points, width: float, height: float, pattern: str, colors: tuple[Color, ...], relief: float
) -> Part:
    """A part of the given outline, moved and stretched to `width` x `height` around the origin."""
    left, top, right, bottom = bounds([outline])
    stretch = np.array([width / (right - left), height / (bottom - top)])
    shift = np.array([(left + right) / 2, (top + bottom) / 2])
    fine = densify((outline - shift) * stretch, max(width, height) / 12)
    return Part(fine, pattern, colors, int(rng.integers(1 << 30)), relief=relief, grain=50.0)


def _marks(rng: Rng, kind: str, width: float, height: float, base: np.ndarray) -> tuple[Detail, ...]:
    if kind == "wall":
        rows = max(int(height / 11), 2)
        joints = [(-0.5 + (row + 0.5) / rows) * height for row in range(rows)]
        color = np.asarray(base * 0.65, np.float32)
        return tuple(Detail(rounded_box(-width / 2, y - 0.7, width / 2, y + 0.7), color) for y in joints)
    if kind == "bush":
        spots = rng.uniform(-0.4, 0.4, (24, 2)) * (width, height)
        shades = rng.uniform(0.5, 1.5, 24)
        leaf = 0.07 * min(width, height)
        return tuple(
            Detail(ellipse((float(x), float(y)), (leaf, 0.7 * leaf), 12), np.asarray(base * shade, np.float32))
            for (x, y), shade in zip(spots, shades, strict=True)
        )
    return ()


OCCLUDERS: dict[str, Occluder] = {
    "pole": Occluder(partial(_solid, "pole"), (0.5, 3.0)),
    "trunk": Occluder(partial(_solid, "trunk"), (0.8, 3.4)),
    "wall": Occluder(partial(_solid, "wall"), (1.0, 1.8), 0.3),
    "bush": Occluder(partial(_solid, "bush"), (1.2, 0.9), 0.25),
}
"""Kinds by name; those of held-out scenes are added by `toolkit.synthetic.held_out`."""
