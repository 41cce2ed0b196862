"""Random trajectories of target, distractors and camera, and the course of the light, as hard as a difficulty says."""

from __future__ import annotations

import numpy as np

from toolkit.synthetic.assets import Assets
from toolkit.synthetic.difficulty import SceneDifficulty
from toolkit.synthetic.imaging import Imaging
from toolkit.synthetic.motion import Camera, Curve, Track, jitter, through, wave
from toolkit.synthetic.objects import ObjectModel
from toolkit.synthetic.texture import Rng

KNOT = 18  # frames between the bends of a trajectory
SHORTEST_SIDE = 25.0  # pixels of a target's shorter side in frame 0


def camera_trajectory(rng: Rng, difficulty: SceneDifficulty, count: int, size: tuple[int, int]) -> Camera:
    """Draws the path of a traveling, shaking, zooming camera that starts at the world's origin."""
    knots = max(count // 25, 1) + 1
    steps = rng.normal(0, 1, (knots, 2)) * (1, 0.4)
    steps *= difficulty.pan * count / (knots - 1) / np.maximum(np.hypot(*steps.T)[:, None], 1e-6)
    waypoints = np.cumsum(steps, axis=0) - steps[0]
    steady = through(waypoints, np.linspace(0, max(count - 1, 1), knots), count)
    zoom = 2 ** wave(rng, count, difficulty.zoom, 70)
    return Camera(
        size, steady + jitter(rng, count, difficulty.shake), zoom, wave(rng, count, difficulty.roll, 60), steady
    )


def initial_size(rng: Rng, difficulty: SceneDifficulty, model: ObjectModel) -> float:
    """Pixels per model unit in frame 0: from the difficulty's range, but no side shorter than `SHORTEST_SIDE`."""
    return float(max(rng.uniform(*difficulty.size), SHORTEST_SIDE / min(model.extent())))


def random_path(
    rng: Rng, difficulty: SceneDifficulty, count: int, low: Curve, high: Curve, size: float, start: Curve | None = None
) -> Curve:
    """Draws a trajectory (count, 2) in view pixels inside the rectangle `low`..`high`, mostly sideways, bouncing.

    It begins at `start` (2,), at a random place when None; dashes are measured in `size` pixels.
    """
    knots = int(np.ceil(count / KNOT)) + 1
    times = np.arange(0, knots * KNOT, KNOT).astype(np.float64)
    heading = rng.uniform(-0.5, 0.5, knots) + np.pi * rng.integers(0, 2, 1)
    lengths = difficulty.speed * KNOT * rng.uniform(0.6, 1.4, knots)
    steps = lengths[:, None] * np.stack([np.cos(heading), 0.8 * np.sin(heading)], axis=1)
    steps[0] = rng.uniform(low, high) if start is None else start
    path = through(np.cumsum(steps, axis=0), times, count)
    if difficulty.dash > 0:
        for at in np.arange(rng.integers(8, 14), count - 4, 16):
            direction = rng.uniform(0, 2 * np.pi)
            jump = 3 * difficulty.dash * size * np.array([np.cos(direction), np.sin(direction)])
            path = path + jump * np.clip((np.arange(count)[:, None] - at) / 3, 0, 1)
    return reflect(path, low, high)


def reflect(path: Curve, low: Curve, high: Curve) -> Curve:
    """Reflects a path at the border of a rectangle as often as needed: it stays inside and stays continuous."""
    extent = np.maximum(high - low, 1.0)
    phase = np.mod((path - low) / extent, 2.0)
    return np.asarray(low + extent * np.where(phase > 1, 2 - phase, phase))


def leave_and_return(rng: Rng, path: Curve, size: tuple[int, int], half: Curve) -> Curve:
    """Lets a path in view leave through the nearest side border, stay away for some frames, and come back there."""
    count = len(path)
    begin, away = int(count * rng.uniform(0.3, 0.4)), int(rng.integers(8, 13))
    side = path[begin, 0] > size[0] / 2
    outside = size[0] + 1.5 * half[0] if side else -1.5 * half[0]
    travel = max(int(abs(outside - path[begin, 0]) / 7), 8)
    times = np.array([0, begin, begin + travel, begin + travel + away, begin + 2 * travel + away, 10 * count])
    share = np.interp(np.arange(count), times, [0, 0, 1, 1, 0, 0])
    smooth = share * share * (3 - 2 * share)
    return np.stack([path[:, 0] + smooth * (outside - path[:, 0]), path[:, 1]], axis=1)


def motion_range(
    difficulty: SceneDifficulty, model: ObjectModel, camera: Camera, largest: float
) -> tuple[Curve, Curve]:
    """(low, high) corners of the view rectangle in which a model's center may move so that all of it stays in view.

    `largest` is the most pixels per model unit that it reaches.
    """
    extent = np.array(model.extent())
    if difficulty.turn > 0.5:
        extent = np.full(2, np.hypot(*extent))
    half = 0.5 * largest * float(camera.zoom.max()) * extent + 3 + 2 * difficulty.shake
    middle = np.array(camera.size) / 2
    return np.minimum(half, middle - 1), np.maximum(2 * middle - half, middle + 1)


def scale_course(rng: Rng, difficulty: SceneDifficulty, model: ObjectModel, camera: Camera, size: float) -> Curve:
    """(N,) pixels per model unit, starting at `size` and never taller or wider than 0.55 of the image's height."""
    growth = wave(rng, len(camera.zoom), difficulty.growth, 60)
    limit = np.log2(max(0.55 * camera.size[1] / (size * max(model.extent())), 1.0))
    return np.asarray(size * 2 ** np.minimum(growth, limit))


def pose_track(rng: Rng, difficulty: SceneDifficulty, center: Curve, size: Curve) -> Track:
    """A track along a world path with the difficulty's turning, narrowing, gait and bending."""
    count = len(center)
    return Track(
        center=center,
        size=size,
        angle=wave(rng, count, difficulty.turn, 70),
        squash=1 - np.abs(wave(rng, count, difficulty.squash, 50)),
        phase=np.asarray(difficulty.gait * np.arange(count) + rng.uniform(0, 2 * np.pi), np.float64),
        bend=np.full(count, difficulty.bend),
    )


def target_trajectory(rng: Rng, difficulty: SceneDifficulty, model: ObjectModel, camera: Camera) -> Track:
    """Draws the target's pose at every frame: in view all the time, unless the difficulty says that it leaves."""
    start = initial_size(rng, difficulty, model)
    size = scale_course(rng, difficulty, model, camera, start)
    low, high = motion_range(difficulty, model, camera, float(size.max()))
    path = random_path(rng, difficulty, len(size), low, high, start)
    if difficulty.leaves:
        path = leave_and_return(rng, path, camera.size, low)
    return pose_track(rng, difficulty, camera.to_world(path), size)


def distractor_trajectory(rng: Rng, difficulty: SceneDifficulty, target: Track, place: int) -> Track:
    """Draws the pose of a distractor, which circles the target at one to two and a half times its size."""
    count = len(target.size)
    size = target.size * rng.uniform(0.9, 1.1)
    around = 2 * np.pi * place / 3 + rng.uniform(0, 1) + wave(rng, count, 1.6, 60)
    distance = target.size * (1.6 + wave(rng, count, 0.75, 40))
    offset = distance[:, None] * np.stack([1.25 * np.cos(around), 0.8 * np.sin(around)], axis=1)
    return pose_track(rng, difficulty, target.center + offset, size)


def random_imaging(rng: Rng, difficulty: SceneDifficulty, count: int, assets: Assets) -> Imaging:
    """Draws the place, the course of the light, and the camera's blur, resolution and noise."""
    place = assets.clutter if difficulty.cluttered else str(rng.choice(assets.places))
    dim = 1 - np.abs(wave(rng, count, difficulty.dimming, 45)) + 0.3 * wave(rng, count, difficulty.dimming, 60)
    tint = 1 + 0.2 * difficulty.dimming * rng.uniform(-1, 1, 3) * wave(rng, count, 1.0, 80)[:, None]
    return Imaging(
        place=place,
        gain=np.clip(dim[:, None] * tint, 0.2, 1.4),
        shade_edge=0.4 + wave(rng, count, 0.6, 60),
        shade=difficulty.shade,
        exposure=difficulty.exposure,
        softness=float(rng.uniform(0.4, 0.8)),
        pixelation=difficulty.pixelation,
        noise=difficulty.noise,
    )
