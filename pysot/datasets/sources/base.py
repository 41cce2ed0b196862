"""Where training samples come from: the one interface that every data set, real or made, offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pysot.core.crop import Image
from pysot.core.errors import ConfigError
from pysot.core.registry import Registry


@dataclass(frozen=True)
class AnnotatedFrame:
    """One frame and the place of one object in it.

    Attributes:
        image: (H, W, 3) uint8 BGR. Never written to: several samples share it.
        box_xywh: (4,) float64, 0-based pixels, positive width and height.
        mask: (H, W) bool, True on the object; None where the data set has no masks.
        origin: where the frame came from (a path, or a description of how it was made), for messages.
    """

    image: Image
    box_xywh: NDArray[np.float64]
    mask: NDArray[np.bool_] | None
    origin: str


class Source(ABC):
    """A collection of videos from which objects are drawn.

    Args:
        name: what messages and logs call it (the entry of DATASET.NAMES).
        frame_range: how far, in list positions, other frames of a draw may lie from the first.
        num_use: draws that one pass over the source holds; -1 for one per video.
    """

    def __init__(self, name: str, frame_range: int = 1, num_use: int = -1) -> None:
        self.name, self.frame_range, self._num_use = name, frame_range, num_use

    @classmethod
    def from_options(cls, name: str, **options: Any) -> Source:
        """The source that a group of the config describes.

        Args:
            options: its keys other than KIND, in lower case; paths and sources instead of their names.
        """
        return cls(name, **options)

    @abstractmethod
    def __len__(self) -> int:
        """Number of videos."""

    @abstractmethod
    def draw(self, video: int, rng: np.random.Generator, num_frames: int = 2) -> list[AnnotatedFrame]:
        """Frames that show the same object of `video`: a random first one, the others within `frame_range` of it.

        Equal `video` and equally seeded `rng` give equal frames, in any process.

        Raises:
            ImageError: a frame cannot be read; the message names the file.
        """

    def draw_causal(
        self, video: int, rng: np.random.Generator, num_past: int, num_future: int
    ) -> tuple[list[AnnotatedFrame], list[AnnotatedFrame]]:
        """Frames of one object before and after some moment: what a tracker has learned from, and what comes next.

        Frames may repeat, and do where the object has a single one. A source whose frames have no order of time keeps
        this form. Raises as `draw` does.
        """
        frames = self.draw(video, rng, num_past + num_future)
        return frames[:num_past], frames[num_past:]

    def draw_clip(
        self, video: int, rng: np.random.Generator, num_frames: int, gap: int = 1
    ) -> tuple[AnnotatedFrame, list[AnnotatedFrame]]:
        """One object at some time, and in consecutive frames of some other time, at most `gap` apart.

        A source whose frames have no order of time keeps this form: one frame, repeated; nothing moves in it. Raises as
        `draw` does.
        """
        first, other = self.draw(video, rng, 2)
        return first, [other] * num_frames

    @property
    def num_use(self) -> int:
        """Draws in one pass."""
        return len(self) if self._num_use < 0 else self._num_use


class Track(ABC):
    """One object of one video: its frames in order, each with a box."""

    name: str

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def read(self, index: int) -> AnnotatedFrame:
        """Frame `index` with its annotation. Raises `ImageError` when the file is missing or damaged."""


class VideoSource(Source):
    """A source of recorded videos, each a list of tracks.

    Raises:
        ConfigError: there is no video, or one has no track with a frame.
    """

    def __init__(self, name: str, videos: Sequence[Sequence[Track]], frame_range: int = 100, num_use: int = -1) -> None:
        super().__init__(name, frame_range, num_use)
        if not videos or not all(any(len(track) for track in video) for video in videos):
            raise ConfigError(
                f"The training source {name} has no usable video: {len(videos)} found, and each needs at least one "
                "object with a valid box. Check its ROOT, and the messages above about dropped boxes."
            )
        self.videos = [[track for track in video if len(track)] for video in videos]

    def __len__(self) -> int:
        return len(self.videos)

    def draw(self, video: int, rng: np.random.Generator, num_frames: int = 2) -> list[AnnotatedFrame]:
        tracks = self.videos[video]
        track = tracks[int(rng.integers(len(tracks)))]
        first = int(rng.integers(len(track)))
        low, high = max(0, first - self.frame_range), min(len(track) - 1, first + self.frame_range)
        others = [int(rng.integers(low, high + 1)) for _ in range(num_frames - 1)]
        return [track.read(index) for index in [first, *others]]

    def draw_causal(
        self, video: int, rng: np.random.Generator, num_past: int, num_future: int
    ) -> tuple[list[AnnotatedFrame], list[AnnotatedFrame]]:
        """See `Source.draw_causal`: the last frame of the past is drawn first, the others lie within `frame_range`."""
        tracks = self.videos[video]
        track = tracks[int(rng.integers(len(tracks)))]
        if len(track) == 1:
            only = track.read(0)
            return [only] * num_past, [only] * num_future
        now = int(rng.integers(len(track) - 1))
        reach = max(self.frame_range, 1)
        past = [now, *rng.integers(max(0, now - reach), now + 1, num_past - 1)]
        future = rng.integers(now + 1, min(len(track) - 1, now + reach) + 1, num_future)
        read = {index: track.read(index) for index in sorted({*map(int, past), *map(int, future)})}
        return [read[int(index)] for index in past], [read[int(index)] for index in future]

    def draw_clip(
        self, video: int, rng: np.random.Generator, num_frames: int, gap: int = 1
    ) -> tuple[AnnotatedFrame, list[AnnotatedFrame]]:
        """See `Source.draw_clip`: any frame of a track, and a clip from anywhere in it."""
        tracks = self.videos[video]
        track = tracks[int(rng.integers(len(tracks)))]
        first = int(rng.integers(len(track)))
        numbers = consecutive(rng, np.arange(len(track)), num_frames, gap)
        read = {index: track.read(index) for index in dict.fromkeys([first, *numbers])}
        return read[first], [read[index] for index in numbers]


def consecutive(rng: np.random.Generator, usable: NDArray[np.int64], count: int, gap: int) -> list[int]:
    """`count` numbers from a random place of the increasing `usable` on, a step of 1 to `gap` apart; the last is
    repeated where they run out.
    """
    step = int(rng.integers(1, gap + 1))
    start = int(rng.integers(max(len(usable) - (count - 1) * step, 1)))
    return [int(usable[min(start + step * number, len(usable) - 1)]) for number in range(count)]


SOURCES: Registry[type[Source]] = Registry("training source", key="DATASET.<NAME>.KIND")
"""Sources by the KIND of their group in the config, built with `from_options`."""
