"""The places: street, meadow, water, indoor, gravel and clutter, painted once per scene as a world-sized picture."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from toolkit.datasets.frames import Image
from toolkit.synthetic.outline import blob, star
from toolkit.synthetic.texture import Color, Plane, Rng, jitter_color, mix, octave_noise, paint_pattern, random_color


def make_background(rng: Rng, kind: str, width: int, height: int, mimic: tuple[Color, ...] = ()) -> Image:
    """Paints place `kind` (a key of `PLACES` or `CLUTTERS`) as a (height, width, 3) uint8 BGR picture.

    Clutter takes up the colors `mimic` (those of the target), so that color alone does not tell them apart.
    """
    canvas = CLUTTERS[kind](rng, height, width, mimic) if kind in CLUTTERS else PLACES[kind](rng, height, width)
    canvas += 14 * (octave_noise(rng, height, width, 6, 2)[..., None] - 0.5)
    soft = cv2.GaussianBlur(canvas, (0, 0), float(rng.uniform(0.5, 0.9)))
    return np.asarray(np.clip(soft, 0, 255), np.uint8)


def bgr(*values: float) -> Color:
    """Blue, green and red, 0..255."""
    return np.array(values, np.float32)


def sky(rng: Rng, height: int, width: int) -> Plane:
    """Clouds over a vertical gradient."""
    blue = bgr(225, 180, 130) * float(rng.uniform(0.75, 1.05))
    haze = bgr(225, 218, 208) * float(rng.uniform(0.85, 1.05))
    ramp = np.repeat(np.linspace(0, 1, height, dtype=np.float32)[:, None], width, axis=1)
    clouds = np.clip(octave_noise(rng, height, width, 90, 5, (2.0, 0.8)) * 2.2 - 1.1, 0, 1).astype(np.float32)
    return mix(np.maximum(ramp, clouds), blue, haze)


def fill_box(canvas: Plane, left: float, top: float, right: float, bottom: float, color: Color) -> None:
    """Fills a rectangle, its edges rounded to whole pixels."""
    cv2.rectangle(canvas, (round(left), round(top)), (round(right), round(bottom)), color.tolist(), -1)


def _building(rng: Rng, canvas: Plane, left: float, top: float, width: float, bottom: float) -> None:
    front = random_color(rng, (0.05, 0.5), (0.35, 0.85))
    fill_box(canvas, left, top, left + width, bottom, front)
    pane, step_x, step_y = front * float(rng.uniform(0.3, 0.6)), rng.uniform(11, 20), rng.uniform(14, 26)
    for y in np.arange(top + 7, bottom - step_y * 0.6, step_y):
        for x in np.arange(left + 5, left + width - step_x * 0.7, step_x):
            fill_box(canvas, x, y, x + step_x * 0.5, y + step_y * 0.55, jitter_color(rng, pane, 14))
    fill_box(canvas, left, top, left + width, top + 3, front * 0.7)


def _street(rng: Rng, height: int, width: int) -> Plane:
    canvas = sky(rng, height, width)
    ground = height * rng.uniform(0.5, 0.62)
    left = -20.0
    while left < width:
        wide = float(rng.uniform(45, 110))
        _building(rng, canvas, left, ground - rng.uniform(0.35, 0.95) * ground, wide, ground)
        left += wide + max(float(rng.normal(0, 8)), 0)
    start = round(ground)
    asphalt = bgr(120, 118, 115) * float(rng.uniform(0.6, 1.1))
    road = mix(octave_noise(rng, height - start, width, 40, 5, (2.5, 0.7)), asphalt * 0.75, asphalt * 1.1)
    canvas[start:] = road
    fill_box(canvas, 0, ground, width, ground + 14, asphalt * 1.35)
    fill_box(canvas, 0, ground + 14, width, ground + 18, asphalt * 0.6)
    middle, dash = ground + 0.5 * (height - ground), float(rng.uniform(30, 60))
    for x in np.arange(-dash, width, 2 * dash):
        fill_box(canvas, x, middle, x + dash, middle + 4, bgr(205, 210, 212))
    for _ in range(int(width / 60)):
        x, y = rng.uniform(0, width), ground - rng.uniform(0, 6)
        _tree(rng, canvas, float(x), float(y), float(rng.uniform(25, 55)))
    return canvas


def _tree(rng: Rng, canvas: Plane, x: float, foot: float, tall: float) -> None:
    fill_box(canvas, x - tall / 14, foot - tall * 0.6, x + tall / 14, foot, bgr(45, 65, 85))
    green = bgr(50, 110, 70) * float(rng.uniform(0.6, 1.3))
    for _ in range(26):
        dx, dy = rng.normal(0, tall * 0.17, 2)
        center = (round(x + dx), round(foot - 0.75 * tall + dy))
        radius = round(tall * float(rng.uniform(0.05, 0.14)))
        cv2.circle(canvas, center, radius, (green * float(rng.uniform(0.6, 1.4))).tolist(), -1)


def _meadow(rng: Rng, height: int, width: int) -> Plane:
    canvas = sky(rng, height, width)
    horizon = int(height * rng.uniform(0.15, 0.35))
    hills = horizon + 30 * (octave_noise(rng, 1, width, 160, 3)[0] - 0.7)
    rows = np.arange(height, dtype=np.float32)[:, None]
    far = bgr(110, 135, 105) * float(rng.uniform(0.7, 1.1))
    canvas = np.where((rows > hills)[..., None], far, canvas).astype(np.float32)
    green = bgr(60, 130, 105) * float(rng.uniform(0.6, 1.1))
    grass = mix(octave_noise(rng, height, width, 70, 6, (1.8, 0.8)), green * 0.55, green * 1.35)
    canvas = np.where((rows > horizon + 8)[..., None], grass, canvas).astype(np.float32)
    for x in rng.uniform(0, width, int(width / 45)):
        _tree(rng, canvas, float(x), horizon + 14.0, float(rng.uniform(25, 60)))
    count = int(width * height / 160)
    feet = rng.uniform((0, horizon + 10), (width, height), (count, 2))
    tips = feet + np.stack([rng.normal(0, 3, count), -rng.uniform(4, 12, count)], axis=1)
    for foot, tip, shade in zip(feet.astype(int), tips.astype(int), rng.uniform(0.5, 1.6, count), strict=True):
        cv2.line(canvas, foot.tolist(), tip.tolist(), (green * float(shade)).tolist(), 1)
    return canvas


def _water(rng: Rng, height: int, width: int) -> Plane:
    tint, light = float(rng.uniform(0, 1)), float(rng.uniform(0.8, 1.25))
    deep = light * bgr(125 - 15 * tint, 105 + 5 * tint, 65 - 5 * tint)
    waves = octave_noise(rng, height, width, 60, 6, (2.6, 0.6))
    canvas = mix(waves, deep * 0.6, deep * 1.25)
    foam = np.clip(octave_noise(rng, height, width, 30, 5, (3.0, 0.5)) * 5 - 3.6, 0, 1).astype(np.float32)
    canvas += foam[..., None] * (bgr(235, 230, 220) - canvas) * 0.7
    shore = int(height * rng.uniform(0.1, 0.22))
    bank = mix(octave_noise(rng, shore, width, 30, 5), bgr(60, 85, 80), bgr(120, 150, 150))
    canvas[:shore] = bank
    for x in rng.uniform(0, width, int(width / 35)):
        _tree(rng, canvas, float(x), shore + 2.0, float(rng.uniform(20, 45)))
    return canvas


def _shelf(rng: Rng, canvas: Plane, left: float, right: float, bottom: float, tall: float) -> None:
    """A row of boxes and books on a board."""
    x = left
    while x < right:
        wide, high = float(rng.uniform(6, 26)), tall * float(rng.uniform(0.45, 0.9))
        color = random_color(rng, (0.1, 0.8), (0.25, 0.85))
        fill_box(canvas, x, bottom - high, x + wide, bottom, color)
        fill_box(canvas, x + 2, bottom - 0.6 * high, x + wide - 2, bottom - 0.45 * high, color * 0.6)
        x += wide + max(float(rng.normal(-2, 8)), 0)
    fill_box(canvas, left, bottom, right, bottom + 5, bgr(70, 95, 120))


def _indoor(rng: Rng, height: int, width: int) -> Plane:
    wall = random_color(rng, (0.05, 0.35), (0.5, 0.85))
    canvas = paint_pattern(rng, "plain", height, width, (wall, wall * 0.7), 12)
    floor = int(height * rng.uniform(0.68, 0.8))
    tall = float(rng.uniform(45, 70))
    for bottom in np.arange(tall, floor - 10, tall + 12):
        left = float(rng.uniform(-40, width * 0.4))
        _shelf(rng, canvas, left, left + width * float(rng.uniform(0.4, 0.8)), float(bottom), tall)
    wood = bgr(80, 115, 150) * float(rng.uniform(0.6, 1.1))
    canvas[floor:] = mix(octave_noise(rng, height - floor, width, 60, 5, (5.0, 0.4)), wood * 0.7, wood * 1.1)
    for y in range(floor, height, 14):
        fill_box(canvas, 0, y, width, y, wood * 0.55)
    return canvas


def _gravel(rng: Rng, height: int, width: int) -> Plane:
    tint, light = float(rng.uniform(-25, 25)), float(rng.uniform(-30, 25))
    sand = bgr(110 + tint + light, 130 + light, 145 - tint + light)
    canvas = mix(octave_noise(rng, height, width, 110, 7), sand * 0.6, sand * 1.15)
    for _ in range(int(width * height / 700)):
        center = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        axes = (int(rng.uniform(1, 6)), int(rng.uniform(1, 5)))
        shade = (sand * float(rng.uniform(0.5, 1.4))).tolist()
        cv2.ellipse(canvas, center, axes, float(rng.uniform(0, 180)), 0, 360, shade, -1)
    for _ in range(5):
        crack = np.cumsum(rng.normal(0, 16, (14, 2)), axis=0) + rng.uniform((0, 0), (width, height))
        cv2.polylines(canvas, [crack.astype(np.int32)], False, (sand * 0.45).tolist(), 1)
    return canvas


def _clutter(rng: Rng, height: int, width: int, mimic: tuple[Color, ...]) -> Plane:
    others = [random_color(rng, (0.1, 0.75), (0.25, 0.9)) for _ in range(max(5 - len(mimic), 2))]
    colors = (*(jitter_color(rng, color, 15) for color in mimic), *others)
    canvas = paint_pattern(rng, "patches", height, width, colors, 40)
    for _ in range(int(width * height / 1500)):
        shape = blob(rng, 0.4) if rng.random() < 0.6 else star(int(rng.integers(3, 7)), 0.7, float(rng.uniform(0, 3)))
        points = shape * rng.uniform(14, 55) + rng.uniform((0, 0), (width, height))
        color = jitter_color(rng, colors[int(rng.integers(len(colors)))], 25)
        cv2.fillPoly(canvas, [points.astype(np.int32)], color.tolist())
        if rng.random() < 0.5:
            cv2.polylines(canvas, [points.astype(np.int32)], True, (color * 0.5).tolist(), 1)
    grain = octave_noise(rng, height, width, 16, 4)[..., None]
    return np.asarray(canvas * (0.7 + 0.6 * grain), np.float32)


PLACES: dict[str, Callable[[Rng, int, int], Plane]] = {
    "street": _street,
    "meadow": _meadow,
    "water": _water,
    "indoor": _indoor,
    "gravel": _gravel,
}
"""Places by name; those of held-out scenes are added by `toolkit.synthetic.held_out`."""

CLUTTERS: dict[str, Callable[[Rng, int, int, tuple[Color, ...]], Plane]] = {"clutter": _clutter}
"""Places full of shapes in the colors that are given last."""
