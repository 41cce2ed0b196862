"""Procedural color: random streams, multi-octave noise, palettes, surface patterns; all from a seed."""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Rng: TypeAlias = np.random.Generator
Color: TypeAlias = NDArray[np.float32]
"""(3,) float32, BGR, 0..255."""
Plane: TypeAlias = NDArray[np.float32]
"""(h, w) or (h, w, 3) float32."""


def stream(seed: int, *names: str | int) -> Rng:
    """A random generator of its own for every (seed, names): adding a draw in one stream moves no other stream."""
    keys = [zlib.crc32(name.encode()) if isinstance(name, str) else name for name in names]
    return np.random.default_rng([seed, *keys])


def octave_noise(
    rng: Rng, height: int, width: int, cell: float, octaves: int = 4, stretch: tuple[float, float] = (1.0, 1.0)
) -> Plane:
    """Value noise, (height, width) float32 in 0..1: smooth random grids of ever smaller cells, added up.

    `cell` is the size in pixels of the coarsest grid's cells, `stretch` multiplies it per axis (x, y); each octave
    halves the cell and weighs 0.55 of the octave before.
    """
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        step_x = max(cell * stretch[0] / 2**octave, 1.0)
        step_y = max(cell * stretch[1] / 2**octave, 1.0)
        grid = rng.random((int(height / step_y) + 4, int(width / step_x) + 4), dtype=np.float32)
        size = (round(grid.shape[1] * step_x), round(grid.shape[0] * step_y))
        left, top = int(step_x), int(step_y)
        smooth = cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)
        total += 0.55**octave * smooth[top : top + height, left : left + width]
    low, high = float(total.min()), float(total.max())
    return np.asarray((total - low) / max(high - low, 1e-6), np.float32)


def random_color(
    rng: Rng, saturation: tuple[float, float] = (0.15, 0.8), value: tuple[float, float] = (0.3, 0.95)
) -> Color:
    """A color of any hue with saturation and value in the given ranges (0..1)."""
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), rng.uniform(*saturation), rng.uniform(*value))
    return np.array([blue, green, red], np.float32) * 255


def contrasting(rng: Rng, base: Color) -> Color:
    """A random color at least 90 gray levels (Euclidean, BGR) away from `base`."""
    color = random_color(rng)
    while float(np.linalg.norm(color - base)) < 90:
        color = random_color(rng, (0.0, 0.9), (0.1, 1.0))
    return color


def palette(rng: Rng, count: int = 3) -> tuple[Color, ...]:
    """`count` colors, each contrasting with the one before."""
    colors = [random_color(rng)]
    while len(colors) < count:
        colors.append(contrasting(rng, colors[-1]))
    return tuple(colors)


def jitter_color(rng: Rng, color: Color, amount: float) -> Color:
    """`color` moved by a normal draw of `amount` gray levels per channel, kept in 0..255."""
    return np.clip(color + rng.normal(0, amount, 3), 0, 255).astype(np.float32)


def mix(weight: Plane, first: Color, second: Color) -> Plane:
    """(h, w, 3): `first` where `weight` (h, w) is 0, `second` where it is 1."""
    return np.asarray(first + weight[..., None] * (second - first), np.float32)


def coordinates(rng: Rng, height: int, width: int) -> tuple[Plane, Plane]:
    """Pixel coordinates along and across a random direction, wobbled a little so that no line is ruler-straight."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    wobble = 0.06 * min(height, width) * (octave_noise(rng, height, width, min(height, width) / 2, 2) - 0.5)
    along = columns * np.cos(angle) + rows * np.sin(angle) + wobble
    across = rows * np.cos(angle) - columns * np.sin(angle) + wobble
    return along.astype(np.float32), across.astype(np.float32)


def soft_step(value: Plane, width: float = 0.12) -> Plane:
    return np.asarray(np.clip(value / width + 0.5, 0, 1), np.float32)


def _mottled(rng: Rng, height: int, width: int, colors: tuple[Color, ...]) -> Plane:
    weight = octave_noise(rng, height, width, min(height, width) / rng.uniform(1.5, 4), 5)
    return mix(soft_step(weight - 0.5, 0.6), colors[0], colors[1])


def _stripes(rng: Rng, height: int, width: int, colors: tuple[Color, ...]) -> Plane:
    along, _ = coordinates(rng, height, width)
    wave = np.sin(along * 2 * np.pi / (min(height, width) / rng.uniform(1.5, 4)))
    return mix(soft_step(wave.astype(np.float32) - rng.uniform(-0.4, 0.4), 0.4), colors[0], colors[1])


def _checks(rng: Rng, height: int, width: int, colors: tuple[Color, ...]) -> Plane:
    along, across = coordinates(rng, height, width)
    frequency = 2 * np.pi / (min(height, width) / rng.uniform(1.2, 2.5))
    wave = np.sin(along * frequency) * np.sin(across * frequency)
    return mix(soft_step(wave.astype(np.float32), 0.3), colors[0], colors[1])


def _dots(rng: Rng, height: int, width: int, colors: tuple[Color, ...]) -> Plane:
    surface = mix(np.zeros((height, width), np.float32), colors[0], colors[1])
    for _ in range(rng.integers(6, 16)):
        center = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        color = colors[1 + int(rng.integers(len(colors) - 1))]
        cv2.circle(surface, center, int(rng.uniform(0.04, 0.13) * min(height, width)), color.tolist(), -1, cv2.LINE_AA)
    return surface


def _patches(rng: Rng, height: int, width: int, colors: tuple[Color, ...]) -> Plane:
    coat = octave_noise(rng, height, width, min(height, width) / rng.uniform(1.2, 2.5), 3)
    surface = mix(soft_step(coat - 0.5, 0.08), colors[0], colors[1])
    spots = soft_step(octave_noise(rng, height, width, min(height, width) / 2.5, 3) - 0.68, 0.08)
    return np.asarray(surface + spots[..., None] * (colors[-1] - surface), np.float32)


def _plain(rng: Rng, height: int, width: int, colors: tuple[Color, ...]) -> Plane:
    weight = octave_noise(rng, height, width, min(height, width) / 1.5, 2) * 0.35
    return mix(weight, colors[0], colors[1])


PATTERNS: dict[str, Callable[[Rng, int, int, tuple[Color, ...]], Plane]] = {
    "mottled": _mottled,
    "stripes": _stripes,
    "checks": _checks,
    "dots": _dots,
    "patches": _patches,
    "plain": _plain,
}
"""Surfaces by name; those of held-out scenes are added by `toolkit.synthetic.held_out`."""
TRAINING_PATTERNS = tuple(PATTERNS)


def paint_pattern(rng: Rng, kind: str, height: int, width: int, colors: tuple[Color, ...], grain: float) -> Plane:
    """A surface (height, width, 3) float32 BGR 0..255 of pattern `kind` (a key of `PATTERNS`).

    `colors` holds at least two; `grain` is the amplitude in gray levels of the fine noise over it.
    """
    surface = PATTERNS[kind](rng, height, width, colors)
    fine = octave_noise(rng, height, width, 8, 3)
    return np.asarray(np.clip(surface + grain * (fine[..., None] - 0.5), 0, 255), np.float32)
