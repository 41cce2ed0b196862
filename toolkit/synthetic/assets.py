"""What a scene is made of: objects, occluders and places that belong together, for training, validation or test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.synthetic import held_out  # noqa: F401  (adds what `val` and `test` name)


@dataclass(frozen=True)
class Assets:
    """Names of what may appear in a scene.

    Attributes:
        families: of objects, keys of `objects.FAMILIES`.
        turning: those of them that can be turned on their head.
        bending: those with soft bodies, or with limbs.
        places: keys of `background.PLACES`.
        clutter: key of `background.CLUTTERS`.
        occluders: keys of `occluders.OCCLUDERS`.
    """

    families: tuple[str, ...]
    turning: tuple[str, ...]
    bending: tuple[str, ...]
    places: tuple[str, ...]
    clutter: str
    occluders: tuple[str, ...]

    def able(self, pose: str) -> tuple[str, ...]:
        """The families for a pose of `SceneDifficulty`: `turning`, `bending`, or all."""
        return {"turning": self.turning, "bending": self.bending}.get(pose, self.families)


ASSETS: Mapping[str, Assets] = {
    "training": Assets(
        families=("ball", "card", "car", "person", "animal", "fish", "face", "blob", "star", "bottle"),
        turning=("card", "star", "blob", "fish", "ball", "car"),
        bending=("person", "animal", "fish", "blob"),
        places=("street", "meadow", "water", "indoor", "gravel"),
        clutter="clutter",
        occluders=("pole", "trunk", "wall", "bush"),
    ),
    "val": Assets(
        families=("arrow", "hand", "house", "butterfly", "mushroom"),
        turning=("arrow", "butterfly", "mushroom"),
        bending=("hand", "butterfly"),
        places=("dunes", "tiles", "clouds"),
        clutter="ribbons",
        occluders=("crate",),
    ),
    "test": Assets(
        families=("gear", "kite", "boat", "robot", "crab", "bird", "clock", "leaf", "flower", "mug"),
        turning=("gear", "kite", "clock", "leaf", "flower", "crab"),
        bending=("robot", "crab", "bird", "leaf"),
        places=("brick", "forest", "night", "snow", "carpet"),
        clutter="shards",
        occluders=("fence", "column"),
    ),
}
"""What SYNTH, SYNTH-LT and training scenes are made of, and what is held out of these for SYNTH-val and SYNTH-test."""
