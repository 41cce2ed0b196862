"""A rendered scene: any frame on demand, and the exact ground truth of its target."""

from __future__ import annotations

from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.frames import GeneratedFrames, Image
from toolkit.datasets.sequence import Sequence
from toolkit.errors import DatasetError, FrameError
from toolkit.regions import Mask
from toolkit.synthetic.actor import Actor
from toolkit.synthetic.background import make_background
from toolkit.synthetic.ground_truth import SceneGroundTruth, covered_mask, measure_ground_truth, region_mask
from toolkit.synthetic.imaging import Imaging
from toolkit.synthetic.motion import Camera, Matrix, invert, transform
from toolkit.synthetic.outline import Points
from toolkit.synthetic.texture import stream

LONGEST_STEP = 60.0  # pixels per frame; a longer one is a cut or a jump, which leaves no streak on the picture


@dataclass(frozen=True, eq=False)
class Scene:
    """One rendered video with one target. Every frame depends on (scene, index) only, in any order, in any process.

    Painting (background, sprites, noise) happens at the first frame asked for and is left out when the scene is
    pickled. A scene can be called: `scene(3)` is `scene.frame(3)`.

    Attributes:
        name: of the sequence.
        seed: draws the background and the sensor noise; the rest is fixed by the attributes below.
        camera: where the image lies in the world at every frame.
        target: the object to be tracked.
        scenery: objects that never move, painted into the background.
        behind, front: distractors, painted before the target, and occluders, painted over it.
        imaging: light, blur and noise.
        attributes: the challenges this scene was drawn for.
        hidden_is_absent: True writes a NaN ground-truth row also where the target is in view but hidden.
    """

    name: str
    seed: int
    camera: Camera
    target: Actor
    scenery: tuple[Actor, ...]
    behind: tuple[Actor, ...]
    front: tuple[Actor, ...]
    imaging: Imaging
    attributes: tuple[str, ...] = ()
    hidden_is_absent: bool = False

    def __len__(self) -> int:
        return len(self.camera.zoom)

    def __call__(self, index: int) -> Image:
        return self.frame(index)

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name not in ("background", "grain")}

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of every frame."""
        return self.camera.size

    @cached_property
    def ground_truth(self) -> SceneGroundTruth:
        """Boxes, oriented boxes, visible shares and flags of all frames; computed once, without painting anything."""
        return measure_ground_truth(self.camera, self.target, self.front, self.hidden_is_absent)

    @cached_property
    def background(self) -> Image:
        """The world picture that the camera looks at, scenery included."""
        left, top, width, height = self.camera.world_bounds
        rng = stream(self.seed, self.name, "background")
        canvas = make_background(rng, self.imaging.place, width, height, self.target.model.colors())
        to_canvas = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]])
        for actor in self.scenery:
            actor.draw(canvas, 0, to_canvas)
        return canvas

    @cached_property
    def grain(self) -> NDArray[np.int16]:
        """A sheet of sensor noise, from which every frame takes a piece of its own."""
        return self.imaging.noise_sheet(stream(self.seed, self.name, "noise"), self.size)

    def frame(self, index: int) -> Image:
        """Renders frame `index` (0-based) as (height, width, 3) uint8 BGR. Raises `FrameError` outside the scene."""
        camera = self._matrix(index)
        left, top, _, _ = self.camera.world_bounds
        to_image = camera[:2].copy()
        to_image[:, 2] += to_image[:, :2] @ (left + 0.5, top + 0.5) - 0.5
        backdrop = cv2.warpAffine(self.background, to_image, self.size, borderMode=cv2.BORDER_REFLECT)
        middle = transform(invert(camera), np.array([self.size]) / 2)
        velocity = self._velocity(np.broadcast_to(middle, (len(self), 2)), index)
        picture = self.imaging.smear(np.asarray(backdrop, np.uint8), velocity)
        for actor in (*self.behind, self.target, *self.front):
            actor.draw(picture, index, camera, self.imaging.exposure * self._velocity(actor.track.center, index))
        picture = self.imaging.develop(picture, index)
        return self.imaging.add_noise(picture, self.grain, stream(self.seed, self.name, "frame", index))

    def box(self, index: int) -> NDArray[np.float64]:
        """(4,) x, y, w, h: tight box of the whole target, hidden parts included, cut at the image border."""
        return np.asarray(self.ground_truth.boxes_xywh[index])

    def outlines(self, index: int) -> list[Points]:
        """Outlines of the target's parts, each (K, 2) image pixels, not cut; their union is the whole target."""
        return self.target.outlines(index, self._matrix(index))

    def corners(self, index: int) -> Points:
        """(4, 2) corners of the target's box in its own turned axes, tight, not cut."""
        return self.target.outlines_and_corners(index, self._matrix(index))[1]

    def full_mask(self, index: int) -> Mask:
        """The pixels of the whole target, hidden parts included, that lie in the image."""
        return region_mask(self.outlines(index), self.size)

    def mask(self, index: int) -> Mask:
        """The pixels where the target is seen: in the image and not behind anything."""
        full = self.full_mask(index)
        hidden = covered_mask(self.front, index, self._matrix(index), full)
        return Mask(full.bits & ~hidden, full.x, full.y)

    def sequence(self, polygons: bool = False) -> Sequence:
        """This scene as a benchmark sequence: frames and masks are rendered when they are read.

        `polygons` gives (N, 8) oriented boxes as ground truth instead of (N, 4) boxes; absent rows are NaN in both.
        """
        truth = self.ground_truth
        rows = truth.boxes_xywh
        if polygons:
            rows = np.where(np.isnan(rows[:, :1]), np.nan, truth.corners.reshape(len(self), 8))
        return Sequence(
            name=self.name,
            ground_truth=rows,
            frames=GeneratedFrames(len(self), self, self.name),
            image_size=self.size,
            attributes=self.attributes,
            frame_tags=truth.tags(self.imaging.brightness()),
            visible=truth.visible,
            masks=SceneMasks(self),
            cover=truth.cover,
        )

    def _matrix(self, index: int) -> Matrix:
        if not 0 <= index < len(self):
            raise FrameError(f"{self.name} has frames 0..{len(self) - 1}, not {index}.")
        return self.camera.matrix(index)

    def _velocity(self, center: NDArray[np.float64], index: int) -> NDArray[np.float64]:
        """(2,) image displacement per frame of the world path `center` (N, 2) around frame `index`; 0 across a cut."""
        before, after = max(index - 1, 0), min(index + 1, len(self) - 1)
        start = transform(self.camera.matrix(before), center[before : before + 1])[0]
        end = transform(self.camera.matrix(after), center[after : after + 1])[0]
        step = (end - start) / max(after - before, 1)
        return step if np.hypot(*step) < LONGEST_STEP else np.zeros(2)


class SceneMasks(AbstractSequence[Mask]):
    """The visible target masks of a scene, rendered when they are read; empty (0 x 0) where the target is absent."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def __len__(self) -> int:
        return len(self.scene)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        return self.scene.mask(range(len(self))[index])


def scene_of(sequence: Sequence) -> Scene:
    """The scene that renders a synthetic sequence: its outlines, full masks and other exact truth.

    Raises `DatasetError` for a sequence that was not rendered by this package.
    """
    frames = sequence.frames
    if isinstance(frames, GeneratedFrames) and isinstance(frames.render, Scene):
        return frames.render
    raise DatasetError(
        f"Sequence '{sequence.name}' is not a rendered one: only SYNTH and SYNTH-LT sequences have scenes."
    )
