"""Random boxes around a target, chosen by how much they overlap it (docs/systems/lmt.md, Box sampling).

Boxes are (n, 4) float64, left, top, width, height. They lie inside the bounds they are given, and equal generators give
equal boxes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pysot.core.geometry import cxcywh_to_xywh, iou_xywh, xywh_to_cxcywh

Box4: TypeAlias = NDArray[np.float64]
SMALLEST = 10.0
"""Least side of a drawn box, pixels, unless the target itself is smaller."""
ROUNDS = 8
"""How often boxes are drawn until enough of them overlap as wanted."""
PROPOSALS = 50
"""Boxes proposed for each one of `stratified_boxes`."""


@dataclass(frozen=True)
class Spread:
    """How boxes are scattered around the target.

    Attributes:
        kind: `gaussian` (normal, of standard deviation one half, cut at 1), `uniform`, or `whole`: centers anywhere.
        trans: largest displacement of the center, shares of the mean of width and height.
        scale: largest factor of both sides together.
        aspect: largest factor of each side on its own.
    """

    kind: Literal["gaussian", "uniform", "whole"]
    trans: float = 0.0
    scale: float = 1.0
    aspect: float = 1.0

    def draw(self, box_xywh: ArrayLike, count: int, bounds_xyxy: ArrayLike, rng: np.random.Generator) -> Box4:
        """(count, 4) boxes around `box_xywh`, moved and shrunk where needed to lie inside `bounds_xyxy`."""
        center_size = np.asarray(xywh_to_cxcywh(np.asarray(box_xywh, dtype=np.float64)))
        if self.kind == "gaussian":
            noise = np.clip(0.5 * rng.standard_normal((count, 3)), -1, 1)
        else:
            noise = rng.uniform(-1, 1, (count, 3))
        factors = self.scale ** noise[:, 2:] * self.aspect ** rng.uniform(-1, 1, (count, 2))
        centers = center_size[:2] + self.trans * center_size[2:].mean() * noise[:, :2]
        if self.kind == "whole":
            low, high = np.asarray(bounds_xyxy, dtype=np.float64).reshape(2, 2)
            centers = rng.uniform(low, np.maximum(high, low), (count, 2))
        return fit_inside(np.concatenate([centers, center_size[2:] * factors], axis=1), bounds_xyxy, center_size[2:])


def fit_inside(boxes_cxcywh: Box4, bounds_xyxy: ArrayLike, target_wh: ArrayLike) -> Box4:
    """(n, 4) xywh of boxes made no smaller than `SMALLEST` (or the target), no larger than the bounds, and moved into
    these."""
    low, high = np.asarray(bounds_xyxy, dtype=np.float64).reshape(2, 2)
    room = np.maximum(high - low, 1.0)
    least = np.minimum(np.minimum(SMALLEST, np.asarray(target_wh, dtype=np.float64)), room)
    sizes = np.clip(boxes_cxcywh[:, 2:], least, room)
    centers = np.clip(boxes_cxcywh[:, :2], low + sizes / 2, np.maximum(low + room - sizes / 2, low + sizes / 2))
    return np.asarray(cxcywh_to_xywh(np.concatenate([centers, sizes], axis=1)), dtype=np.float64)


def boxes_in_range(
    target_xywh: ArrayLike,
    count: int,
    spread: Spread,
    overlap: tuple[float, float],
    bounds_xyxy: ArrayLike,
    rng: np.random.Generator,
    area: tuple[float, float] | None = None,
) -> Box4:
    """At most `count` boxes whose overlap with the target lies in `overlap`; fewer where the spread hardly gives such.

    Args:
        area: smallest and largest ratio of the larger to the smaller area of box and target; None for any.
    """
    target = np.asarray(target_xywh, dtype=np.float64)
    kept: list[Box4] = []
    found = 0
    for _ in range(ROUNDS):
        boxes = spread.draw(target, 2 * (count - found) + 8, bounds_xyxy, rng)
        boxes = boxes[in_range(boxes, target, overlap, area)][: count - found]
        kept.append(boxes)
        found += len(boxes)
        if found >= count:
            break
    return np.concatenate(kept)


def in_range(
    boxes_xywh: Box4, target_xywh: ArrayLike, overlap: tuple[float, float], area: tuple[float, float] | None = None
) -> NDArray[np.bool_]:
    """(n,) which boxes overlap the target as wanted, and have the wanted ratio of areas."""
    shares = iou_xywh(boxes_xywh, target_xywh)
    fits = (shares >= overlap[0]) & (shares <= overlap[1])
    if area is not None:
        ratio = boxes_xywh[:, 2:].prod(axis=1) / np.asarray(target_xywh, dtype=np.float64)[2:].prod()
        ratio = np.maximum(ratio, 1 / np.maximum(ratio, 1e-12))
        fits &= (ratio >= area[0]) & (ratio <= area[1])
    return np.asarray(fits, dtype=np.bool_)


def stratified_boxes(
    target_xywh: ArrayLike, count: int, bins: int, bounds_xyxy: ArrayLike, rng: np.random.Generator
) -> tuple[Box4, NDArray[np.float64]]:
    """Boxes whose overlaps with the target are spread evenly over 0..1, and these overlaps.

    Returns:
        (count, 4) boxes inside the bounds, and (count,) overlaps, computed after the boxes were fitted inside. A bin
        that no proposal falls into is given the nearest ones.
    """
    target = np.asarray(target_xywh, dtype=np.float64)
    center_size = np.asarray(xywh_to_cxcywh(target))
    numbers = np.arange(count) * bins // count
    chosen, shares = [], []
    for number in range(bins):
        wanted = int((numbers == number).sum())
        if wanted == 0:
            continue
        reach = 1.0 - 0.95 * number / max(bins - 1, 1)
        total = wanted * PROPOSALS
        centers = center_size[:2] + reach * center_size[2:].mean() * rng.uniform(-1, 1, (total, 2))
        sizes = center_size[2:] * np.exp(0.7 * reach * rng.uniform(-1, 1, (total, 2)))
        boxes = fit_inside(np.concatenate([centers, sizes], axis=1), bounds_xyxy, target[2:])
        found = iou_xywh(boxes, target)
        middle, half = (number + 0.5) / bins, 0.5 / bins
        distance = np.maximum(np.abs(found - middle) - half, 0)  # 0 for all in the bin, whose order is random
        nearest = np.argsort(distance, kind="stable")[:wanted]
        chosen.append(boxes[nearest])
        shares.append(found[nearest])
    return np.concatenate(chosen), np.concatenate(shares)
