"""Scene generator: draws objects and trajectories, and checks that the first frame is a fair start."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass

import numpy as np

from toolkit.errors import DatasetError
from toolkit.synthetic.actor import Actor, make_actor
from toolkit.synthetic.assets import ASSETS, Assets
from toolkit.synthetic.difficulty import ATTRIBUTES, SceneDifficulty, difficulty_of
from toolkit.synthetic.ground_truth import cut_box, seen_share
from toolkit.synthetic.motion import Camera, still
from toolkit.synthetic.objects import make_object
from toolkit.synthetic.occluders import OCCLUDERS, make_occluder
from toolkit.synthetic.scene import Scene
from toolkit.synthetic.texture import Rng, stream
from toolkit.synthetic.trajectories import (
    camera_trajectory,
    distractor_trajectory,
    initial_size,
    random_imaging,
    target_trajectory,
)

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
    assets: str = "training",
) -> Scene:
    """Draws a scene with one target: the building block of SYNTH, and a source of training data.

    Args:
        seed: with `name` it fixes everything; equal arguments give equal frames.
        attributes: keys of `difficulty.ATTRIBUTES`; None draws one to three of them.
        count: number of frames.
        size: (width, height) of the frames.
        family: what the target is, one of the assets' families; None draws one.
        name: of the sequence; `scene_<seed>` when None.
        accept: what else a drawn scene must meet; draws are repeated until it says True.
        assets: which objects, surfaces and places there are, a key of `assets.ASSETS`; those of `val` and `test` are
            in no scene of another's, hence in none that is trained on.

    Returns:
        A scene whose target is wholly visible in frame 0, with no side shorter than 24 pixels there.

    Raises:
        DatasetError: an attribute, family or assets that do not exist, or no accepted scene within `ATTEMPTS` draws.
    """
    name = f"scene_{seed}" if name is None else name
    if attributes is None:
        rng = stream(seed, name, "attributes")
        attributes = [str(a) for a in rng.choice(list(ATTRIBUTES), int(rng.integers(1, 4)), replace=False)]
    if assets not in ASSETS:
        raise DatasetError(f"'{assets}' are no assets of rendered scenes. Choose from: {', '.join(ASSETS)}.")
    families = ASSETS[assets].families
    if family is not None and family not in families:
        raise DatasetError(f"'{family}' is not an object family of '{assets}'. Choose from: {', '.join(families)}.")
    request = SceneRequest(seed, name, tuple(attributes), count, size, family, ASSETS[assets])
    return first_accepted(name, (request.draw(attempt) for attempt in range(ATTEMPTS)), accept)


def first_accepted(name: str, scenes: Iterable[Scene | None], accept: Callable[[Scene], bool]) -> Scene:
    """The first of the drawn scenes that is a fair start and accepted; `DatasetError` when there is none.

    A fair start: frame 0 shows the whole target, no side of its box shorter than 24 pixels.
    """
    for scene in scenes:
        if scene is None:
            continue
        outlines = scene.outlines(0)
        cover, _ = seen_share(outlines, scene.front, 0, scene.camera.matrix(0), scene.size)
        if cover > 0.999 and float(np.min(cut_box(outlines, scene.size)[2:])) >= 24 and accept(scene):
            return scene
    raise DatasetError(
        f"No fair scene '{name}' within {ATTEMPTS} draws: the target never starts wholly visible and then does what "
        "is asked. Take another seed, more frames, larger frames, or fewer attributes or events."
    )


@dataclass(frozen=True)
class SceneRequest:
    """What `random_scene` was asked for; see there."""

    seed: int
    name: str
    attributes: tuple[str, ...]
    count: int
    size: tuple[int, int]
    family: str | None
    assets: Assets

    def draw(self, attempt: int) -> Scene:
        """One draw: a scene that may or may not be a fair one. Occluders that cover the start are left away."""
        rng = stream(self.seed, self.name, "scene", attempt)
        difficulty = difficulty_of(self.attributes)
        choices = [self.family] if self.family else list(self.assets.able(difficulty.pose))
        model = make_object(rng, str(rng.choice(choices)))
        camera = camera_trajectory(rng, difficulty, self.count, self.size)
        target = make_actor(model, target_trajectory(rng, difficulty, model, camera), camera)
        bystanders = tuple(make_bystander(rng, difficulty, camera, self.assets) for _ in range(difficulty.bystanders))
        tracks = [distractor_trajectory(rng, difficulty, target.track, k) for k in range(difficulty.distractors)]
        distractors = tuple(make_actor(model.similar(rng), track, camera) for track in tracks)
        moments = range(difficulty.occluders)
        occluders = [place_occluder(rng, self.assets, target, camera, moment, len(moments)) for moment in moments]
        first, matrix = target.outlines(0, camera.matrix(0)), camera.matrix(0)
        clear = tuple(one for one in occluders if seen_share(first, (one,), 0, matrix, self.size)[0] > 0.999)
        imaging = random_imaging(rng, difficulty, self.count, self.assets)
        return Scene(self.name, self.seed, camera, target, bystanders, distractors, clear, imaging, self.attributes)


def make_bystander(rng: Rng, difficulty: SceneDifficulty, camera: Camera, assets: Assets) -> Actor:
    """An unrelated object that stands somewhere in the part of the world that the camera sees."""
    model = make_object(rng, str(rng.choice(assets.families)))
    left, top, width, height = camera.world_bounds
    place = (float(left + rng.uniform(0, width)), float(top + rng.uniform(0.2, 0.95) * height))
    size = initial_size(rng, difficulty, model) * rng.uniform(0.6, 1.1)
    return make_actor(model, still(place, len(camera.zoom), size), camera)


def place_occluder(rng: Rng, assets: Assets, target: Actor, camera: Camera, place: int, places: int) -> Actor:
    """An occluder that stands where the target is at the given one of `places` moments of the scene."""
    count = len(camera.zoom)
    moment = int(count * (0.25 + 0.6 * (place + rng.uniform(0.2, 0.8)) / places))
    wide, tall = np.array(target.model.extent()) * target.track.size[moment]
    kind = str(rng.choice(assets.occluders))
    width, height = np.array(OCCLUDERS[kind].share) * (wide, tall) * rng.uniform(0.85, 1.15, 2)
    center = target.track.center[moment] + (0, OCCLUDERS[kind].drop * tall)
    model = make_occluder(rng, kind, float(width), float(height))
    return make_actor(model, still(center, count), camera, shadow=0.0)
