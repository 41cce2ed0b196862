"""What each attribute means in numbers: how hard a scene's motion, occlusion, light and camera make it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from toolkit.errors import DatasetError


@dataclass(frozen=True)
class SceneDifficulty:
    """Amplitudes of everything that makes tracking hard; the defaults are a mild scene.

    Attributes:
        size: range of the target's size (square root of its box area) at the start, pixels of a 320 x 240 image.
        speed: mean pixels per frame across the view.
        dash: length of sudden moves, in target sizes per frame for three frames; 0 none.
        growth: amplitude of the size's base-2 logarithm.
        turn: amplitude of the rotation, radians.
        squash: by how much it narrows at most, as when turning away from the viewer.
        bend: amplitude of the wave through its body, share of its size.
        gait: radians per frame of its limbs' swing.
        occluders: how many objects it passes behind.
        distractors: how many similar objects move near it.
        bystanders: how many unrelated objects stand about.
        leaves: True when it leaves the view and returns.
        dimming: amplitude of the light's change, share of full light.
        shade: darkness of a large moving shadow.
        exposure: share of the frame interval during which the shutter is open.
        shake, pan: pixels of hand shake, and pixels per frame of smooth camera travel.
        zoom, roll: amplitude of the zoom's base-2 logarithm, and of the camera's roll in radians.
        pixelation: factor by which the picture's resolution is reduced.
        noise: gray levels.
        cluttered: True for a place full of shapes in the target's colors.
        pose: "turning" or "bending" for objects that can be turned on their head, or bend; "" for any.
    """

    size: tuple[float, float] = (42.0, 58.0)
    speed: float = 2.2
    dash: float = 0.0
    growth: float = 0.45
    turn: float = 0.25
    squash: float = 0.2
    bend: float = 0.0
    gait: float = 0.22
    occluders: int = 0
    distractors: int = 0
    bystanders: int = 2
    leaves: bool = False
    dimming: float = 0.1
    shade: float = 0.0
    exposure: float = 0.4
    shake: float = 0.8
    pan: float = 1.2
    zoom: float = 0.0
    roll: float = 0.0
    pixelation: int = 1
    noise: float = 3.0
    cluttered: bool = False
    pose: str = ""


ATTRIBUTES: dict[str, dict[str, object]] = {
    "occlusion": {"occluders": 2, "speed": 2.6},
    "scale_change": {"growth": 1.2},
    "rotation": {"turn": 3.0, "pose": "turning"},
    "fast_motion": {"speed": 5.0, "dash": 0.9},
    "out_of_view": {"leaves": True},
    "distractors": {"distractors": 3},
    "illumination": {"dimming": 0.8, "shade": 0.7},
    "motion_blur": {"exposure": 1.0, "speed": 8.0, "shake": 5.0},
    "deformation": {"bend": 0.16, "squash": 0.5, "gait": 0.4, "pose": "bending"},
    "background_clutter": {"cluttered": True, "bystanders": 6},
    "low_resolution": {"size": (26.0, 30.0), "pixelation": 3, "noise": 6.0},
    "camera_motion": {"shake": 7.0, "pan": 4.5, "zoom": 0.5, "roll": 0.2},
}
"""Attribute name -> the fields of `SceneDifficulty` that it sets."""


def difficulty_of(attributes: Iterable[str]) -> SceneDifficulty:
    """The mild difficulty with the given attributes laid over it, later ones winning. `DatasetError` on a bad name."""
    difficulty = SceneDifficulty()
    for name in attributes:
        if name not in ATTRIBUTES:
            raise DatasetError(
                f"'{name}' is not an attribute of a rendered scene. Choose from: {', '.join(ATTRIBUTES)}."
            )
        difficulty = replace(difficulty, **ATTRIBUTES[name])  # type: ignore[arg-type]
    return difficulty
