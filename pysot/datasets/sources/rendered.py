"""Training data from the renderer of SYNTH: other scenes than the benchmark's, with exact boxes and masks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pysot.core.errors import ConfigError
from pysot.datasets.sources.base import SOURCES, AnnotatedFrame, Source, consecutive
from toolkit.errors import DatasetError
from toolkit.synthetic import Scene, random_scene

ATTEMPTS = 20
SMALLEST_BOX = 12.0


def scene_name(video: int, attempt: int = 0) -> str:
    """What the scene of a video is called.

    The random streams of a scene are keyed by its seed and its name, and no sequence of SYNTH or SYNTH-LT has such a
    name: whatever the seeds, none of their scenes is drawn.
    """
    return f"training_{video}" if attempt == 0 else f"training_{video}_{attempt}"


@SOURCES.register("synth")
class RenderedSource(Source):
    """Rendered scenes, one per video. Boxes are amodal and cut at the image border; masks are the visible pixels.

    Painting a scene takes tens of milliseconds, a frame of a painted one a few: `cache` scenes stay painted in every
    process, so that `count` <= `cache` makes draws cheap after the first pass.

    Args:
        count: number of scenes.
        frame_range: how far other frames of a draw may lie from the first.
        num_use: draws in one pass; -1 for one per scene.
        seed: another one gives other scenes.
        frames_per_scene: length of a scene.
        size: (width, height) of the frames.
        cache: painted scenes kept per process; one takes about 2 MiB at 320 x 240 pixels.
        min_cover: frames where a smaller share of the target is seen (0..1) are not used.

    Raises:
        ConfigError: an option is out of its range.
    """

    def __init__(
        self,
        name: str,
        count: int = 64,
        frame_range: int = 30,
        num_use: int = -1,
        seed: int = 0,
        frames_per_scene: int = 48,
        size: Sequence[int] = (320, 240),
        cache: int = 64,
        min_cover: float = 0.4,
    ) -> None:
        super().__init__(name, frame_range, num_use)
        if min(count, frames_per_scene, cache) < 1 or seed < 0 or frame_range < 0:
            raise ConfigError(
                f"{name}: COUNT, FRAMES_PER_SCENE and CACHE must be at least 1, SEED and FRAME_RANGE at least 0; found "
                f"{count}, {frames_per_scene}, {cache}, {seed}, {frame_range}."
            )
        if len(size) != 2 or min(size) < 120 or not 0 < min_cover <= 1:
            raise ConfigError(
                f"{name}: SIZE is {list(size)} and MIN_COVER {min_cover}; expected [width, height] of at least 120 "
                "pixels each, and a share in (0, 1]."
            )
        self.count, self.seed, self.frames_per_scene = count, seed, frames_per_scene
        self.size, self.cache, self.min_cover = (int(size[0]), int(size[1])), cache, min_cover
        self._scenes: OrderedDict[int, tuple[Scene, NDArray[np.int64]]] = OrderedDict()

    def __len__(self) -> int:
        return self.count

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_scenes": OrderedDict()}

    def draw(self, video: int, rng: np.random.Generator, num_frames: int = 2) -> list[AnnotatedFrame]:
        scene, usable = self._scene(video)
        first = int(rng.choice(usable))
        near = usable[np.abs(usable - first) <= self.frame_range]
        others = [int(rng.choice(near)) for _ in range(num_frames - 1)]
        return [self._annotate(scene, index) for index in [first, *others]]

    def draw_clip(
        self, video: int, rng: np.random.Generator, num_frames: int, gap: int = 1
    ) -> tuple[AnnotatedFrame, list[AnnotatedFrame]]:
        """See `Source.draw_clip`: any frame in which the target is well seen, and a clip of such frames."""
        scene, usable = self._scene(video)
        first = int(rng.choice(usable))
        made = {index: self._annotate(scene, index) for index in consecutive(rng, usable, num_frames, gap)}
        return self._annotate(scene, first), list(made.values()) + [made[max(made)]] * (num_frames - len(made))

    def _scene(self, video: int) -> tuple[Scene, NDArray[np.int64]]:
        """The scene of a video and the frames of it in which the target is well seen; kept for the next draws."""
        if video in self._scenes:
            self._scenes.move_to_end(video)
            return self._scenes[video]
        made = self._make(video)
        self._scenes[video] = made
        if len(self._scenes) > self.cache:
            self._scenes.popitem(last=False)
        return made

    def _make(self, video: int) -> tuple[Scene, NDArray[np.int64]]:
        """Draws scenes until one shows its target in at least half of its frames."""
        for attempt in range(ATTEMPTS):
            try:
                scene = random_scene(
                    self.seed, count=self.frames_per_scene, size=self.size, name=scene_name(video, attempt)
                )
            except DatasetError:
                continue
            truth = scene.ground_truth
            large = np.nan_to_num(truth.boxes_xywh[:, 2:]).min(axis=1) >= SMALLEST_BOX
            usable = np.flatnonzero(truth.visible & (truth.cover >= self.min_cover) & large)
            if len(usable) >= self.frames_per_scene / 2:
                return scene, usable
        raise ConfigError(
            f"The training source {self.name} found no fair scene for video {video} in {ATTEMPTS} tries: give it "
            f"larger frames than {self.size} or a smaller MIN_COVER than {self.min_cover}."
        )

    def _annotate(self, scene: Scene, index: int) -> AnnotatedFrame:
        part = scene.mask(index)
        mask = np.zeros(self.size[::-1], np.bool_)
        height, width = part.bits.shape
        mask[part.y : part.y + height, part.x : part.x + width] = part.bits
        origin = f"rendered scene {scene.name} of seed {scene.seed}, frame {index}"
        return AnnotatedFrame(scene.frame(index), scene.box(index), mask, origin)
