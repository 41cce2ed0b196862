"""Sets of frames of one object: some to learn it from, some to find it in (docs/systems/atom.md and dimp.md,
Training).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from yacs.config import CfgNode

from pysot.core.crop import Image
from pysot.datasets.augmentation import grayed
from pysot.datasets.proposals import DensityProposals, OverlapProposals, Proposals
from pysot.datasets.samples.base import TRAINING_DATA, PositionDataset
from pysot.datasets.sources.base import AnnotatedFrame, Source
from pysot.datasets.target_crop import Cropper, Jitter


class FrameSet(NamedTuple):
    """What a sample is made of."""

    train: list[AnnotatedFrame]
    test: list[AnnotatedFrame]


@TRAINING_DATA.register("IOUNET", "DIMP")
class FrameSetDataset(PositionDataset[FrameSet]):
    """Sets of frames by their position in the whole run.

    Each sample is a dict::

        train_images  (n, 3, S, S) uint8 BGR          test_images  (m, 3, S, S) uint8
        train_boxes   (n, 4) float32                  test_boxes   (m, 4) float32
        proposals     (m, P, 4) float32 around the target of each test frame
        index, skipped  () int64: the position, and how many unreadable draws were passed over
        ...           (m, P) float32 each: what else `proposals` returns

    Boxes are left, top, width, height in crop pixels.

    Args:
        sources: where objects come from.
        proposals: boxes for the box head.
        cropper: the crops.
        train_jitter, test_jitter: how far they are from the plain ones.
        num_train, num_test: frames of each kind.
        causal: test frames come after train frames; else both lie around some moment.
        sets_per_epoch: length of an epoch; 0 or less for one pass over the sources.
        gray: probability that all frames of a set lose their color.
        mirror: probability that all are mirrored.
        brightness: each frame's gray levels are multiplied by a number of 1 - brightness to 1 + brightness.
    """

    config_keys = (
        "TRAIN.SEARCH_SIZE", "TRAIN.SEARCH_AREA_SCALE", "TRAIN.CROP_MODE", "TRAIN.CENTER_JITTER", "TRAIN.SCALE_JITTER",
        "TRAIN.NUM_TRAIN_FRAMES", "TRAIN.NUM_TEST_FRAMES", "TRAIN.CAUSAL", "TRAIN.BRIGHTNESS", "TRAIN.BOX_LOSS",
        "TRAIN.BOXES_PER_FRAME", "TRAIN.MIN_IOU", "TRAIN.SIGMA_FACTORS",
    )  # fmt: skip

    def __init__(
        self,
        sources: Sequence[Source],
        proposals: Proposals,
        cropper: Cropper,
        train_jitter: Jitter,
        test_jitter: Jitter,
        *,
        seed: int,
        num_train: int = 1,
        num_test: int = 1,
        causal: bool = False,
        sets_per_epoch: int = 0,
        gray: float = 0.05,
        mirror: float = 0.0,
        brightness: float = 0.2,
    ) -> None:
        super().__init__(sources, seed, sets_per_epoch)
        self.proposals, self.cropper = proposals, cropper
        self.train_jitter, self.test_jitter = train_jitter, test_jitter
        self.num_train, self.num_test, self.causal = num_train, num_test, causal
        self.gray, self.mirror, self.brightness = gray, mirror, brightness

    def draw(self, source: Source, video: int, rng: np.random.Generator) -> FrameSet:
        if self.causal:
            return FrameSet(*source.draw_causal(video, rng, self.num_train, self.num_test))
        frames = source.draw(video, rng, self.num_train + self.num_test)
        return FrameSet(frames[: self.num_train], frames[self.num_train :])

    def origin(self, drawn: FrameSet) -> str:
        train, test = (", ".join(frame.origin for frame in frames) for frames in drawn)
        return f"train {train}; test {test}"

    def make(self, drawn: FrameSet, rng: np.random.Generator) -> dict[str, Any]:
        gray, mirror = bool(rng.random() < self.gray), bool(rng.random() < self.mirror)
        sample: dict[str, Any] = {}
        for kind, frames, jitter in (
            ("train", drawn.train, self.train_jitter),
            ("test", drawn.test, self.test_jitter),
        ):
            crops, boxes = zip(*(self._crop(frame, jitter, gray, mirror, rng) for frame in frames), strict=True)
            sample[f"{kind}_images"] = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)
            sample[f"{kind}_boxes"] = torch.from_numpy(np.stack(boxes).astype(np.float32))
            if kind == "test":
                asked = [self.proposals(box, rng) for box in boxes]
                sample |= {key: torch.from_numpy(np.stack([one[key] for one in asked])) for key in asked[0]}
        return sample

    def _crop(
        self, frame: AnnotatedFrame, jitter: Jitter, gray: bool, mirror: bool, rng: np.random.Generator
    ) -> tuple[Image, NDArray[np.float64]]:
        crop, box_xywh = self.cropper(frame.image, jitter.apply(frame.box_xywh, rng), frame.box_xywh)
        crop = grayed(crop) if gray else crop
        if mirror:
            crop = np.ascontiguousarray(crop[:, ::-1])
            box_xywh = np.array([self.cropper.side - box_xywh[0] - box_xywh[2], *box_xywh[1:]])
        factor = rng.uniform(1 - self.brightness, 1 + self.brightness)
        return np.asarray(cv2.convertScaleAbs(crop, alpha=factor), dtype=np.uint8), box_xywh

    @classmethod
    def from_config(cls, cfg: CfgNode, sources: Sequence[Source]) -> FrameSetDataset:
        data, train = cfg.DATASET, cfg.TRAIN
        proposals: Proposals
        if train.BOX_LOSS == "kl":
            proposals = DensityProposals(train.BOXES_PER_FRAME)
        else:
            proposals = OverlapProposals(train.BOXES_PER_FRAME, train.MIN_IOU, tuple(map(float, train.SIGMA_FACTORS)))
        train_jitter, test_jitter = (
            Jitter(float(center), float(scale))
            for center, scale in zip(train.CENTER_JITTER, train.SCALE_JITTER, strict=True)
        )
        return cls(
            sources,
            proposals,
            Cropper(train.SEARCH_SIZE, train.SEARCH_AREA_SCALE, train.CROP_MODE),
            train_jitter,
            test_jitter,
            seed=train.SEED,
            num_train=train.NUM_TRAIN_FRAMES,
            num_test=train.NUM_TEST_FRAMES,
            causal=train.CAUSAL,
            sets_per_epoch=data.VIDEOS_PER_EPOCH,
            gray=data.GRAY,
            mirror=data.MIRROR,
            brightness=train.BRIGHTNESS,
        )
