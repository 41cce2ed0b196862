"""Surfaces of held-out scenes: `TEST_SURFACES` for SYNTH-test, `VAL_SURFACES` for SYNTH-val."""

from __future__ import annotations

import cv2
import numpy as np

from toolkit.synthetic.texture import PATTERNS, Color, Plane, Rng, coordinates, mix, octave_noise, soft_step

TEST_SURFACES = ("scales", "zigzag", "hexagons", "rings", "brushed")
VAL_SURFACES = ("waves", "hatched", "speckled")


def _turned(rng: Rng, height: int, width: int, cells: tuple[float, float]) -> tuple[Plane, Plane]:
    """Coordinates along and across a random direction, in cells of which so many fit on the shorter side."""
    along, across = coordinates(rng, height, width)
    cell = np.float32(min(height, width) / rng.uniform(*cells))
    return along / cell, across / cell


def _scales(rng: Rng, height: int, width: int, colors: tuple[Color, ...]) -> Plane:
    """Rows of overlapping round tiles, each row half a tile aside of the one before."""
    x, y = _turned(rng, height, width, (3, 6))
    row = np.floor(2 * y)
    inside = np.mod(x + 0.5 * np.mod(row, 2), 1) - 0.5
    depth = np.hypot(inside, 0.9 * (y - row / 2))
    surface = mix(soft_step(np.float32(0.36) - depth, 0.3), colors[0], colors[1])
    edge = soft_step(np.float32(0.06) - np.abs(depth - np.float32(0.47)), 0.06)
    return np.asarray(surface + edge[..., None] * (colors[-1] * 0.6 - surface), np.float32)


def _zigzag(rng: Rng, height: int, width: int, colors: tuple[Color, ...]) -> Plane:
    x, y = _turned(rng, height, width, (2, 4))
    bent = y + 0.8 * np.abs(np.mod(x, 1) - 0.5)
    return mix(soft_step((np.abs(np.mod(bent, 0.8) / 0.8 - 0.5) - 0.25).astype(np.float32), 0.1), colors[0], colors[1])


def _hexagons(rng: Rng, height: int, width: int, colors: tuple[Color, ...]) -> Plane:
    """Cells of the two nearest lattices of a honeycomb, with joints between them."""
    x, y = _turned(rng, height, width, (3, 5))
    step = np.array([1.0, np.sqrt(3)])
    points = np.stack([x, y], axis=-1)
    lattices = [np.mod(points + shift, step) - step / 2 for shift in (np.zeros(2), step / 2)]
    nearer = (np.square(lattices[0]).sum(-1) < np.square(lattices[1]).sum(-1))[..., None]
    inside = np.abs(np.where(nearer, lattices[0], lattices[1]))
    reach = np.maximum(inside[..., 0], 0.5 * inside[..., 0] + np.sqrt(0.75) * inside[..., 1]).astype(np.float32)
    tile = np.where(nearer, colors[0], colors[-1]).astype(np.float32)
    return np.asarray(tile + soft_step(reach - 0.42, 0.06)[..., None] * (colors[1] - tile), np.float32)


def _rings(rng: Rng, height: int, width: int, colors: tuple[Color, ...]) -> Plane:
    x, y = _turned(rng, height, width, (3, 6))
    center = (rng.uniform(float(x.min()), float(x.max())), rng.uniform(float(y.min()), float(y.max())))
    wave = np.sin(2 * np.pi * np.hypot(x - center[0], y - center[1]))
    return mix(soft_step(wave.astype(np.float32), 0.5), colors[0], colors[1])


def _brushed(rng: Rng, height: int, width: int, colors: tuple[Color, ...]) -> Plane:
    """Long streaks in one direction, as of a brush."""
    side = int(np.ceil(np.hypot(height, width)))
    streaks = octave_noise(rng, side, side, min(height, width) / 3, 4, (6.0, 0.35))
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), float(rng.uniform(0, 180)), 1.0)
    turn[:, 2] += np.array([(width - side) / 2, (height - side) / 2])
    laid = cv2.warpAffine(streaks, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
    return mix(soft_step(np.asarray(laid, np.float32) - 0.5, 0.35), colors[0], colors[1])


def _waves(rng: Rng, height: int, width: int, colors: tuple[Color, ...]) -> Plane:
    x, y = _turned(rng, height, width, (2, 4))
    wave = np.sin(2 * np.pi * (y + 0.35 * np.sin(2 * np.pi * 0.6 * x)))
    return mix(soft_step(wave.astype(np.float32), 0.6), colors[0], colors[1])


def _hatched(rng: Rng, height: int, width: int, colors: tuple[Color, ...]) -> Plane:
    """Two layers of thin lines that cross."""
    x, y = _turned(rng, height, width, (4, 7))
    lines = [soft_step(np.float32(0.14) - np.abs(np.mod(part, 1) - np.float32(0.5)), 0.1) for part in (x + y, x - y)]
    surface = mix(lines[0], colors[0], colors[1])
    return np.asarray(surface + lines[1][..., None] * (colors[-1] - surface), np.float32)


def _speckled(rng: Rng, height: int, width: int, colors: tuple[Color, ...]) -> Plane:
    cell = min(height, width) / rng.uniform(7, 12)
    fine = octave_noise(rng, height, width, cell, 2)
    surface = mix(soft_step(fine - 0.62, 0.08), colors[0], colors[1])
    other = soft_step(octave_noise(rng, height, width, cell, 2) - 0.72, 0.08)
    return np.asarray(surface + other[..., None] * (colors[-1] - surface), np.float32)


PATTERNS.update(
    scales=_scales, zigzag=_zigzag, hexagons=_hexagons, rings=_rings, brushed=_brushed,
    waves=_waves, hatched=_hatched, speckled=_speckled,
)  # fmt: skip
