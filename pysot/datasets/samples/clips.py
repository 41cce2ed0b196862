"""Clips of whole frames with the target in each, for the training of attention (docs/systems/tanet.md, Training)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from yacs.config import CfgNode

from pysot.core.attention_input import frames_needed, target_picture, whole_frame
from pysot.core.crop import Image
from pysot.core.errors import ConfigError
from pysot.datasets.augmentation import grayed
from pysot.datasets.samples.base import TRAINING_DATA, PositionDataset
from pysot.datasets.sources.base import AnnotatedFrame, Source
from pysot.models.attention import ATTENTION_NETS


class Clip(NamedTuple):
    """What a sample is made of."""

    target: AnnotatedFrame
    frames: list[AnnotatedFrame]
    negative: bool


@dataclass(frozen=True)
class ClipParams:
    """How clips are drawn and varied.

    Attributes:
        input_size, target_size, target_context: what the network is shown; see `AttentionNet`.
        frames: frames of a clip.
        gap: largest step, in frames, between one and the next.
        negative: probability that the target is of another video: nothing in the clip is to be attended.
        zoom: probability that a part of the frames is shown, which holds the target.
        smallest: its least share of the frames' sides.
        gray: probability that clip and target lose their color.
        mirror: probability that both are mirrored.
        brightness: gray levels of clip and target are multiplied by 1 - brightness to 1 + brightness, each by its own.
    """

    input_size: int = 300
    target_size: int = 300
    target_context: float = 1.0
    frames: int = 5
    gap: int = 1
    negative: float = 0.0
    zoom: float = 0.0
    smallest: float = 0.5
    gray: float = 0.0
    mirror: float = 0.0
    brightness: float = 0.0

    def __post_init__(self) -> None:
        if self.gap < 1 or self.frames < 1 or not 0 < self.smallest <= 1:
            raise ConfigError(
                f"ATTENTION.TRAIN.GAP is {self.gap} and SMALLEST {self.smallest}; expected 1 or more, and a share."
            )


@TRAINING_DATA.register("ATTENTION")
class ClipDataset(PositionDataset[Clip]):
    """Clips by their position in the whole run.

    Each sample is a dict::

        target   (3, P, P) uint8 BGR, the target at another time
        frames   (L, 3, S, S) uint8 BGR, consecutive, the aspect of the video not kept
        boxes    (L, 4) float32 left, top, width, height of the target in these; NaN where there is none
        index, skipped  () int64: the position, and how many unreadable draws were passed over

    Args:
        sources: where objects come from.
        params: how clips are drawn and varied.
        clips_per_epoch: length of an epoch; 0 or less for one pass over the sources.
    """

    config_keys = ("ATTENTION", "DATASET.NEG")

    def __init__(self, sources: Sequence[Source], params: ClipParams, *, seed: int, clips_per_epoch: int = 0) -> None:
        super().__init__(sources, seed, clips_per_epoch)
        self.params = params

    def draw(self, source: Source, video: int, rng: np.random.Generator) -> Clip:
        target, frames = source.draw_clip(video, rng, self.params.frames, self.params.gap)
        negative = bool(rng.random() < self.params.negative)
        if negative:
            other = self.order.sources[int(rng.integers(len(self.order.sources)))]
            (target,) = other.draw(int(rng.integers(len(other))), rng, 1)
        return Clip(target, frames, negative)

    def origin(self, drawn: Clip) -> str:
        kind = "negative, " if drawn.negative else ""
        return f"{kind}target {drawn.target.origin}, clip from {drawn.frames[0].origin}"

    def make(self, drawn: Clip, rng: np.random.Generator) -> dict[str, Any]:
        params = self.params
        gray, mirror = bool(rng.random() < params.gray), bool(rng.random() < params.mirror)
        gains = rng.uniform(1 - params.brightness, 1 + params.brightness, 2)
        window = self._window(drawn, rng) if rng.random() < params.zoom else None
        target = target_picture(drawn.target.image, drawn.target.box_xywh, params.target_size, params.target_context)
        frames, boxes = zip(*(self._frame(frame, window) for frame in drawn.frames), strict=True)
        boxes_xywh = np.stack(boxes)
        if mirror:
            boxes_xywh[:, 0] = params.input_size - boxes_xywh[:, 0] - boxes_xywh[:, 2]
        if drawn.negative:
            boxes_xywh[:] = np.nan
        seen = [
            self._varied(target, gains[0], gray, mirror),
            *(self._varied(f, gains[1], gray, mirror) for f in frames),
        ]
        return {
            "target": torch.from_numpy(seen[0]).permute(2, 0, 1),
            "frames": torch.from_numpy(np.stack(seen[1:])).permute(0, 3, 1, 2),
            "boxes": torch.from_numpy(boxes_xywh.astype(np.float32)),
        }

    def _window(self, drawn: Clip, rng: np.random.Generator) -> NDArray[np.float64] | None:
        """(4,) left, top, right, bottom of a part of all frames that holds the target in each; None for all of it."""
        height, width = drawn.frames[0].image.shape[:2]
        if any(frame.image.shape[:2] != (height, width) for frame in drawn.frames):
            return None
        boxes = np.stack([frame.box_xywh for frame in drawn.frames])
        room = np.array([width, height], np.float64)
        low, high = boxes[:, :2].min(axis=0).clip(0, room), (boxes[:, :2] + boxes[:, 2:]).max(axis=0).clip(0, room)
        share = rng.uniform(self.params.smallest, 1.0)
        sides = np.minimum(np.maximum(share * room, high - low), room)
        start = rng.uniform(np.maximum(high - sides, 0), np.minimum(low, room - sides) + 1e-9)
        return np.concatenate([start, start + sides]).round()

    def _frame(self, frame: AnnotatedFrame, window: NDArray[np.float64] | None) -> tuple[Image, NDArray[np.float64]]:
        """The frame, or the window of it, at the network's size, and the target in it."""
        image, box = frame.image, frame.box_xywh.astype(np.float64).copy()
        if window is not None:
            left, top, right, bottom = (int(value) for value in window)
            image = image[top:bottom, left:right]
            box[:2] -= (left, top)
        side = self.params.input_size
        zoom = np.array([side / image.shape[1], side / image.shape[0]])
        return whole_frame(image, side), box * np.tile(zoom, 2)

    @staticmethod
    def _varied(image: Image, gain: float, gray: bool, mirror: bool) -> Image:
        image = grayed(image) if gray else image
        if mirror:
            image = image[:, ::-1]
        return np.ascontiguousarray(cv2.convertScaleAbs(np.ascontiguousarray(image), alpha=gain), dtype=np.uint8)

    @classmethod
    def from_config(cls, cfg: CfgNode, sources: Sequence[Source]) -> ClipDataset:
        data, net, train = cfg.DATASET, cfg.ATTENTION, cfg.ATTENTION.TRAIN
        seen = ATTENTION_NETS[net.TYPE].shown(net.INPUT_SIZE, net.CLIP_LEN, **net.KWARGS)
        params = ClipParams(
            input_size=seen.input_size,
            target_size=seen.target_size,
            target_context=seen.target_context,
            frames=frames_needed(seen.clip_len),
            gap=train.GAP,
            negative=data.NEG,
            zoom=train.ZOOM,
            smallest=train.SMALLEST,
            gray=data.GRAY,
            mirror=data.MIRROR,
            brightness=train.BRIGHTNESS,
        )
        return cls(sources, params, seed=cfg.TRAIN.SEED, clips_per_epoch=data.VIDEOS_PER_EPOCH)
