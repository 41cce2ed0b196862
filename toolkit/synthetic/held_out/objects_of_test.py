"""Objects of SYNTH-test: gears, kites, boats, robots, crabs, birds, clocks, leaves, flowers and mugs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toolkit.synthetic.held_out.surfaces import TEST_SURFACES
from toolkit.synthetic.objects import DARK, FAMILIES, LIGHT, Detail, ObjectModel, Part, limb, random_word, surface_seed
from toolkit.synthetic.outline import Points, densify, ellipse, rounded, rounded_box
from toolkit.synthetic.texture import Color, Rng, contrasting, palette, random_color


def _surface(rng: Rng) -> str:
    return str(rng.choice(TEST_SURFACES))


def ring_of(count: int, radii: tuple[float, ...], turn: float = 0.0) -> Points:
    """A closed outline whose radius runs through `radii`, `count` times around."""
    angle = turn + np.arange(count * len(radii)) * 2 * np.pi / (count * len(radii))
    radius = np.tile(radii, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _gear(rng: Rng) -> ObjectModel:
    colors = palette(rng)
    outline = rounded(ring_of(int(rng.integers(7, 11)), (0.39, 0.5, 0.5, 0.39)), 0.15, 3)
    hub = Detail(ellipse((0, 0), (0.2, 0.2)), contrasting(rng, colors[0]))
    key = Detail(rounded_box(-0.05, -0.16, 0.05, 0.05), DARK)
    return ObjectModel("", (Part(densify(outline), _surface(rng), colors, surface_seed(rng), (hub, key), relief=0.8),))


def _kite(rng: Rng) -> ObjectModel:
    colors, low = palette(rng), float(rng.uniform(0.1, 0.25))
    sail = densify(rounded([(0, -0.62), (0.42, -0.62 + 0.45), (0, 0.5), (-0.42, -0.62 + 0.45)], 0.08))
    cross = (
        Detail(rounded_box(-0.025, -0.6, 0.025, 0.48), contrasting(rng, colors[0])),
        Detail(rounded_box(-0.4, -low - 0.02, 0.4, -low + 0.02), contrasting(rng, colors[0])),
    )
    bows = Detail(rounded([(-0.1, 0.68), (0.1, 0.78), (0.1, 0.68), (-0.1, 0.78)], 0.05), contrasting(rng, colors[1]))
    tail = Part(
        rounded_box(-0.05, 0.45, 0.05, 0.95), "brushed", colors[1:], surface_seed(rng), (bows,), (0.0, 0.5), 0.5
    )
    return ObjectModel("", (tail, Part(sail, _surface(rng), colors, surface_seed(rng), cross, relief=0.3)))


def _boat(rng: Rng) -> ObjectModel:
    paint, sails = palette(rng, 2), palette(rng)
    stripe = Detail(rounded_box(-0.8, 0.36, 0.8, 0.43), contrasting(rng, paint[0]))
    hull_outline = densify(rounded([(-0.9, 0.28), (0.95, 0.24), (0.62, 0.66), (-0.66, 0.66)], 0.15))
    hull = Part(hull_outline, "brushed", paint, surface_seed(rng), (stripe,), relief=0.8)
    mast = Part(rounded_box(-0.04, -0.75, 0.03, 0.32), "brushed", (DARK, DARK * 2), surface_seed(rng), relief=0.4)
    number = Detail(rounded_box(0.12, -0.2, 0.5, 0.06), contrasting(rng, sails[0]), random_word(rng, 2))
    main = densify(rounded([(0.06, -0.72), (0.74, 0.18), (0.06, 0.2)], 0.06))
    jib = densify(rounded([(-0.08, -0.55), (-0.09, 0.2), (-0.62, 0.2)], 0.06))
    sheets = [
        Part(main, _surface(rng), sails, surface_seed(rng), (number,), relief=0.5),
        Part(jib, _surface(rng), sails[1:], surface_seed(rng), relief=0.5),
    ]
    return ObjectModel("", (mast, *sheets, hull), upright=True)


def _arm(rng: Rng, top: tuple[float, float], length: float, width: float, color: Color, beat: float) -> Part:
    return replace(limb(rng, top, length, width, color, beat), pattern="brushed")


def _robot(rng: Rng) -> ObjectModel:
    metal = palette(rng)
    eyes = [Detail(ellipse((x, -0.66), (0.07, 0.07)), random_color(rng, (0.6, 1), (0.8, 1))) for x in (-0.12, 0.12)]
    mouth = Detail(rounded_box(-0.15, -0.54, 0.15, -0.5), DARK)
    head = Part(rounded_box(-0.27, -0.8, 0.27, -0.46, 0.1), "brushed", metal[:2], surface_seed(rng), (*eyes, mouth))
    panel = Detail(rounded_box(-0.22, -0.3, 0.22, 0.02), contrasting(rng, metal[0]))
    sign = Detail(rounded_box(-0.18, -0.26, 0.18, -0.02), contrasting(rng, panel.color), random_word(rng, 2))
    trunk_outline = rounded_box(-0.36, -0.42, 0.36, 0.16, 0.08)
    trunk = Part(trunk_outline, _surface(rng), metal, surface_seed(rng), (panel, sign), relief=0.5)
    arms = [_arm(rng, (x, -0.32), 0.5, 0.09, metal[1], beat) for x, beat in ((-0.42, 0.0), (0.42, np.pi))]
    legs = [_arm(rng, (x, 0.16), 0.6, 0.12, metal[2], beat) for x, beat in ((-0.2, np.pi), (0.2, 0.0))]
    return ObjectModel("", (arms[0], *legs, trunk, head, arms[1]), upright=True)


def _crab(rng: Rng) -> ObjectModel:
    shell = palette(rng)
    eyes = [Detail(ellipse((x, -0.16), (0.06, 0.06)), LIGHT) for x in (-0.14, 0.14)]
    pupils = [Detail(ellipse((x, -0.16), (0.03, 0.03)), DARK) for x in (-0.13, 0.15)]
    body = Part(ellipse((0, 0), (0.5, 0.32), 40), _surface(rng), shell, surface_seed(rng), (*eyes, *pupils), relief=0.9)

    def leg(side: int, place: int) -> Part:
        x, y = side * 0.34, 0.02 + 0.1 * place
        bend = [(x, y - 0.05), (side * 0.78, y + 0.02), (side * 0.88, y + 0.3), (side * 0.72, y + 0.1), (x, y + 0.07)]
        outline, beat = densify(rounded(bend, 0.15)), place * 2.0 + side
        return Part(outline, "brushed", shell[:2], surface_seed(rng), (), (x, y), 0.3, beat, 0.5)

    def claw(side: int) -> Part:
        arm = [(0.3, -0.1), (0.6, -0.42), (0.5, -0.72), (0.68, -0.6), (0.86, -0.74), (0.8, -0.4), (0.42, 0.02)]
        outline = densify(rounded([(side * x, y) for x, y in arm], 0.15))
        return Part(outline, _surface(rng), shell, surface_seed(rng), (), (side * 0.35, -0.08), 0.25, side, 0.6)

    legs = [leg(side, place) for side in (-1, 1) for place in range(3)]
    return ObjectModel("", (*legs, claw(-1), claw(1), body))


def _bird(rng: Rng) -> ObjectModel:
    coat = palette(rng)
    eye = (Detail(ellipse((0.5, -0.2), (0.06, 0.06)), LIGHT), Detail(ellipse((0.51, -0.2), (0.03, 0.03)), DARK))
    shape = [(-0.9, 0.02), (-0.5, -0.12), (0.1, -0.2), (0.4, -0.34), (0.62, -0.24), (0.6, -0.04), (0.2, 0.24)]
    body_outline = densify(rounded([*shape, (-0.4, 0.16)], 0.3))
    body = Part(body_outline, _surface(rng), coat, surface_seed(rng), eye, relief=0.9)
    orange = np.array([40, 150, 235], np.float32)
    beak = Part(
        rounded([(0.56, -0.25), (0.86, -0.14), (0.56, -0.08)]), "brushed", (orange, orange * 0.7), surface_seed(rng)
    )
    tip = float(rng.uniform(-0.8, -0.6))
    spread = densify(rounded([(0.22, -0.08), (-0.05, tip), (-0.5, tip - 0.05), (-0.3, -0.02)], 0.2))
    wing = Part(spread, _surface(rng), coat[1:], surface_seed(rng), (), (0.0, -0.05), 0.5, 0.0, 0.5)
    return ObjectModel("", (body, beak, wing), upright=True)


def _clock(rng: Rng) -> ObjectModel:
    rim = palette(rng)
    dial = Detail(ellipse((0, 0), (0.38, 0.38), 40), LIGHT * float(rng.uniform(0.8, 1.0)))
    marks = [Detail(ellipse((x, y), (0.03, 0.03), 10), DARK) for x, y in ring_of(12, (0.32,))]
    hands = []
    for length, angle in ((0.2, rng.uniform(0, 6.28)), (0.3, rng.uniform(0, 6.28))):
        along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)]) * 0.025
        hands.append(Detail(np.stack([across, length * along, -across, -0.06 * along]), DARK))
    details = (dial, *marks, *hands)
    return ObjectModel(
        "", (Part(ellipse((0, 0), (0.5, 0.5), 48), _surface(rng), rim, surface_seed(rng), details, relief=0.6),)
    )


def _leaf(rng: Rng) -> ObjectModel:
    colors, wide = palette(rng), float(rng.uniform(0.26, 0.42))
    t = np.linspace(0, np.pi, 24)
    side = np.stack([-0.7 * np.cos(t), wide * np.sin(t) ** 1.4 * (1 + 0.08 * np.sin(9 * t))], axis=1)
    outline = densify(np.concatenate([side, side[-2:0:-1] * (1, -1)]))
    vein = contrasting(rng, colors[0])
    ribs = [
        Detail(np.array([(x, 0.0), (x + 0.16, y * wide), (x + 0.2, y * wide), (x + 0.05, 0.0)]), vein)
        for x in (-0.4, -0.15, 0.1, 0.3)
        for y in (-0.6, 0.6)
    ]
    middle = Detail(rounded_box(-0.68, -0.02, 0.68, 0.02), vein)
    stalk = Part(rounded_box(0.6, -0.035, 0.95, 0.035), "brushed", (vein, vein * 0.6), surface_seed(rng))
    return ObjectModel(
        "", (stalk, Part(outline, _surface(rng), colors, surface_seed(rng), (middle, *ribs), relief=0.5))
    )


def _flower(rng: Rng) -> ObjectModel:
    colors = palette(rng)
    count = int(rng.integers(5, 9))
    outline = densify(rounded(ring_of(count, (0.24, 0.44, 0.5, 0.44), float(rng.uniform(0, 1))), 0.4))
    heart = Detail(ellipse((0, 0), (0.17, 0.17)), contrasting(rng, colors[0]))
    seeds = [Detail(ellipse((x, y), (0.025, 0.025), 8), DARK) for x, y in ring_of(6, (0.1,))]
    return ObjectModel(
        "", (Part(outline, _surface(rng), colors, surface_seed(rng), (heart, *seeds), relief=0.6, grain=40),)
    )


def _mug(rng: Rng) -> ObjectModel:
    colors = palette(rng)
    bow = [(0.3, -0.3), (0.62, -0.3), (0.72, -0.1), (0.66, 0.2), (0.3, 0.32)]
    inner = [(0.3, 0.2), (0.54, 0.1), (0.58, -0.08), (0.52, -0.18), (0.3, -0.18)]
    handle = Part(densify(rounded([*bow, *inner], 0.2)), "brushed", colors[:2], surface_seed(rng), relief=0.7)
    rim = Detail(ellipse((0, -0.5), (0.34, 0.06)), DARK)
    band = Detail(rounded_box(-0.38, -0.2, 0.38, 0.24, 0.02), contrasting(rng, colors[0]))
    word = Detail(rounded_box(-0.28, -0.12, 0.28, 0.16), contrasting(rng, band.color), random_word(rng, 3))
    body_outline = densify(rounded([(-0.38, -0.56), (0.38, -0.56), (0.33, 0.56), (-0.33, 0.56)], 0.12))
    body = Part(body_outline, _surface(rng), colors, surface_seed(rng), (rim, band, word), relief=1.0)
    return ObjectModel("", (handle, body), upright=True)


FAMILIES.update(
    gear=_gear, kite=_kite, boat=_boat, robot=_robot, crab=_crab,
    bird=_bird, clock=_clock, leaf=_leaf, flower=_flower, mug=_mug,
)  # fmt: skip
