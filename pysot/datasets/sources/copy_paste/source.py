"""Made training data: masked objects cut out of frames and moved over other frames, with exact boxes and masks."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pysot.core.checks import check
from pysot.core.crop import Image
from pysot.core.errors import ConfigError, ImageError
from pysot.datasets.sources.base import SOURCES, AnnotatedFrame, Source
from pysot.datasets.sources.copy_paste.layer import Layer, warp
from pysot.datasets.sources.copy_paste.params import CopyPasteParams
from pysot.datasets.sources.copy_paste.placement import SMALLEST_BOX, fits, place_beside, place_over, place_target
from pysot.datasets.sources.copy_paste.sprite import SMALLEST, Sprite, cut_object, cut_scrap, lookalike
from pysot.datasets.sources.light import random_light, relight
from pysot.datasets.sources.regions import log_uniform

logger = logging.getLogger(__name__)

PROBES = 64
REDRAWS = 60
LARGEST_ZOOM = 2.0  # an object enlarged more is a blur


@dataclass(frozen=True, eq=False)
class Cast:
    """What appears in the frames of one draw.

    Attributes:
        side: size of the target in the first frame, sqrt(w * h) in pixels.
        target: the object, one cut per frame.
        distractors: the others, each with its size relative to the target's.
        occluder: what may hide a part of the target in later frames.
        origin: of the target, for messages.
    """

    side: float
    target: list[Sprite]
    distractors: list[tuple[Sprite, float]]
    occluder: tuple[Sprite, float] | None
    origin: str


@SOURCES.register("copy_paste")
class CopyPasteSource(Source):
    """Objects pasted over backgrounds: every draw is a made video of one object in front of one scene.

    Boxes are tight around what lies inside the image of the object, parts behind an occluder included (as in SYNTH);
    at least 60 % of the whole object's box is inside, and no side is shorter than 12 pixels. Masks are the visible
    pixels.
    Frames of a draw have the size of the background's frames.

    Args:
        name: what messages call it.
        objects: where the objects come from; only its draws with masks are used.
        backgrounds: where the frames come from, and scraps; its boxes are not used.
        params: how much the frames vary.
        frame_range: a later frame lies a uniform 1..`frame_range` steps from the first, and each of its changes is
            that share of the limits in `params`. 1 always allows the largest changes.
        num_use: draws in one pass; -1 for one per video of `objects`.

    Raises:
        ConfigError: an option is out of its range, or none of the first draws from `objects` has a usable mask.
    """

    def __init__(
        self,
        name: str,
        objects: Source,
        backgrounds: Source,
        params: CopyPasteParams = CopyPasteParams(),  # noqa: B008  (frozen)
        frame_range: int = 10,
        num_use: int = -1,
    ) -> None:
        super().__init__(name, frame_range, num_use)
        check(frame_range >= 1, "FRAME_RANGE", frame_range, "1 or more")
        self.objects, self.backgrounds, self.params = objects, backgrounds, params
        self._check_masks()

    @classmethod
    def from_options(cls, name: str, **options: Any) -> CopyPasteSource:
        """See `Source.from_options`; what is no argument of the source is a field of `CopyPasteParams`."""
        variation = {field.name: options.pop(field.name) for field in fields(CopyPasteParams) if field.name in options}
        try:
            return cls(name, params=CopyPasteParams(**variation), **options)
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from error

    def __len__(self) -> int:
        return len(self.objects)

    def draw(self, video: int, rng: np.random.Generator, num_frames: int = 2) -> list[AnnotatedFrame]:
        """See `Source.draw`; `video` is that of the object. Raises `ConfigError` when no object can be pasted."""
        for attempt in range(REDRAWS):
            scenes, scrapped = self._scenes(rng, num_frames)
            chosen = video if attempt < 4 else int(rng.integers(len(self.objects)))
            cast = self._cast(chosen, rng, num_frames, scrapped, min(scenes[0].image.shape[:2]))
            if cast is None:
                continue
            frames = self._shoot(cast, scenes, rng)
            if frames is not None:
                return frames
        raise ConfigError(
            f"The training source {self.name} found no object to paste in {REDRAWS} draws: it needs masks of objects "
            f"of at least {SMALLEST} pixels, and frames that hold boxes of {SMALLEST_BOX}. Check both sources."
        )

    def _scenes(self, rng: np.random.Generator, num_frames: int) -> tuple[list[AnnotatedFrame], AnnotatedFrame]:
        """The background of every frame: one frame over and over or neighbors; and a frame to cut scraps from."""
        place, elsewhere = (int(number) for number in rng.integers(len(self.backgrounds), size=2))
        other = self.backgrounds.draw(elsewhere, rng, 1)[0]
        if rng.random() < 0.5:
            return self.backgrounds.draw(place, rng, 1) * num_frames, other
        scenes = self.backgrounds.draw(place, rng, num_frames)
        return [scene if scene.image.shape == scenes[0].image.shape else scenes[0] for scene in scenes], other

    def _cast(
        self, video: int, rng: np.random.Generator, num_frames: int, other: AnnotatedFrame, height: int
    ) -> Cast | None:
        """Cuts out everything that a draw of frames of the given shorter side needs; None without a usable object."""
        side = max(log_uniform(rng, self.params.size[0], self.params.size[-1]) * height, 1.2 * SMALLEST_BOX)
        enough = self.params.scale * side
        if rng.random() < self.params.scrap:
            cuts, origin = [cut_scrap(other.image, rng, enough)], f"scrap of {other.origin}"
        else:
            count = num_frames if rng.random() < self.params.other_cut else 1
            samples = self.objects.draw(video, rng, count)
            cuts, origin = [cut_object(sample, enough) for sample in samples], samples[0].origin
        if cuts[0] is None:
            return None
        target = [cut or cuts[0] for cut in cuts]
        target = target if len(target) == num_frames else target * num_frames
        if rng.random() < 0.5:
            target = [cut.mirrored() for cut in target]
        side = min(side, LARGEST_ZOOM * cuts[0].side)
        number = int(rng.integers(self.params.distractors + 1))
        company = [self._extra(target[0], other, side, rng) for _ in range(number)]
        hider = self._extra(None, other, side, rng) if rng.random() < self.params.occluder else None
        return Cast(side, target, [extra for extra in company if extra is not None], hider, origin)

    def _extra(
        self, target: Sprite | None, other: AnnotatedFrame, side: float, rng: np.random.Generator
    ) -> tuple[Sprite, float] | None:
        """A distractor or occluder with its size relative to the target's: a look-alike, another object or a scrap."""
        kind = rng.random()
        if target is not None and kind < 0.5:
            return lookalike(target, rng), log_uniform(rng, 0.75, 1.3)
        relative = log_uniform(rng, 0.5, 1.5)
        if kind < 0.75:
            sample = self.objects.draw(int(rng.integers(len(self.objects))), rng, 1)[0]
            cut = cut_object(sample, relative * side)
        else:
            cut = cut_scrap(other.image, rng, relative * side)
        return None if cut is None else (cut, relative)

    def _shoot(self, cast: Cast, scenes: list[AnnotatedFrame], rng: np.random.Generator) -> list[AnnotatedFrame] | None:
        """Makes the frames; None when the object does not fit into one of them."""
        shape, mirror = scenes[0].image.shape, bool(rng.random() < 0.5)
        center: NDArray[np.float64] | None = None
        frames = []
        for index, scene in enumerate(scenes):
            strength = int(rng.integers(1, self.frame_range + 1)) / self.frame_range if index else 0.0
            target = self._target(cast.target[index], cast.side, strength if index else 0.5, shape, rng)
            if target is None:
                return None
            step = None if center is None else center + rng.normal(0, self.params.move * strength * cast.side, 2)
            target = place_target(target, shape, rng, step)
            if center is None:
                x, y, w, h = target.box_xywh
                center = np.array([x + w / 2, y + h / 2])
            canvas = self.params.camera_view(scene.image, rng, strength, mirror)
            hider = self._compose(canvas, target, cast, index > 0, rng)
            if rng.random() < 0.5:
                relight(canvas, random_light(rng, 0.5 * self.params.light), out=canvas)
            self.params.defocus(canvas, rng)
            frame = self._annotate(canvas, target, hider, f"copy-paste of {cast.origin} over {scene.origin}")
            if frame is None:
                return None
            frames.append(frame)
        return frames

    def _target(
        self, sprite: Sprite, side: float, strength: float, shape: tuple[int, ...], rng: np.random.Generator
    ) -> Layer | None:
        """The object at size `side` under a random pose, made smaller or larger until it fits into the frame."""
        light = random_light(rng, self.params.light) if rng.random() < 0.7 else None
        for _ in range(4):
            layer = self._warp(sprite, side, strength, light, rng)
            if layer is not None and fits(layer, shape):
                return layer
            small = layer is None or min(layer.extent_xywh[2:]) < 1.3 * SMALLEST_BOX
            side *= 1.4 if small else 0.6
        return None

    def _warp(
        self, sprite: Sprite, side: float, strength: float, light: NDArray[np.uint8] | None, rng: np.random.Generator
    ) -> Layer | None:
        reduced = sprite.reduced(side / sprite.side)
        return warp(reduced, self.params.pose(rng, side / reduced.side, strength, side), light)

    def _compose(self, canvas: Image, target: Layer, cast: Cast, later: bool, rng: np.random.Generator) -> Layer | None:
        """Pastes distractors, target and occluder in this order; returns the occluder when there is one."""
        for sprite, relative in cast.distractors:
            layer = self._warp(sprite, relative * cast.side, 0.5, None, rng)
            beside = None if layer is None else place_beside(layer, target, rng)
            if beside is not None:
                beside.paste(canvas)
        target.blurred(self.params.streak(rng, cast.side)).paste(canvas)
        if cast.occluder is None or not later:
            return None
        sprite, relative = cast.occluder
        layer = self._warp(sprite, relative * cast.side, 0.5, None, rng)
        over = None if layer is None else place_over(layer, target, canvas.shape, rng, self.params.occlusion)
        if over is not None:
            over.paste(canvas)
        return over

    def _annotate(self, image: Image, target: Layer, hider: Layer | None, origin: str) -> AnnotatedFrame | None:
        """Box and mask of the target in the finished frame; None when too little of it lies inside."""
        whole = target.mask(image.shape)
        mask = whole if hider is None else whole & ~hider.mask(image.shape)
        box = cv2.boundingRect((mask if self.params.visible_box else whole).view(np.uint8))
        if min(box[2:]) < SMALLEST_BOX:
            return None
        return AnnotatedFrame(image, np.array(box, np.float64), mask, origin)

    def _check_masks(self) -> None:
        """Raises `ConfigError` when a look at some of the objects finds no mask."""
        rng = np.random.default_rng(0)
        step = max(math.ceil(len(self.objects) / PROBES), 1)
        videos = range(0, len(self.objects), step)
        for video in videos:
            try:
                if any(cut_object(sample) is not None for sample in self.objects.draw(video, rng, 1)):
                    return
            except ImageError as error:
                logger.warning("%s: %s", self.name, error)
        raise ConfigError(
            f"The training source {self.name} needs objects with masks: none of {len(videos)} videos of "
            f"{self.objects.name} that were looked at has a mask of at least 16 pixels a side. Give OBJECTS a source "
            "with masks (a mask/ folder beside img/, DAVIS, YouTube-VOS or COCO)."
        )
