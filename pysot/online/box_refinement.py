"""The box that a network predicts to overlap the target most, found by gradient ascent (ATOM, CVPR 2019, section 3.1;
docs/systems/atom.md, Box refinement).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
import torch
from torch import Tensor

from pysot.core.checks import CheckedParams

Overlap: TypeAlias = Callable[[Tensor], tuple[Tensor, Tensor]]
"""(N, 4) xywh boxes in crop pixels to their (N,) predicted overlaps, and the (N, 4) gradient of each by its box."""


@dataclass(frozen=True)
class BoxParams(CheckedParams):
    """How boxes are refined.

    Attributes:
        k: how many of the best boxes are averaged.
        num_random: random boxes beside the first one.
        jitter_pos, jitter_sz: their spread in position and size, shares of sqrt(w h).
        max_aspect: boxes more elongated than this are dropped.
        iter, step: steps of gradient ascent, and their length.
        decay: below 1, a step that makes a box worse is taken back and tried again, shorter by this factor.
        space: `default`, where a step is scaled by the box's size; `relative`, where the coordinates are the center in
            units of the first size and the logarithm of the size.
    """

    config_group: ClassVar[str] = "TRACK.ONLINE.BOX"

    k: int = 3
    num_random: int = 9
    jitter_pos: float = 0.1
    jitter_sz: float = 0.5
    max_aspect: float = 6.0
    iter: int = 5
    step: float = 1.0
    decay: float = 1.0
    space: str = "default"

    def __post_init__(self) -> None:
        self.check_choice("space", SPACES)


def jitter_boxes(box_xywh: Tensor, params: BoxParams, rng: np.random.Generator) -> Tensor:
    """(1 + num_random, 4): the box itself (4,), and copies of random position and size."""
    corner, size = box_xywh[:2], box_xywh[2:]
    side = size.prod().sqrt()
    noise = torch.from_numpy(rng.random((params.num_random, 4)) - 0.5).to(box_xywh)
    sizes = (size + noise[:, 2:] * params.jitter_sz * side).clamp(min=float(size.min()) / 3)
    centers = corner + size / 2 + noise[:, :2] * params.jitter_pos * side
    return torch.cat([box_xywh[None], torch.cat([centers - sizes / 2, sizes], dim=1)])


def ascend(overlap: Overlap, boxes_xywh: Tensor, params: BoxParams) -> tuple[Tensor, Tensor]:
    """Moves each box along the gradient of its predicted overlap.

    Args:
        overlap: the predictor; boxes do not influence each other.
        boxes_xywh: (N, 4) first boxes; the first one sets the units of the `relative` space.

    Returns:
        (N, 4) moved boxes, and (N,) overlaps predicted before the last step.
    """
    space = SPACES[params.space](boxes_xywh[0])
    point = space.to_point(boxes_xywh)
    length = point.new_full((len(point), 1), params.step)
    start, slope, value = point, torch.zeros_like(point), point.new_full((len(point),), -torch.inf)
    for _ in range(params.iter):
        boxes = space.to_box(point)
        found, gradient = overlap(boxes)
        gradient = space.gradient(gradient, boxes)
        if params.decay < 1:
            kept = found > value
            length = torch.where(kept[:, None], length, length * params.decay)
            point, gradient = torch.where(kept[:, None], point, start), torch.where(kept[:, None], gradient, slope)
            found = torch.where(kept, found, value)
        start, slope, value = point, gradient, found
        point = start + length * slope * space.scale(start)
    return space.to_box(point), value


class DefaultSpace:
    """Corner and size as they are; a step is scaled by the box's size."""

    def __init__(self, first_xywh: Tensor) -> None:
        pass

    def to_point(self, boxes_xywh: Tensor) -> Tensor:
        """(N, 4) coordinates of boxes (N, 4)."""
        return boxes_xywh

    def to_box(self, point: Tensor) -> Tensor:
        """Back to boxes."""
        return point

    def gradient(self, by_box: Tensor, boxes_xywh: Tensor) -> Tensor:
        """The gradient (N, 4) by the coordinates, of that by the boxes."""
        return by_box

    def scale(self, point: Tensor) -> Tensor:
        """(N, 4) factors of a step."""
        return point[:, 2:].repeat(1, 2)


class RelativeSpace(DefaultSpace):
    """The center in units of the first box's size, and the logarithm of the size."""

    def __init__(self, first_xywh: Tensor) -> None:
        self.unit = first_xywh[2:]

    def to_point(self, boxes_xywh: Tensor) -> Tensor:
        corner, size = boxes_xywh[:, :2], boxes_xywh[:, 2:]
        return torch.cat([(corner + size / 2) / self.unit, size.log()], dim=1)

    def to_box(self, point: Tensor) -> Tensor:
        size = point[:, 2:].exp()
        return torch.cat([point[:, :2] * self.unit - size / 2, size], dim=1)

    def gradient(self, by_box: Tensor, boxes_xywh: Tensor) -> Tensor:
        by_corner, by_size = by_box[:, :2], by_box[:, 2:]
        return torch.cat([by_corner * self.unit, (by_size - by_corner / 2) * boxes_xywh[:, 2:]], dim=1)

    def scale(self, point: Tensor) -> Tensor:
        return torch.ones_like(point)


SPACES: dict[str, type[DefaultSpace]] = {"default": DefaultSpace, "relative": RelativeSpace}


def best_box(boxes_xywh: Tensor, overlaps: Tensor, params: BoxParams) -> Tensor | None:
    """(4,) mean of the `k` best of (N, 4) boxes by their (N,) overlaps.

    Sizes are raised to 1 pixel; boxes too elongated, or not finite, do not count. None when none is left.
    """
    boxes = torch.cat([boxes_xywh[:, :2], boxes_xywh[:, 2:].clamp(min=1)], dim=1)
    aspect = boxes[:, 2] / boxes[:, 3]
    usable = (aspect < params.max_aspect) & (aspect > 1 / params.max_aspect)
    usable &= boxes.isfinite().all(dim=1) & overlaps.isfinite()
    if not bool(usable.any()):
        return None
    boxes, overlaps = boxes[usable], overlaps[usable]
    chosen = overlaps.topk(min(params.k, len(boxes))).indices
    return boxes[chosen].mean(dim=0)
