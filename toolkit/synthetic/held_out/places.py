"""Places of held-out scenes: five for SYNTH-test, three for SYNTH-val, and a clutter for each."""

from __future__ import annotations

import cv2
import numpy as np

from toolkit.synthetic.background import CLUTTERS, PLACES, bgr, fill_box, sky
from toolkit.synthetic.texture import (
    Color,
    Plane,
    Rng,
    jitter_color,
    mix,
    octave_noise,
    paint_pattern,
    palette,
    random_color,
)


def _brick(rng: Rng, height: int, width: int) -> Plane:
    base, mortar = random_color(rng, (0.2, 0.6), (0.35, 0.75)), bgr(150, 155, 160) * float(rng.uniform(0.6, 1.2))
    canvas = mix(octave_noise(rng, height, width, 40, 4), mortar * 0.85, mortar)
    wide, tall = float(rng.uniform(26, 40)), float(rng.uniform(11, 16))
    for row, y in enumerate(np.arange(0, height, tall)):
        for x in np.arange(-wide * (0.5 + 0.5 * (row % 2)), width, wide):
            fill_box(canvas, x + 1, y + 1, x + wide - 2, y + tall - 2, jitter_color(rng, base, 12))
    for _ in range(int(width / 200)):  # windows
        x, y = rng.uniform(0, width), rng.uniform(0, height * 0.6)
        fill_box(canvas, x, y, x + 46, y + 62, base * 0.4)
        fill_box(canvas, x + 4, y + 4, x + 42, y + 58, bgr(140, 120, 90) * float(rng.uniform(0.5, 1.2)))
    return canvas


def _forest(rng: Rng, height: int, width: int) -> Plane:
    """Trunks before trunks, the farther the paler, over a floor of ferns."""
    haze = bgr(140, 165, 150) * float(rng.uniform(0.6, 1.1))
    canvas = mix(octave_noise(rng, height, width, 60, 5, (0.5, 2.5)), haze * 0.7, haze * 1.1)
    floor = int(height * rng.uniform(0.72, 0.85))
    moss = bgr(45, 95, 75) * float(rng.uniform(0.7, 1.2))
    canvas[floor:] = mix(octave_noise(rng, height - floor, width, 30, 5), moss * 0.6, moss * 1.3)
    for depth in (0.25, 0.5, 0.75, 1.0):
        bark = (1 - depth) * haze + depth * float(rng.uniform(0.5, 1.2)) * bgr(50, 65, 80)
        for x in rng.uniform(0, width, int(width / (70 * depth + 20))):
            half, foot = 2 + 7 * depth * rng.uniform(0.6, 1.4), floor + (height - floor) * depth * 0.5
            lean = rng.normal(0, 12)
            trunk = np.array(
                [(x + lean - half * 0.7, 0), (x + lean + half * 0.7, 0), (x + half, foot), (x - half, foot)]
            )
            cv2.fillPoly(canvas, [trunk.astype(np.int32)], jitter_color(rng, bark.astype(np.float32), 8).tolist())
    for x, y in rng.uniform((0, floor), (width, height), (int(width / 6), 2)):
        shade = (moss * float(rng.uniform(0.6, 1.8))).tolist()
        for angle in rng.uniform(-2.8, -0.3, 4):
            tip = (int(x + 12 * np.cos(angle)), int(y + 12 * np.sin(angle)))
            cv2.line(canvas, (int(x), int(y)), tip, shade, 1, cv2.LINE_AA)
    return canvas


def _night(rng: Rng, height: int, width: int) -> Plane:
    """A skyline with lit windows, and their light on wet ground."""
    dark = bgr(60, 40, 30) * float(rng.uniform(0.8, 1.6))
    canvas = mix(octave_noise(rng, height, width, 90, 4), dark * 0.7, dark * 1.2)
    ground, left = int(height * rng.uniform(0.62, 0.75)), 0.0
    while left < width:
        wide, top = float(rng.uniform(30, 70)), ground - float(rng.uniform(0.2, 0.85)) * ground
        fill_box(canvas, left, top, left + wide, ground, dark * float(rng.uniform(0.3, 0.8)))
        for y in np.arange(top + 6, ground - 8, 10):
            for x in left + 5 + 9 * np.flatnonzero(rng.random(int((wide - 8) / 9)) < 0.4):
                fill_box(canvas, x, y, x + 4, y + 5, bgr(120, 210, 250) * float(rng.uniform(0.5, 1.0)))
        left += wide + 2
    mirror = canvas[ground - (height - ground) : ground][::-1]
    ripples = octave_noise(rng, height - ground, width, 14, 3, (4.0, 0.4))[..., None]
    canvas[ground:] = 0.25 * dark + mirror * (0.35 + 0.5 * ripples)
    for x in np.arange(rng.uniform(0, 90), width, 110.0):
        cv2.circle(canvas, (int(x), ground - 40), 16, (dark + bgr(60, 90, 100)).tolist(), -1, cv2.LINE_AA)
        cv2.circle(canvas, (int(x), ground - 40), 5, (190.0, 240.0, 255.0), -1, cv2.LINE_AA)
        fill_box(canvas, x - 1, ground - 36, x + 1, ground + 2, dark * 0.3)
    return canvas


def _snow(rng: Rng, height: int, width: int) -> Plane:
    canvas = sky(rng, height, width)
    columns = np.arange(width)
    for depth, rise in ((0.35, 70), (0.5, 50)):
        crest = height * depth - rise * (octave_noise(rng, 1, width, 110, 5)[0] - 0.4)
        rock = bgr(130, 115, 105) * float(rng.uniform(0.6, 1.1))
        face = mix(octave_noise(rng, height, width, 26, 5, (1.6, 0.8)), rock, bgr(245, 240, 235))
        canvas = np.where((np.arange(height)[:, None] > crest[columns])[..., None], face, canvas).astype(np.float32)
    start = int(height * 0.58)
    white = bgr(240, 232, 226) * float(rng.uniform(0.8, 1.0))
    canvas[start:] = mix(octave_noise(rng, height - start, width, 80, 5, (2.5, 0.7)), white * 0.8, white)
    for y in np.linspace(start + 12, height, 5):  # tracks
        track = np.stack([columns[::8], y + 10 * octave_noise(rng, 1, width, 120, 2)[0][::8]], axis=1)
        cv2.polylines(canvas, [track.astype(np.int32)], False, (white * 0.72).tolist(), 2, cv2.LINE_AA)
    return canvas


def _carpet(rng: Rng, height: int, width: int) -> Plane:
    """Medallions on a grid, each of nested diamonds and dots."""
    colors = palette(rng, 4)
    canvas = paint_pattern(rng, "zigzag", height, width, colors[:2], 20)
    cell = int(rng.integers(44, 64))
    for y in range(cell // 2, height + cell, cell):
        for x in range(cell // 2, width + cell, cell):
            for reach, color in ((0.46, colors[2]), (0.34, colors[3]), (0.2, colors[0])):
                diamond = np.array(
                    [(x, y - reach * cell), (x + reach * cell, y), (x, y + reach * cell), (x - reach * cell, y)]
                )
                cv2.fillPoly(canvas, [diamond.astype(np.int32)], color.tolist(), cv2.LINE_AA)
            cv2.circle(canvas, (x, y), max(cell // 14, 2), colors[2].tolist(), -1, cv2.LINE_AA)
    return canvas


def _dunes(rng: Rng, height: int, width: int) -> Plane:
    canvas = sky(rng, height, width)
    sand = bgr(110, 160, 205) * float(rng.uniform(0.7, 1.1))
    rows = np.arange(height, dtype=np.float32)[:, None]
    for depth in np.linspace(0.25, 0.9, 5):
        crest = height * depth - 40 * (octave_noise(rng, 1, width, 170, 3)[0] - 0.5)
        ripples = np.sin((rows - crest) / rng.uniform(2.0, 4.0) + 4 * octave_noise(rng, height, width, 60, 3))
        slope = np.clip((rows - crest) / 60, 0, 1)
        face = mix((0.75 - 0.4 * slope + 0.12 * ripples).astype(np.float32), sand * 0.55, sand * 1.15)
        canvas = np.where((rows > crest)[..., None], face, canvas).astype(np.float32)
    return canvas


def _tiles(rng: Rng, height: int, width: int) -> Plane:
    colors = palette(rng, 3)
    cell = int(rng.integers(22, 40))
    canvas = mix(octave_noise(rng, height, width, 30, 3), colors[2] * 0.5, colors[2] * 0.6)
    for row, y in enumerate(range(0, height, cell)):
        for column, x in enumerate(range(0, width, cell)):
            tile = jitter_color(rng, colors[(row + column) % 2], 10)
            fill_box(canvas, x + 1, y + 1, x + cell - 2, y + cell - 2, tile)
            cv2.circle(canvas, (x + cell // 2, y + cell // 2), cell // 5, (tile * 0.75).tolist(), 2, cv2.LINE_AA)
    return canvas * (0.8 + 0.3 * octave_noise(rng, height, width, 120, 2)[..., None])


def _clouds(rng: Rng, height: int, width: int) -> Plane:
    """Fields and roads far below, seen through clouds."""
    canvas = np.zeros((height, width, 3), np.float32)
    cell = 64
    for y in range(0, height, cell):
        for x in range(0, width, cell):
            field = bgr(70, 125, 110) * rng.uniform(0.5, 1.4, 3)
            patch = paint_pattern(
                rng, "waves", cell, cell, (field.astype(np.float32), (field * 0.8).astype(np.float32)), 18
            )
            canvas[y : y + cell, x : x + cell] = patch[: height - y, : width - x]
    for _ in range(4):
        road = np.cumsum(rng.normal(0, 60, (8, 2)), axis=0) + rng.uniform((0, 0), (width, height))
        cv2.polylines(canvas, [road.astype(np.int32)], False, (165.0, 170.0, 170.0), 3, cv2.LINE_AA)
    veil = np.clip(octave_noise(rng, height, width, 110, 5) * 2.6 - 1.5, 0, 0.9).astype(np.float32)
    return np.asarray(canvas + veil[..., None] * (bgr(238, 236, 234) - canvas), np.float32)


def _shards(rng: Rng, height: int, width: int, mimic: tuple[Color, ...]) -> Plane:
    """Sharp triangles and bars over one another."""
    colors = (*(jitter_color(rng, color, 15) for color in mimic), *palette(rng, max(5 - len(mimic), 2)))
    canvas = paint_pattern(rng, "hexagons", height, width, colors, 40)
    for _ in range(int(width * height / 1300)):
        corners = rng.normal(0, rng.uniform(10, 26), (3 if rng.random() < 0.7 else 4, 2))
        shape = (corners + rng.uniform((0, 0), (width, height))).astype(np.int32)
        color = jitter_color(rng, colors[int(rng.integers(len(colors)))], 25)
        cv2.fillPoly(canvas, [shape], color.tolist(), cv2.LINE_AA)
        cv2.polylines(canvas, [shape], True, (color * 0.6).tolist(), 1, cv2.LINE_AA)
    return canvas * (0.7 + 0.6 * octave_noise(rng, height, width, 16, 4)[..., None])


def _ribbons(rng: Rng, height: int, width: int, mimic: tuple[Color, ...]) -> Plane:
    """Broad bent lines over one another."""
    colors = (*(jitter_color(rng, color, 15) for color in mimic), *palette(rng, max(5 - len(mimic), 2)))
    canvas = paint_pattern(rng, "speckled", height, width, colors, 40)
    for _ in range(int(width * height / 2500)):
        bends = np.cumsum(rng.normal(0, 16, (6, 2)), axis=0) + rng.uniform((0, 0), (width, height))
        color = jitter_color(rng, colors[int(rng.integers(len(colors)))], 25)
        cv2.polylines(canvas, [bends.astype(np.int32)], False, color.tolist(), int(rng.integers(4, 13)), cv2.LINE_AA)
    return canvas * (0.7 + 0.6 * octave_noise(rng, height, width, 16, 4)[..., None])


PLACES.update(
    brick=_brick, forest=_forest, night=_night, snow=_snow, carpet=_carpet, dunes=_dunes, tiles=_tiles, clouds=_clouds
)
CLUTTERS.update(shards=_shards, ribbons=_ribbons)
