"""Tasks of meta-learning: one object in two frames of a video, the first to learn it from, the second, later one to see
how well it was learned (Park and Berg, Meta-Tracker, ECCV 2018; docs/systems/lmt.md, Meta-learning).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from yacs.config import CfgNode

from pysot.config.params import params_from_config
from pysot.core.box_sampling import Spread, boxes_in_range, stratified_boxes
from pysot.core.errors import ConfigError, ImageError
from pysot.core.geometry import xyxy_to_xywh
from pysot.core.roi_patch import BoxGeometry
from pysot.datasets.augmentation import ViewParams, make_view
from pysot.datasets.samples.base import ATTEMPTS, TRAINING_DATA, PositionDataset
from pysot.datasets.sources.base import AnnotatedFrame, Source
from pysot.models.head.lmt import CELL_GEOMETRY
from pysot.models.layers.box_crop import box_crops

ON_TARGET = Spread("gaussian", trans=0.1, scale=1.2, aspect=1.1)
BESIDE = Spread("uniform", trans=1.0, scale=1.2, aspect=1.1)
ANYWHERE = Spread("whole", scale=1.2, aspect=1.1)


@dataclass(frozen=True)
class TaskParams:
    """What is drawn from a frame.

    Attributes:
        num_pos, num_neg, num_iou: boxes on the target, of the background, and for the overlap branch.
        overlap_pos, overlap_neg: ranges of overlaps with the target.
        iou_bins: the boxes for the overlap branch are spread evenly over so many ranges of overlap.
        min_samples: a frame that gives fewer positives or negatives is no task; missing ones are repeated.
        label_shuffle: share of the tasks whose two classes are swapped.
    """

    config_group: ClassVar[str] = "META"

    num_pos: int = 32
    num_neg: int = 96
    num_iou: int = 64
    overlap_pos: tuple[float, float] = (0.7, 1.0)
    overlap_neg: tuple[float, float] = (0.0, 0.5)
    iou_bins: int = 10
    min_samples: int = 11
    label_shuffle: float = 0.5


class FrameSamples(NamedTuple):
    """Boxes of one frame, (n, 4) xywh in pixels of `image`, and the overlaps of the third group."""

    image: NDArray[Any]
    positives: NDArray[np.float64]
    negatives: NDArray[np.float64]
    boxes: NDArray[np.float64]
    overlaps: NDArray[np.float64]


class TaskViews(ABC):
    """What a network sees of a frame."""

    far_share: float
    """Share of the negatives that lie anywhere, the others beside the target."""

    @abstractmethod
    def prepare(
        self, frame: AnnotatedFrame, mirror: bool, gray: bool, rng: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """The image that boxes are drawn in, and the target (4,) xywh in it."""

    @abstractmethod
    def tensors(self, samples: Sequence[FrameSamples]) -> dict[str, torch.Tensor]:
        """What the network takes, of all frames of a task."""


class PatchViews(TaskViews):
    """One varied patch around the target per frame, which all boxes share.

    Tensors: `patches` (2, 3, S, S) float32 BGR; `positives`, `negatives`, `boxes` (2, n, 4) corners in patch pixels.

    Args:
        size: side of the patch.
        view: how much it varies.
    """

    far_share = 0.5

    def __init__(self, size: int, view: ViewParams) -> None:
        self.size, self.view = size, view

    def prepare(
        self, frame: AnnotatedFrame, mirror: bool, gray: bool, rng: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        view = replace(self.view, flip=1 - self.view.flip) if mirror else self.view
        patch = make_view(frame, self.size, view, rng, gray=gray)
        box = np.asarray(xyxy_to_xywh(patch.box_xyxy), dtype=np.float64)
        # The view counts from the middle of pixels, a RoiPatch from their edges.
        half = 0.5 * box[2:] / frame.box_xywh[2:]
        box[:2] += 0.5 - half * (-1 if mirror else 1, 1)
        return patch.image, box

    def tensors(self, samples: Sequence[FrameSamples]) -> dict[str, torch.Tensor]:
        images = np.stack([frame.image for frame in samples])
        found = {"patches": torch.from_numpy(images).permute(0, 3, 1, 2)}
        for name in ("positives", "negatives", "boxes"):
            boxes = np.stack([getattr(frame, name) for frame in samples]).astype(np.float32)
            boxes[..., 2:] += boxes[..., :2]
            found[name] = torch.from_numpy(boxes)
        return found


class CropViews(TaskViews):
    """A crop of every box, as MDNet sees them.

    Tensors: `positives`, `negatives`, `boxes` (2, n, 3, S, S) uint8 BGR.

    Args:
        geometry: of the network that takes the crops.
    """

    far_share = 0.0

    def __init__(self, geometry: BoxGeometry) -> None:
        self.geometry = geometry

    def prepare(
        self, frame: AnnotatedFrame, mirror: bool, gray: bool, rng: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        image, box = frame.image, frame.box_xywh.copy()
        if gray:
            image = np.repeat(image.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
        if mirror:
            image, box[0] = np.ascontiguousarray(image[:, ::-1]), image.shape[1] - box[0] - box[2]
        return image, box

    def tensors(self, samples: Sequence[FrameSamples]) -> dict[str, torch.Tensor]:
        # torch warns of memory it must not write to
        images = [frame.image if frame.image.flags.writeable else frame.image.copy() for frame in samples]
        found = {}
        for name in ("positives", "negatives", "boxes"):
            crops = [
                box_crops(image, getattr(frame, name), self.geometry)[0]
                for image, frame in zip(images, samples, strict=True)
            ]
            found[name] = torch.stack(crops).round().to(torch.uint8)
        return found


@TRAINING_DATA.register("LMT")
class TaskDataset(PositionDataset[list[FrameSamples]]):
    """Tasks by their position in the whole run.

    Each sample has what `views` makes, and `overlaps` (2, num_iou) float32, `swap` and `adversarial` () bool: whether
    the classes of this task are swapped, and whether it is one that adversarial features may be used in; `index`,
    `skipped`. A draw that gives too few samples is passed over and counted as one that cannot be read.

    Args:
        sources: where objects come from; how far apart the two frames lie is their `frame_range`.
        views: what the network sees.
        params: what is drawn.
        seed: of everything.
        tasks_per_epoch: length of an epoch; 0 or less for one pass over the sources.
        gray, mirror: probabilities that both frames lose their color, or are mirrored.
        adversarial_from, adversarial_share: position of the first task with adversarial features, and their share of
            the tasks from there on.
    """

    config_keys = ("ADV", "DATASET.SEARCH", "HEAD.KWARGS", "TRAIN.SEARCH_SIZE")
    params_type = TaskParams

    def __init__(
        self,
        sources: Sequence[Source],
        views: TaskViews,
        params: TaskParams,
        *,
        seed: int,
        tasks_per_epoch: int = 0,
        gray: float = 0.0,
        mirror: float = 0.0,
        adversarial_from: int = 0,
        adversarial_share: float = 0.0,
    ) -> None:
        super().__init__(sources, seed, tasks_per_epoch)
        self.views, self.params, self.gray, self.mirror = views, params, gray, mirror
        self.adversarial_from, self.adversarial_share = adversarial_from, adversarial_share
        self.too_few = 0

    def __getitem__(self, index: int) -> dict[str, Any]:
        before = self.too_few
        try:
            sample = super().__getitem__(index)
        except ConfigError as error:
            if self.too_few == before:
                raise
            raise ConfigError(
                f"{self.too_few - before} of {ATTEMPTS} draws in a row gave fewer than {self.params.min_samples} boxes "
                f"on the target or beside it at training task {index} (see the warnings above). The targets are too "
                "small or fill their frames: choose other videos, widen META.OVERLAP_POS and OVERLAP_NEG, or lower "
                "META.MIN_SAMPLES."
            ) from error
        rng = np.random.default_rng((self.seed, index, ATTEMPTS))
        swap, adversarial = rng.random(2) < (self.params.label_shuffle, self.adversarial_share)
        sample["swap"] = torch.tensor(bool(swap))
        sample["adversarial"] = torch.tensor(bool(adversarial) and index >= self.adversarial_from)
        return sample

    def draw(self, source: Source, video: int, rng: np.random.Generator) -> list[FrameSamples]:
        past, future = source.draw_causal(video, rng, 1, 1)
        gray, mirror = (bool(share) for share in rng.random(2) < (self.gray, self.mirror))
        return [self._samples(frame, mirror, gray, rng) for frame in (*past, *future)]

    def _samples(self, frame: AnnotatedFrame, mirror: bool, gray: bool, rng: np.random.Generator) -> FrameSamples:
        params = self.params
        image, target = self.views.prepare(frame, mirror, gray, rng)
        bounds = (0.0, 0.0, float(image.shape[1]), float(image.shape[0]))
        positives = boxes_in_range(target, params.num_pos, ON_TARGET, params.overlap_pos, bounds, rng)
        far = round(params.num_neg * self.views.far_share)
        beside = boxes_in_range(target, params.num_neg - far, BESIDE, params.overlap_neg, bounds, rng)
        anywhere = boxes_in_range(target, far, ANYWHERE, params.overlap_neg, bounds, rng)
        negatives = np.concatenate([beside, anywhere])
        if min(len(positives), len(negatives)) < params.min_samples:
            self.too_few += 1
            raise ImageError(
                f"{frame.origin}: {len(positives)} boxes on the target and {len(negatives)} beside it could be drawn; "
                f"a task needs {params.min_samples} of each."
            )
        boxes, overlaps = stratified_boxes(target, params.num_iou, params.iou_bins, bounds, rng)
        return FrameSamples(
            image,
            _filled(positives, params.num_pos, rng),
            _filled(negatives, params.num_neg, rng),
            boxes,
            overlaps,
        )

    def make(self, drawn: list[FrameSamples], rng: np.random.Generator) -> dict[str, Any]:
        overlaps = np.stack([frame.overlaps for frame in drawn]).astype(np.float32)
        return {**self.views.tensors(drawn), "overlaps": torch.from_numpy(overlaps)}

    def origin(self, drawn: list[FrameSamples]) -> str:
        return f"a task of {len(drawn)} frames, targets seen in boxes near {drawn[0].positives[0].round(1).tolist()}"

    @classmethod
    def from_config(
        cls, cfg: CfgNode, sources: Sequence[Source], *, seed: int | None = None, vary: bool = True
    ) -> TaskDataset:
        """The tasks that `cfg` describes.

        Args:
            seed: instead of TRAIN.SEED.
            vary: False shows frames as they are, and never swaps classes: tasks to validate on.
        """
        data, adv, params = cfg.DATASET, cfg.ADV, params_from_config(cfg, TaskParams)
        views: TaskViews = CropViews(CELL_GEOMETRY)
        if cfg.HEAD.KWARGS.get("pool", "cells") == "pyramid":
            views = PatchViews(cfg.TRAIN.SEARCH_SIZE, ViewParams.from_config(data.SEARCH) if vary else ViewParams())
        return cls(
            sources,
            views,
            params if vary else replace(params, label_shuffle=0.0),
            seed=cfg.TRAIN.SEED if seed is None else seed,
            tasks_per_epoch=data.VIDEOS_PER_EPOCH if vary else 0,
            gray=data.GRAY * vary,
            mirror=data.MIRROR * vary,
            adversarial_from=adv.WARMUP * cfg.TRAIN.BATCH_SIZE,
            adversarial_share=adv.PROB if adv.ENABLED else 0.0,
        )


def _filled(boxes_xywh: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """`count` boxes: all there are, and some of them again."""
    again = rng.integers(len(boxes_xywh), size=count - len(boxes_xywh))
    return np.concatenate([boxes_xywh, boxes_xywh[again]])
