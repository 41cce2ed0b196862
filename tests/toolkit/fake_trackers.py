"""Trackers that behave as told, and sequences whose frames carry their own number. All of it can be pickled."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from toolkit.datasets.frames import GeneratedFrames, Image
from toolkit.datasets.sequence import Benchmark, Sequence
from toolkit.errors import FrameError
from toolkit.protocols.tracker import TrackerLike

WIDTH, HEIGHT = 160, 120
AWAY = (1.0, 1.0, 4.0, 4.0)
"""A box that never touches the target."""


def true_box(index: int) -> tuple[float, float, float, float]:
    """The target of frame `index` in every sequence here."""
    return 40.0 + index % 50, 30.0, 30.0, 20.0


def as_polygon(box: tuple[float, float, float, float]) -> list[float]:
    x, y, w, h = box
    return [x, y, x + w, y, x + w, y + h, x, y + h]


@dataclass(frozen=True)
class Numbered:
    """Renders an empty image whose first pixels say which frame of which sequence it is."""

    sequence: int
    broken: tuple[int, ...] = ()

    def __call__(self, index: int) -> Image:
        if index in self.broken:
            raise FrameError(f"frames/{index:08d}.jpg: this frame does not exist.")
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        image[0, 0] = index % 256, index // 256, self.sequence
        return image


def read_number(image: Image) -> int:
    return int(image[0, 0, 0]) + 256 * int(image[0, 0, 1])


def make_sequence(
    name: str = "seq",
    count: int = 12,
    *,
    number: int = 0,
    polygons: bool = False,
    broken: tuple[int, ...] = (),
    **extra: Any,
) -> Sequence:
    boxes = [true_box(index) for index in range(count)]
    truth = np.array([as_polygon(box) for box in boxes] if polygons else boxes, dtype=np.float64)
    frames = GeneratedFrames(count, Numbered(number, broken), name)
    return Sequence(**{"name": name, "ground_truth": truth, "frames": frames, **extra})


def make_benchmark(
    protocol: str = "ope", count: int = 4, length: int = 12, name: str = "TOY", **extra: Any
) -> Benchmark:
    polygons = protocol == "supervised"
    sequences = [make_sequence(f"seq{k}", length + k, number=k, polygons=polygons, **extra) for k in range(count)]
    return Benchmark(name, protocol, tuple(sequences))


@dataclass
class Scripted(TrackerLike):
    """Finds the target exactly, except in the frames `away`; `started` lists the frames of its initializations."""

    away: tuple[int, ...] = ()
    polygon: bool = False
    started: list[int] = field(default_factory=list)
    boxes: list[AbstractSequence[float]] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)

    def init(self, image: Image, box_xywh: AbstractSequence[float]) -> None:
        self.started.append(read_number(image))
        self.boxes.append(box_xywh)
        self.seen.append(read_number(image))

    def track(self, image: Image) -> Mapping[str, Any]:
        index = read_number(image)
        self.seen.append(index)
        box = AWAY if index in self.away else true_box(index)
        result: dict[str, Any] = {"bbox": list(box), "best_score": 1.0 / (1 + index)}
        if self.polygon:
            result["polygon"] = as_polygon(box)
        return result


class Listening(Scripted):
    """Notes which frames it is told of, between the frames it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, int, int]] = []

    def at_frame(self, video: str, index: int) -> None:
        self.told.append((video, index, len(self.seen)))


class Raising(Scripted):
    """Fails with an exception in frame 3 of sequence 1."""

    def track(self, image: Image) -> Mapping[str, Any]:
        if image[0, 0, 2] == 1 and read_number(image) == 3:
            raise RuntimeError("out of ideas")
        return super().track(image)


class Refusing(Scripted):
    """Refuses to start on sequence 1."""

    def init(self, image: Image, box_xywh: AbstractSequence[float]) -> None:
        if image[0, 0, 2] == 1:
            raise ValueError("this box is too small")
        super().init(image, box_xywh)


class Dying(Scripted):
    """Takes its whole process down in frame 3 of sequence 1."""

    def track(self, image: Image) -> Mapping[str, Any]:
        if image[0, 0, 2] == 1 and read_number(image) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().track(image)


class Slow(Scripted):
    """Needs 20 ms per frame."""

    def track(self, image: Image) -> Mapping[str, Any]:
        time.sleep(0.02)
        return super().track(image)


class Random(Scripted):
    """Walks at random; never the same twice, unless `seed` is given: then every start begins the same walk."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self.seed, self.rng = seed, np.random.default_rng()

    def init(self, image: Image, box_xywh: AbstractSequence[float]) -> None:
        super().init(image, box_xywh)
        if self.seed is not None:
            self.rng = np.random.default_rng(self.seed)

    def track(self, image: Image) -> Mapping[str, Any]:
        x, y, w, h = true_box(read_number(image))
        shift = self.rng.normal(0, 12, 2)
        return {"bbox": np.array([x + shift[0], y + shift[1], w, h]), "best_score": float(self.rng.random())}


def random_seeded() -> Random:
    return Random(seed=7)


def unbuildable() -> Scripted:
    raise ValueError("no weights here")
