"""The objects that move: balls, cards, cars, people, animals, fish, faces, blobs, stars and bottles, as painted parts.

A model has its own frame: y down, origin at the center of its rest-pose box, whose width times height is 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from toolkit.synthetic.outline import Points, blob, bounds, densify, ellipse, rounded, rounded_box, star
from toolkit.synthetic.texture import TRAINING_PATTERNS, Color, Rng, contrasting, jitter_color, palette, random_color

DARK = np.array([40, 34, 32], np.float32)
LIGHT = np.array([235, 238, 240], np.float32)


@dataclass(frozen=True, eq=False)
class Detail:
    """Something painted on a part: a filled outline, or `text` written across the outline's box."""

    outline: Points
    color: Color
    text: str = ""


@dataclass(frozen=True, eq=False)
class Part:
    """One rigid, textured part of an object.

    `swing` is the amplitude in radians of its rotation about `pivot`, `beat` its phase against the other parts;
    `relief` 0..1 is how strongly it is shaded as a solid body; `seed` draws its surface.
    """

    outline: Points
    pattern: str
    colors: tuple[Color, ...]
    seed: int
    details: tuple[Detail, ...] = ()
    pivot: tuple[float, float] = (0.0, 0.0)
    swing: float = 0.0
    beat: float = 0.0
    relief: float = 0.7
    grain: float = 30.0


@dataclass(frozen=True, eq=False)
class ObjectModel:
    """An articulated object: rigid parts in painting order. `upright` ones look wrong upside down."""

    family: str
    parts: tuple[Part, ...]
    upright: bool = False

    def poses(self, phase: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., P, 3, 3): how every part stands, turned about its pivot, at `phase` (...) radians of the gait."""
        pivot, swing, beat = self._joints
        angle = swing * np.sin(np.asarray(phase)[..., None] + beat)
        cos, sin, (x, y) = np.cos(angle), np.sin(angle), pivot.T
        matrix = np.zeros((*angle.shape, 3, 3))
        matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 0, 2] = cos, -sin, x - cos * x + sin * y
        matrix[..., 1, 0], matrix[..., 1, 1], matrix[..., 1, 2] = sin, cos, y - sin * x - cos * y
        matrix[..., 2, 2] = 1
        return matrix

    @cached_property
    def points(self) -> tuple[Points, NDArray[np.int64]]:
        """All outlines as one (K, 2) array, and the (P,) number of points of each part."""
        return np.concatenate([part.outline for part in self.parts]), np.array([len(p.outline) for p in self.parts])

    @cached_property
    def _joints(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        parts = self.parts
        return np.array([p.pivot for p in parts]), np.array([p.swing for p in parts]), np.array([p.beat for p in parts])

    def extent(self) -> tuple[float, float]:
        """(width, height) of the rest pose in the model's own units."""
        left, top, right, bottom = bounds(part.outline for part in self.parts)
        return right - left, bottom - top

    def colors(self) -> tuple[Color, ...]:
        """The colors of its largest part."""
        boxes = [bounds([part.outline]) for part in self.parts]
        areas = [(right - left) * (bottom - top) for left, top, right, bottom in boxes]
        return self.parts[int(np.argmax(areas))].colors

    def similar(self, rng: Rng) -> ObjectModel:
        """A distractor, another individual of the same kind: same outlines, colors a little off, surface drawn anew."""
        shift = rng.normal(0, 12, 3).astype(np.float32)

        def other(part: Part) -> Part:
            colors = tuple(jitter_color(rng, np.clip(color + shift, 0, 255), 5) for color in part.colors)
            return replace(part, colors=colors, seed=part.seed + 1 + int(rng.integers(1 << 20)))

        return replace(self, parts=tuple(other(part) for part in self.parts))


def make_object(rng: Rng, family: str) -> ObjectModel:
    """Draws an individual of `family` (a key of `FAMILIES`), normalized to the model frame."""
    model = FAMILIES[family](rng)
    left, top, right, bottom = bounds(part.outline for part in model.parts)
    center = np.array([(left + right) / 2, (top + bottom) / 2])
    scale = 1 / np.sqrt((right - left) * (bottom - top))

    def place(points: Points) -> Points:
        return np.asarray((points - center) * scale)

    parts = []
    for part in model.parts:
        details = tuple(replace(detail, outline=place(detail.outline)) for detail in part.details)
        x, y = place(np.asarray(part.pivot))
        parts.append(replace(part, outline=densify(place(part.outline)), details=details, pivot=(float(x), float(y))))
    return replace(model, family=family, parts=tuple(parts))


def surface_seed(rng: Rng) -> int:
    """What draws the surface of a part."""
    return int(rng.integers(1 << 30))


def _pattern(rng: Rng) -> str:
    return str(rng.choice(TRAINING_PATTERNS))


def random_word(rng: Rng, length: int) -> str:
    """Letters and digits that are told apart when small."""
    return "".join(rng.choice(list("ABCDEFGHKLMNPRSTUXYZ23456789"), length))


def _ball(rng: Rng) -> ObjectModel:
    colors = palette(rng)
    center = (float(rng.uniform(-0.2, 0.2)), float(rng.uniform(-0.2, 0.2)))
    spot = Detail(ellipse(center, (0.17, 0.17)), contrasting(rng, colors[0]))
    pattern = str(rng.choice(["patches", "stripes", "dots", "checks"]))
    return ObjectModel(
        "", (Part(ellipse((0, 0), (0.5, 0.5), 48), pattern, colors, surface_seed(rng), (spot,), relief=1.0),)
    )


def _card(rng: Rng) -> ObjectModel:
    colors = palette(rng)
    width, height = 0.5 * rng.uniform(0.8, 1.25), 0.5 * rng.uniform(0.8, 1.25)
    corners = np.array([(-width, -height), (width, -height), (width, height), (-width, height)])
    outline = rounded(corners + rng.uniform(-0.06, 0.06, (4, 2)), 0.12)
    band = Detail(rounded_box(-0.8 * width, -0.35 * height, 0.8 * width, 0.45 * height), contrasting(rng, colors[0]))
    word = Detail(
        rounded_box(-0.68 * width, -0.25 * height, 0.68 * width, 0.35 * height),
        contrasting(rng, band.color),
        random_word(rng, int(rng.integers(2, 4))),
    )
    badge = Detail(ellipse((0.0, -0.66 * height), (0.16, 0.13)), contrasting(rng, colors[0]))
    return ObjectModel("", (Part(outline, _pattern(rng), colors, surface_seed(rng), (band, word, badge), relief=0.35),))


def _car(rng: Rng) -> ObjectModel:
    paint, roof = random_color(rng, (0.4, 0.9), (0.4, 0.9)), float(rng.uniform(-0.42, -0.34))
    body = [(-0.9, 0.3), (-0.92, 0.02), (-0.62, -0.06), (-0.38, roof), (0.32, roof), (0.56, -0.06), (0.9, 0.0)]
    glass = np.array([110, 90, 70], np.float32) * rng.uniform(0.5, 1.2)
    split = float(rng.uniform(-0.08, 0.08))
    details = (
        Detail(
            rounded([(-0.5, -0.06), (-0.34, roof + 0.06), (split - 0.03, roof + 0.06), (split - 0.03, -0.06)]), glass
        ),
        Detail(
            rounded([(split + 0.03, -0.06), (split + 0.03, roof + 0.06), (0.28, roof + 0.06), (0.44, -0.06)]), glass
        ),
        Detail(rounded_box(-0.9, 0.1, 0.9, 0.16), contrasting(rng, paint)),
        Detail(ellipse((0.84, 0.08), (0.07, 0.06)), LIGHT),
        Detail(ellipse((-0.86, 0.08), (0.05, 0.06)), np.array([40, 40, 200], np.float32)),
    )
    shell = Part(
        densify(rounded([*body, (0.92, 0.3)], 0.25)),
        "plain",
        (paint, paint * 0.6),
        surface_seed(rng),
        details,
        relief=0.6,
    )
    wheels = []
    for x in (-0.54, 0.54):
        hub = Detail(ellipse((x, 0.3), (0.09, 0.09)), LIGHT * 0.75)
        wheels.append(
            Part(ellipse((x, 0.3), (0.19, 0.19)), "plain", (DARK, DARK * 1.4), surface_seed(rng), (hub,), relief=0.3)
        )
    return ObjectModel("", (shell, *wheels), upright=True)


def limb(rng: Rng, top: tuple[float, float], length: float, width: float, color: Color, beat: float) -> Part:
    """An arm or a leg that hangs from `top` and swings about it, with a dark foot; `width` is half of its own."""
    x, y = top
    outline = rounded_box(x - width, y - width, x + width, y + length, 0.3)
    foot = Detail(rounded_box(x - width, y + 0.8 * length, x + width, y + length), DARK)
    shades = (color, color * 0.7)
    return Part(outline, "plain", shades, surface_seed(rng), (foot,), pivot=top, swing=0.45, beat=beat, relief=0.5)


def _person(rng: Rng) -> ObjectModel:
    shirt, trousers = palette(rng, 2)
    skin = np.array([110, 150, 205], np.float32) * rng.uniform(0.5, 1.1)
    hair = Detail(ellipse((0, -0.82), (0.16, 0.11)), DARK * rng.uniform(0.6, 3))
    head = Part(ellipse((0, -0.74), (0.14, 0.18)), "plain", (skin, skin * 0.85), surface_seed(rng), (hair,))
    logo = Detail(rounded_box(-0.14, -0.4, 0.14, -0.16), contrasting(rng, shirt), random_word(rng, 2))
    torso_colors = (shirt, contrasting(rng, shirt))
    pattern = str(rng.choice(["stripes", "plain", "checks"]))
    torso = Part(rounded_box(-0.25, -0.58, 0.25, 0.12, 0.25), pattern, torso_colors, surface_seed(rng), (logo,))
    return ObjectModel(
        "",
        (
            limb(rng, (-0.22, -0.46), 0.55, 0.075, skin, np.pi),
            limb(rng, (-0.1, 0.1), 0.85, 0.115, trousers * 0.8, 0.0),
            limb(rng, (0.1, 0.1), 0.85, 0.115, trousers, np.pi),
            torso,
            head,
            limb(rng, (0.22, -0.46), 0.55, 0.075, skin * 0.9, 0.0),
        ),
        upright=True,
    )


def _animal(rng: Rng) -> ObjectModel:
    coat = palette(rng)
    pattern = str(rng.choice(["patches", "mottled", "stripes", "dots"]))
    body = Part(ellipse((0, 0), (0.62, 0.3), 40), pattern, coat, surface_seed(rng))
    eye = Detail(ellipse((0.72, -0.36), (0.04, 0.04)), DARK)
    muzzle = Detail(ellipse((0.9, -0.22), (0.09, 0.08)), coat[0] * 0.5)
    head_outline = rounded([(0.45, -0.1), (0.5, -0.5), (0.62, -0.56), (0.96, -0.3), (0.94, -0.16)], 0.25)
    head = Part(head_outline, pattern, coat, surface_seed(rng), (eye, muzzle), pivot=(0.5, -0.2), swing=0.15)
    tail = Part(
        rounded([(-0.55, -0.16), (-0.95, 0.18), (-0.88, 0.24), (-0.5, -0.02)]),
        "plain",
        coat[:2],
        surface_seed(rng),
        pivot=(-0.55, -0.1),
        swing=0.4,
        beat=1.0,
    )
    legs = [limb(rng, (x, 0.1), 0.62, 0.085, coat[0] * shade, beat) for x, shade, beat in LEGS]
    return ObjectModel("", (tail, *legs[:2], body, *legs[2:], head), upright=True)


LEGS = ((-0.38, 0.6, 0.0), (0.34, 0.6, np.pi), (-0.48, 0.85, np.pi), (0.44, 0.85, 0.0))
"""An animal's legs: x of the hip, shade against the coat, phase of the gait."""


def _fish(rng: Rng) -> ObjectModel:
    colors = palette(rng)
    pattern = str(rng.choice(["stripes", "patches", "dots"]))
    eye = (Detail(ellipse((0.38, -0.07), (0.07, 0.07)), LIGHT), Detail(ellipse((0.39, -0.07), (0.035, 0.04)), DARK))
    fin = Detail(rounded([(-0.1, 0.0), (0.12, 0.06), (-0.2, 0.2)]), colors[-1])
    body = Part(ellipse((0, 0), (0.6, 0.34), 40), pattern, colors, surface_seed(rng), (*eye, fin), relief=0.9)
    tail_outline = rounded([(-0.45, -0.06), (-0.98, -0.36), (-0.84, 0.0), (-0.98, 0.36), (-0.45, 0.06)], 0.15)
    tail = Part(tail_outline, "stripes", colors[1:], surface_seed(rng), pivot=(-0.5, 0.0), swing=0.4)
    return ObjectModel("", (tail, body))


def _face(rng: Rng) -> ObjectModel:
    skin = np.array([120, 160, 215], np.float32) * rng.uniform(0.5, 1.1)
    hair = DARK * float(rng.uniform(0.6, 3))
    eyes = [Detail(ellipse((x, -0.05), (0.07, 0.045)), LIGHT) for x in (-0.18, 0.18)]
    pupils = [Detail(ellipse((x, -0.05), (0.035, 0.045)), DARK) for x in (-0.17, 0.19)]
    brows = [Detail(rounded_box(x - 0.09, -0.19, x + 0.09, -0.14), hair) for x in (-0.18, 0.18)]
    mouth = Detail(ellipse((0, 0.36), (0.15, 0.04)), np.array([70, 60, 160], np.float32))
    nose = Detail(rounded([(-0.05, 0.16), (0.0, -0.05), (0.06, 0.16)]), skin * 0.75)
    cap = Detail(rounded([(-0.5, -0.2), (-0.4, -0.7), (0.4, -0.7), (0.5, -0.2), (0.2, -0.4), (-0.2, -0.4)]), hair)
    details = (cap, *eyes, *pupils, *brows, mouth, nose)
    head = Part(
        ellipse((0, 0), (0.44, 0.6), 48), "plain", (skin, skin * 0.8), surface_seed(rng), details, relief=0.8, grain=14
    )
    return ObjectModel("", (head,), upright=True)


def _blob(rng: Rng) -> ObjectModel:
    pattern = str(rng.choice(["patches", "mottled", "checks", "dots"]))
    mark = Detail(blob(rng) * 0.3 + rng.uniform(-0.12, 0.12, 2), random_color(rng, (0.5, 0.9), (0.3, 1)))
    return ObjectModel("", (Part(densify(blob(rng)), pattern, palette(rng), surface_seed(rng), (mark,), grain=45),))


def _star(rng: Rng) -> ObjectModel:
    colors = palette(rng)
    heart = Detail(ellipse((0, 0), (0.16, 0.16)), contrasting(rng, colors[0]))
    outline = star(int(rng.integers(5, 8)), float(rng.uniform(0.5, 0.7)), float(rng.uniform(0, 1)))
    return ObjectModel("", (Part(outline, _pattern(rng), colors, surface_seed(rng), (heart,)),))


def _bottle(rng: Rng) -> ObjectModel:
    colors = palette(rng)
    corners = [(-0.26, 0.7), (-0.26, -0.2), (-0.12, -0.45), (-0.12, -0.7), (0.12, -0.7), (0.12, -0.45), (0.26, -0.2)]
    label = Detail(rounded_box(-0.26, -0.08, 0.26, 0.42, 0.05), contrasting(rng, colors[0]))
    word = Detail(rounded_box(-0.23, 0.04, 0.23, 0.28), contrasting(rng, label.color), random_word(rng, 3))
    lid = Detail(rounded_box(-0.14, -0.72, 0.14, -0.58), contrasting(rng, colors[0]))
    outline = rounded([*corners, (0.26, 0.7)], 0.2)
    return ObjectModel("", (Part(outline, "plain", colors, surface_seed(rng), (label, word, lid), relief=1.0),))


FAMILIES: dict[str, Callable[[Rng], ObjectModel]] = {
    "ball": _ball,
    "card": _card,
    "car": _car,
    "person": _person,
    "animal": _animal,
    "fish": _fish,
    "face": _face,
    "blob": _blob,
    "star": _star,
    "bottle": _bottle,
}
"""Families by name; those of held-out scenes are added by `toolkit.synthetic.held_out`."""
