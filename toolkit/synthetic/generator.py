"""Puts a scene together: casts the figures, directs them, and checks that its first frame is a fair start."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass

import numpy as np

from toolkit.errors import DatasetError
from toolkit.synthetic.actor import Actor
from toolkit.synthetic.difficulty import ATTRIBUTES, SceneDifficulty, difficulty_of
from toolkit.synthetic.ground_truth import cut_box, seen_share
from toolkit.synthetic.motion import Camera, Track, still
from toolkit.synthetic.objects import FAMILIES, Figure, make_figure
from toolkit.synthetic.occluders import PROPS, make_prop
from toolkit.synthetic.scene import Scene
from toolkit.synthetic.texture import Rng, stream
from toolkit.synthetic.trajectories import direct_camera, direct_light, direct_lookalike, direct_target, starting_size

ATTEMPTS = 40
IMAGE_SIZE = (320, 240)


def random_scene(
    seed: int,
    attributes: AbstractSequence[str] | None = None,
    count: int = 72,
    size: tuple[int, int] = IMAGE_SIZE,
    family: str | None = None,
    name: str | None = None,
    accept: Callable[[Scene], bool] = lambda scene: True,
) -> Scene:
    """Draws a scene with one target: the building block of SYNTH, and a source of training data.

    Args:
        seed: with `name` it fixes everything; equal arguments give equal frames.
        attributes: keys of `difficulty.ATTRIBUTES`; None draws one to three of them.
        count: number of frames.
        size: (width, height) of the frames.
        family: what the target is, a key of `figures.FAMILIES`; None draws one.
        name: of the sequence; `scene_<seed>` when None.
        accept: what else a drawn scene must fulfil; draws are repeated until it says True.

    Returns:
        A scene whose target is wholly visible in frame 0, with no side shorter than 24 pixels there.

    Raises:
        DatasetError: an attribute or family that does not exist, or no accepted scene within `ATTEMPTS` draws.
    """
    name = f"scene_{seed}" if name is None else name
    if attributes is None:
        rng = stream(seed, name, "attributes")
        attributes = [str(a) for a in rng.choice(list(ATTRIBUTES), int(rng.integers(1, 4)), replace=False)]
    if family is not None and family not in FAMILIES:
        raise DatasetError(f"'{family}' is not a figure. Choose from: {', '.join(FAMILIES)}.")
    order = SceneRequest(seed, name, tuple(attributes), count, size, family)
    return first_accepted(order.name, (order.draw(attempt) for attempt in range(ATTEMPTS)), accept)


def first_accepted(name: str, scenes: Iterable[Scene | None], accept: Callable[[Scene], bool]) -> Scene:
    """The first of the drawn scenes that is a fair start and accepted; `DatasetError` when there is none."""
    for scene in scenes:
        if scene is not None and is_fair_start(scene) and accept(scene):
            return scene
    raise DatasetError(
        f"No fair scene '{name}' within {ATTEMPTS} draws: the target never starts wholly visible and then does what "
        "is asked. Take another seed, more frames, larger frames, or fewer attributes or events."
    )


def is_fair_start(scene: Scene) -> bool:
    """True when frame 0 shows the whole target, no side of its box shorter than 24 pixels."""
    outlines = scene.outlines(0)
    cover, _ = seen_share(outlines, scene.front, 0, scene.camera.matrix(0), scene.size)
    return cover > 0.999 and float(np.min(cut_box(outlines, scene.size)[2:])) >= 24


@dataclass(frozen=True)
class SceneRequest:
    """What `random_scene` was asked for; see there."""

    seed: int
    name: str
    attributes: tuple[str, ...]
    count: int
    size: tuple[int, int]
    family: str | None

    def draw(self, attempt: int) -> Scene:
        """One draw: a scene that may or may not be a fair one. Occluders that cover the start are left away."""
        rng = stream(self.seed, self.name, "scene", attempt)
        difficulty = difficulty_of(self.attributes)
        choices = [self.family] if self.family else list(difficulty.families or FAMILIES)
        figure = make_figure(rng, str(rng.choice(choices)))
        camera = direct_camera(rng, difficulty, self.count, self.size)
        track = direct_target(rng, difficulty, figure, camera)
        target = Actor(figure, track, largest_scale(track, camera))
        scenery = tuple(cast_bystander(rng, difficulty, camera) for _ in range(difficulty.bystanders))
        behind = tuple(cast_lookalikes(rng, difficulty, figure, track, camera))
        moments = range(difficulty.occluders)
        front = [cast_occluder(rng, figure, track, camera, moment, len(moments)) for moment in moments]
        clear = tuple(actor for actor in front if _leaves_clear(actor, target, camera))
        look = direct_light(rng, difficulty, self.count)
        return Scene(self.name, self.seed, camera, target, scenery, behind, clear, look, self.attributes)


def _leaves_clear(actor: Actor, target: Actor, camera: Camera) -> bool:
    matrix = camera.matrix(0)
    return seen_share(target.outlines(0, matrix), (actor,), 0, matrix, camera.size)[0] > 0.999


def largest_scale(track: Track, camera: Camera) -> float:
    """The most image pixels that one figure unit of an actor on `track` ever takes."""
    return float((track.size * camera.zoom).max())


def cast_bystander(rng: Rng, difficulty: SceneDifficulty, camera: Camera) -> Actor:
    """An unrelated thing that stands somewhere in the world that the camera sees."""
    figure = make_figure(rng, str(rng.choice(list(FAMILIES))))
    left, top, width, height = camera.world_bounds()
    place = (float(left + rng.uniform(0, width)), float(top + rng.uniform(0.2, 0.95) * height))
    track = still(place, len(camera.zoom), starting_size(rng, difficulty, figure) * rng.uniform(0.6, 1.1))
    return Actor(figure, track, largest_scale(track, camera))


def cast_lookalikes(rng: Rng, difficulty: SceneDifficulty, figure: Figure, track: Track, camera: Camera) -> list[Actor]:
    """Similar things that move about the target; they pass behind it."""
    tracks = [direct_lookalike(rng, difficulty, track, place) for place in range(difficulty.lookalikes)]
    return [Actor(figure.lookalike(rng), path, largest_scale(path, camera)) for path in tracks]


def cast_occluder(rng: Rng, figure: Figure, track: Track, camera: Camera, place: int, places: int) -> Actor:
    """A thing that stands where the target is at the given one of `places` moments of the scene."""
    count = len(camera.zoom)
    moment = int(count * (0.25 + 0.6 * (place + rng.uniform(0.2, 0.8)) / places))
    wide, tall = np.array(figure.extent()) * track.size[moment]
    kind = str(rng.choice(PROPS))
    shapes = {"pole": (0.5, 3.0), "trunk": (0.8, 3.4), "wall": (1.0, 1.8), "bush": (1.2, 0.9)}
    width, height = np.array(shapes[kind]) * (wide, tall) * rng.uniform(0.85, 1.15, 2)
    center = track.center[moment] + (0, {"bush": 0.25, "wall": 0.3}.get(kind, 0.0) * tall)
    spot = still(center, count)
    return Actor(make_prop(rng, kind, float(width), float(height)), spot, largest_scale(spot, camera), 0.0)
