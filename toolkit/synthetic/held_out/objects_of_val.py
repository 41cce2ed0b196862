"""Objects of SYNTH-val: arrows, hands, houses, butterflies and mushrooms."""

from __future__ import annotations

import numpy as np

from toolkit.synthetic.held_out.surfaces import VAL_SURFACES
from toolkit.synthetic.objects import DARK, FAMILIES, Detail, ObjectModel, Part, random_word, surface_seed
from toolkit.synthetic.outline import densify, ellipse, rounded, rounded_box
from toolkit.synthetic.texture import Rng, contrasting, palette, random_color


def _surface(rng: Rng) -> str:
    return str(rng.choice(VAL_SURFACES))


def _arrow(rng: Rng) -> ObjectModel:
    colors = palette(rng)
    shaft, barb = float(rng.uniform(0.1, 0.18)), float(rng.uniform(0.0, 0.12))
    upper = [(-0.7, -shaft), (0.1, -shaft), (0.1 - barb, -0.42), (0.7, 0.0)]
    outline = densify(rounded([*upper, *((x, -y) for x, y in upper[2::-1])], 0.08))
    knot = Detail(ellipse((0.18, 0.0), (0.1, 0.1)), contrasting(rng, colors[0]))
    ends = [Detail(rounded_box(x, -shaft, x + 0.07, shaft), contrasting(rng, colors[1])) for x in (-0.64, -0.46)]
    return ObjectModel("", (Part(outline, _surface(rng), colors, surface_seed(rng), (knot, *ends), relief=0.5),))


def _hand(rng: Rng) -> ObjectModel:
    glove = palette(rng)
    band = Detail(rounded_box(-0.3, 0.36, 0.3, 0.5, 0.05), contrasting(rng, glove[0]))
    badge = Detail(rounded_box(-0.16, 0.0, 0.16, 0.24), contrasting(rng, glove[0]), random_word(rng, 2))
    palm_outline = rounded_box(-0.34, -0.14, 0.34, 0.56, 0.2)
    palm = Part(palm_outline, _surface(rng), glove, surface_seed(rng), (band, badge))
    fingers = []
    for place, length in enumerate((0.44, 0.56, 0.54, 0.42)):
        x = -0.26 + 0.175 * place
        outline = rounded_box(x - 0.075, -0.1 - length, x + 0.075, 0.02, 0.35)
        nail = Detail(ellipse((x, -0.04 - length), (0.04, 0.05)), contrasting(rng, glove[0]))
        seed, beat = surface_seed(rng), 0.9 * place
        fingers.append(Part(outline, "hatched", glove[:2], seed, (nail,), (x, -0.06), 0.18, beat, 0.8))
    thumb_outline = densify(rounded([(0.26, 0.3), (0.62, -0.12), (0.74, -0.02), (0.34, 0.5)], 0.3))
    thumb = Part(thumb_outline, "hatched", glove[:2], surface_seed(rng), (), (0.3, 0.36), 0.3, 2.0, 0.8)
    return ObjectModel("", (*fingers, thumb, palm), upright=True)


def _house(rng: Rng) -> ObjectModel:
    front, roof = palette(rng), palette(rng, 2)
    ridge = float(rng.uniform(-0.75, -0.55))
    pane = random_color(rng, (0.1, 0.5), (0.6, 1.0))
    windows = [Detail(rounded_box(x, -0.12, x + 0.22, 0.12, 0.05), pane) for x in (-0.4, 0.18)]
    door = Detail(rounded_box(-0.1, 0.1, 0.12, 0.5, 0.02), contrasting(rng, front[0]))
    wall = Part(
        rounded_box(-0.5, -0.3, 0.5, 0.5, 0.02), _surface(rng), front, surface_seed(rng), (*windows, door), relief=0.2
    )
    gable = densify(rounded([(-0.66, -0.22), (0.0, ridge), (0.66, -0.22)], 0.04))
    chimney = Part(rounded_box(0.24, ridge - 0.02, 0.38, -0.3), "speckled", roof, surface_seed(rng), relief=0.3)
    return ObjectModel("", (chimney, wall, Part(gable, "hatched", roof, surface_seed(rng), relief=0.2)), upright=True)


def _butterfly(rng: Rng) -> ObjectModel:
    colors, seeds = palette(rng), (surface_seed(rng), surface_seed(rng))

    def wing(side: int, low: bool) -> Part:
        upper = [(0.03, -0.1), (0.3, -0.62), (0.75, -0.6), (0.66, -0.1), (0.05, 0.05)]
        lower = [(0.03, 0.0), (0.6, 0.02), (0.56, 0.48), (0.24, 0.62), (0.03, 0.2)]
        outline = densify(rounded([(side * x, y) for x, y in (lower if low else upper)], 0.25))
        spot = Detail(ellipse((side * 0.42, 0.3 if low else -0.35), (0.1, 0.1)), contrasting(rng, colors[0]))
        return Part(outline, _surface(rng), colors, seeds[low], (spot,), (0.0, 0.0), 0.22 * side, 0.0, 0.3)

    rings = [Detail(rounded_box(-0.07, y, 0.07, y + 0.05), contrasting(rng, DARK)) for y in (-0.1, 0.1, 0.3)]
    body = Part(ellipse((0, 0.05), (0.08, 0.45)), "speckled", (DARK, DARK * 2), surface_seed(rng), tuple(rings))
    return ObjectModel("", (*(wing(side, low) for low in (True, False) for side in (-1, 1)), body))


def _mushroom(rng: Rng) -> ObjectModel:
    cap, stem = palette(rng), random_color(rng, (0.05, 0.3), (0.7, 1.0))
    foot = densify(rounded([(-0.14, 0.0), (0.14, 0.0), (0.22, 0.6), (-0.22, 0.6)], 0.2))
    shade = Detail(rounded_box(-0.16, 0.02, 0.16, 0.1), stem * 0.6)
    dome = np.concatenate([ellipse((0, 0), (0.6, 0.5), 40)[20:], np.array([(0.5, 0.1), (-0.5, 0.1)])])
    spots = [
        Detail(ellipse((float(rng.uniform(-0.4, 0.4)), float(rng.uniform(-0.34, -0.06))), (0.08, 0.06)), stem)
        for _ in range(5)
    ]
    return ObjectModel(
        "",
        (
            Part(foot, "hatched", (stem, stem * 0.8), surface_seed(rng), (shade,), relief=0.9),
            Part(densify(dome), _surface(rng), cap, surface_seed(rng), tuple(spots), relief=0.9),
        ),
        upright=True,
    )


FAMILIES.update(arrow=_arrow, hand=_hand, house=_house, butterfly=_butterfly, mushroom=_mushroom)
