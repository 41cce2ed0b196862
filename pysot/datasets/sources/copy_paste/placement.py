"""Where the cut-outs of one made frame go: target, distractors beside it, an occluder over a part of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pysot.datasets.sources.copy_paste.layer import Layer

OVERHANG = 0.22  # of a side may lie outside the image: at least 0.78 ** 2 = 61 % of the box is inside
SMALLEST_BOX = 12
TRIES = 4


def fits(layer: Layer, shape: tuple[int, ...]) -> bool:
    """Whether an object can be put into an image of `shape` so that 60 % of its box is inside, no side too small."""
    sides = np.array(layer.extent_xywh[2:])
    room = np.array([shape[1], shape[0]])
    inside = sides - np.floor(OVERHANG * sides)
    return bool((inside >= SMALLEST_BOX).all() and (inside <= room).all())


def place_target(
    layer: Layer, shape: tuple[int, ...], rng: np.random.Generator, center_xy: NDArray[np.float64] | None = None
) -> Layer:
    """Puts the target about `center_xy` (anywhere when None), moved back until at least 60 % of its box is inside."""
    sides = np.array(layer.extent_xywh[2:])
    room = np.array([shape[1], shape[0]])
    overhang = np.floor(OVERHANG * sides) if center_xy is not None or rng.random() < 0.15 else np.zeros(2)
    low, high = -overhang, room - sides + overhang
    low, high = np.minimum(low, high), np.maximum(low, high)
    corner = rng.uniform(low, high) if center_xy is None else (center_xy - sides / 2).clip(low, high)
    return layer.at(*corner.round().astype(int).tolist())


def place_beside(layer: Layer, target: Layer, rng: np.random.Generator) -> Layer | None:
    """Puts a distractor near the target so that its box does not hold the target's center and overlaps it little.

    None when no place was found within a few draws.
    """
    start, target_sides = np.split(np.array(target.box_xywh), 2)
    center, sides = start + target_sides / 2, np.array(layer.extent_xywh[2:])
    for _ in range(TRIES):
        angle = rng.uniform(0, 2 * np.pi)
        away = rng.uniform(0.8, 2.2) * (sides + target_sides) / 2 * (np.cos(angle), np.sin(angle))
        corner = (center + away - sides / 2).round().astype(int)
        overlap = np.minimum(corner + sides, start + target_sides) - np.maximum(corner, start)
        apart = bool((np.abs(center - corner - sides / 2) > sides / 2 + 1).any())
        if apart and overlap.clip(min=0).prod() < 0.35 * target_sides.prod():
            return layer.at(*corner.tolist())
    return None


def place_over(
    layer: Layer, target: Layer, shape: tuple[int, ...], rng: np.random.Generator, most: float
) -> Layer | None:
    """Puts an occluder over the rim of the target, at most `most` (0..1) of whose pixels it hides.

    None when it hides more, or nothing, at every one of a few draws, each farther out than the one before.
    """
    start, target_sides = np.split(np.array(target.box_xywh), 2)
    center, sides = start + target_sides / 2, np.array(layer.extent_xywh[2:])
    angle = rng.uniform(0, 2 * np.pi)
    direction = np.array([np.cos(angle), np.sin(angle)]) / max(abs(np.cos(angle)), abs(np.sin(angle)))
    for attempt in range(TRIES):
        away = rng.uniform(0.35 + 0.15 * attempt, 0.6 + 0.15 * attempt) * (sides + target_sides) / 2 * direction
        placed = layer.at(*(center + away - sides / 2).round().astype(int).tolist())
        if 0 < placed.covers(target, shape) <= most:
            return placed
    return None
