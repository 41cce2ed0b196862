"""SYNTH-LT: long rendered sequences in which the target leaves, jumps or hides, and comes back elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from toolkit.datasets.sequence import Benchmark
from toolkit.synthetic.actor import Actor, make_actor
from toolkit.synthetic.assets import ASSETS
from toolkit.synthetic.difficulty import SceneDifficulty, difficulty_of
from toolkit.synthetic.generator import ATTEMPTS, IMAGE_SIZE, first_accepted, make_bystander
from toolkit.synthetic.motion import Camera, Curve, still
from toolkit.synthetic.objects import ObjectModel, make_object
from toolkit.synthetic.occluders import make_occluder
from toolkit.synthetic.scene import Scene
from toolkit.synthetic.texture import Rng, stream
from toolkit.synthetic.trajectories import (
    camera_trajectory,
    initial_size,
    motion_range,
    pose_track,
    random_imaging,
    random_path,
    scale_course,
)

COUNT = 220
PACE = 7.0  # pixels per frame on the way out, in, or behind a wall
WALL_MARGIN = 1.6  # a hiding place is this much larger than the target

PLANS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("hide_1", "car", ("hide", "hide"), ()),
    ("hide_2", "person", ("hide", "hide"), ("deformation",)),
    ("hide_3", "animal", ("hide", "hide"), ("distractors",)),
    ("jump_1", "ball", ("jump", "jump", "jump"), ()),
    ("jump_2", "face", ("jump", "jump", "jump"), ("distractors",)),
    ("leave_1", "card", ("leave", "leave"), ()),
    ("leave_2", "fish", ("leave", "leave"), ("distractors",)),
    ("leave_3", "car", ("leave", "leave"), ("illumination",)),
    ("mixed_1", "star", ("leave", "jump", "hide"), ("rotation",)),
    ("mixed_2", "person", ("hide", "leave", "jump"), ("distractors",)),
)
"""(name, target, what happens in turn, further attributes), sorted by name."""


@dataclass
class Route:
    """A path in view pixels that grows event by event.

    Attributes:
        points: (2,) positions so far, one per frame.
        walls: (first frame, last frame, place in view pixels) of every hiding place.
    """

    low: Curve
    high: Curve
    size: tuple[int, int]
    points: list[Curve] = field(default_factory=list)
    walls: list[tuple[int, int, Curve]] = field(default_factory=list)

    def elsewhere(self, rng: Rng) -> Curve:
        """A place in view at least a third of the image's width from the last point."""
        for _ in range(100):
            place = rng.uniform(self.low, self.high)
            if np.hypot(*(place - self.points[-1])) > self.size[0] / 3:
                return place
        return self.low if np.hypot(*(self.low - self.points[-1])) > self.size[0] / 3 else self.high

    def go(self, target: Curve) -> None:
        """Moves straight to `target` at the usual pace."""
        start = self.points[-1]
        frames = max(int(np.ceil(np.hypot(*(target - start)) / PACE)), 1)
        self.points += [start + (target - start) * step / frames for step in range(1, frames + 1)]

    def wait(self, frames: int) -> None:
        """Stays at the last point."""
        self.points += [self.points[-1]] * frames

    def jump(self, rng: Rng) -> None:
        """Is somewhere else in the next frame, in view all the time."""
        self.points.append(self.elsewhere(rng))

    def leave(self, rng: Rng) -> None:
        """Goes out through one side and comes back through the other, at another height."""
        right = self.points[-1][0] > self.size[0] / 2
        beyond = np.array([-1.4 * self.low[0], self.size[0] + 1.4 * self.low[0]])
        self.go(np.array([beyond[int(right)], self.points[-1][1]]))
        self.wait(int(rng.integers(12, 24)))
        height = rng.uniform(self.low[1], self.high[1])
        self.points.append(np.array([beyond[int(not right)], height]))
        self.go(np.array([(self.low, self.high)[int(not right)][0], height]))

    def hide(self, rng: Rng) -> None:
        """Goes behind a wall, is away for some frames, and comes out from behind another one elsewhere."""
        away = int(rng.integers(7, 12))
        first = self.elsewhere(rng)
        self.go(first)
        self.walls.append((len(self.points) - 1, len(self.points) - 1 + away, first))
        self.wait(away)
        second = self.elsewhere(rng)
        self.points.append(second)
        self.walls.append((len(self.points) - 1, len(self.points) - 1 + away, second))
        self.wait(away)
        self.go(rng.uniform(self.low, self.high))


def synth_longterm_benchmark(seed: int = 0) -> Benchmark:
    """SYNTH-LT: 10 rendered sequences of 220 frames of 320 x 240 pixels, long-term protocol.

    The target leaves through one side and returns through the other, jumps across the image, or goes behind one wall
    and comes out from behind another. `visible` is exact (False where less than 10 % of the target is seen), and the
    ground-truth row is NaN exactly there; the rest is as in `synth_benchmark`.
    """
    return Benchmark("SYNTH-LT", "longterm", tuple(longterm_scene(seed, *plan).sequence() for plan in PLANS))


def longterm_scene(
    seed: int, name: str, family: str, events: tuple[str, ...], attributes: tuple[str, ...] = (), count: int = COUNT
) -> Scene:
    """A long scene in which the `events` (`leave`, `jump`, `hide`) happen to the target one after the other.

    Its target is wholly visible in frame 0, absent for 5 % to 50 % of the frames where it leaves or hides, and in
    sight at the end. Raises `DatasetError` when no such scene is drawn within `ATTEMPTS`.
    """
    difficulty = difficulty_of(attributes)
    streams = (stream(seed, name, "longterm", attempt) for attempt in range(ATTEMPTS))
    scenes = (_draw(rng, seed, name, family, events, attributes, difficulty, count) for rng in streams)

    def is_long_term(scene: Scene) -> bool:
        absent = 1 - scene.ground_truth.visible.mean()
        enough = absent == 0 if set(events) == {"jump"} else 0.05 <= absent <= 0.5
        return bool(enough and scene.ground_truth.cover[-10:].min() > 0.6)

    return first_accepted(name, scenes, is_long_term)


def _draw(
    rng: Rng,
    seed: int,
    name: str,
    family: str,
    events: tuple[str, ...],
    attributes: tuple[str, ...],
    difficulty: SceneDifficulty,
    count: int,
) -> Scene | None:
    """One draw; None when the events take more frames than there are."""
    model = make_object(rng, family)
    camera = camera_trajectory(rng, difficulty, count, IMAGE_SIZE)
    start = initial_size(rng, difficulty, model)
    size = scale_course(rng, difficulty, model, camera, start)
    low, high = motion_range(difficulty, model, camera, float(size.max()))
    route = _plan_route(rng, difficulty, events, low, high, start, count)
    if len(route.points) > count:
        return None
    center = camera.to_world(np.array(route.points))
    walls = []
    for first, last, _ in route.walls:
        center[first : last + 1] = center[(first + last) // 2]
        width, height = WALL_MARGIN * float(size[first : last + 1].max()) * np.array(model.extent())
        kind = str(rng.choice(["wall", "wall", "trunk"]))
        wall = make_occluder(rng, kind, float(width), float(height))
        walls.append(Actor(wall, still(center[first], count), 1.0, 0.0))
    target = make_actor(model, pose_track(rng, difficulty, center, size), camera)
    distractors = tuple(_wanderer(rng, difficulty, model, camera, start) for _ in range(difficulty.distractors))
    bystanders = tuple(
        make_bystander(rng, difficulty, camera, ASSETS["training"]) for _ in range(difficulty.bystanders)
    )
    imaging = random_imaging(rng, difficulty, count, ASSETS["training"])
    kinds = tuple(sorted({EVENT_ATTRIBUTES[event] for event in events} | set(attributes)))
    return Scene(name, seed, camera, target, bystanders, distractors, tuple(walls), imaging, kinds, True)


EVENT_ATTRIBUTES = {"leave": "out_of_view", "jump": "fast_motion", "hide": "occlusion"}


def _plan_route(
    rng: Rng, difficulty: SceneDifficulty, events: tuple[str, ...], low: Curve, high: Curve, size: float, count: int
) -> Route:
    """Wanders between the events, and after the last one until the end."""
    route = Route(low, high, IMAGE_SIZE, [rng.uniform(low, high)])
    for event in (*events, ""):
        frames = int(rng.integers(20, 28)) if event else max(count - len(route.points) + 1, 12)
        route.points += list(random_path(rng, difficulty, frames, low, high, size, route.points[-1]))[1:]
        if event:
            getattr(route, event)(rng)
    return route


def _wanderer(rng: Rng, difficulty: SceneDifficulty, model: ObjectModel, camera: Camera, size: float) -> Actor:
    """A distractor that moves in view on its own, whether the target is there or not."""
    count = len(camera.zoom)
    low, high = motion_range(difficulty, model, camera, size)
    path = camera.to_world(random_path(rng, difficulty, count, low, high, size))
    track = pose_track(rng, difficulty, path, np.full(count, size))
    return make_actor(model.similar(rng), track, camera)
