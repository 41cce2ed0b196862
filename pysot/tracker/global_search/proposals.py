"""Where in the frame to look for a lost target: places read off an attention map, or a plain grid of windows
(docs/systems/tanet.md, Search policy).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

REFERENCE = 300
"""Side of the map that blur and areas are given for."""


@dataclass(frozen=True)
class Proposal:
    """A place where the target may be.

    Attributes:
        center_xy: image pixels.
        scale: size to look for, relative to the last one known.
        weight: how promising; larger is better.
    """

    center_xy: tuple[float, float]
    scale: float = 1.0
    weight: float = 0.0


@dataclass(frozen=True)
class MapReading:
    """How places are read off a map.

    Attributes:
        num_proposals: the most places.
        map_thr_rel, map_thr_abs: what counts as attended: this share of the largest value, and at least this value.
        min_area: smaller spots are passed over; pixels of a map of 300 x 300.
        blur_sigma: of the Gaussian that the map is smoothed with before; pixels of such a map.
        extra_scales: sizes to look for at each place, relative to the last one known.
    """

    config_group: ClassVar[str] = "ATTENTION.POLICY"

    num_proposals: int = 3
    map_thr_rel: float = 0.5
    map_thr_abs: float = 0.2
    min_area: float = 9.0
    blur_sigma: float = 3.0
    extra_scales: tuple[float, ...] = (1.0,)


def read_map(
    attention: NDArray[np.floating],
    image_hw: tuple[int, int],
    size_wh: tuple[float, float],
    reading: MapReading,
) -> list[Proposal]:
    """The attended places, the most promising first, each at every scale; none in a map that attends to nothing.

    A place is a connected spot of attended pixels; its center is their mean, weighted by attention. Its promise is the
    mean attention times the root of its area over the target's, as far as that is below 1.

    Args:
        attention: (h, w) map of the whole frame in 0..1, of any size.
        image_hw: of the frame, pixels.
        size_wh: of the target, image pixels.
    """
    height, width = attention.shape
    smooth = np.asarray(attention, dtype=np.float32)
    sigma_y, sigma_x = (reading.blur_sigma * side / REFERENCE for side in smooth.shape)
    if min(sigma_x, sigma_y) > 0:
        blurred = cv2.GaussianBlur(smooth, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y, borderType=cv2.BORDER_REPLICATE)
        smooth = np.asarray(blurred, dtype=np.float32)
    highest = float(smooth.max())
    if not highest >= reading.map_thr_abs:
        return []
    attended = smooth >= max(reading.map_thr_rel * highest, reading.map_thr_abs)
    count, labels = cv2.connectedComponents(attended.astype(np.uint8), connectivity=8)
    zoom = np.array([image_hw[1] / width, image_hw[0] / height])
    expected = max(size_wh[0] * size_wh[1] / float(zoom.prod()), 1.0)
    least = reading.min_area * height * width / REFERENCE**2
    found = []
    for label in range(1, count):
        rows, columns = np.nonzero(labels == label)
        if len(rows) < least:
            continue
        weights = smooth[rows, columns].astype(np.float64)
        center = (np.array([columns @ weights, rows @ weights]) / weights.sum() + 0.5) * zoom
        promise = float(weights.mean()) * math.sqrt(min(len(rows) / expected, 1.0))
        found.append(Proposal((float(center[0]), float(center[1])), weight=promise))
    places = sorted(found, key=lambda place: -place.weight)[: reading.num_proposals]
    return [replace(place, scale=scale) for place in places for scale in reading.extra_scales]


def mean_inside(
    attention: NDArray[np.floating], image_hw: tuple[int, int], box_cxcywh: tuple[float, float, float, float]
) -> float:
    """Mean of a map (h, w) of the whole frame over the cells that a box in image pixels touches; 0 for one outside."""
    if not np.isfinite(box_cxcywh).all():
        return 0.0
    ranges = []
    for center, length, cells, pixels in zip(
        box_cxcywh[1::-1], box_cxcywh[:1:-1], attention.shape, image_hw, strict=True
    ):
        low, high = ((center + side * length / 2) * cells / pixels for side in (-1, 1))
        ranges.append(slice(max(math.floor(low), 0), max(math.ceil(high), 0)))
    inside = attention[tuple(ranges)]
    return float(inside.mean()) if inside.size else 0.0


def window_grid(
    image_hw: tuple[int, int], size_wh: tuple[float, float], spacing: float, scales: Sequence[float]
) -> list[Proposal]:
    """Places all over the frame, evenly, at most `spacing` target sizes sqrt(w h) apart, for every scale."""
    side = math.sqrt(size_wh[0] * size_wh[1])
    places = []
    for scale in scales:
        step = max(spacing * side * scale, 1.0)
        counts = [max(math.ceil(length / step), 1) for length in image_hw]
        for row in range(counts[0]):
            for column in range(counts[1]):
                center = ((column + 0.5) * image_hw[1] / counts[1], (row + 0.5) * image_hw[0] / counts[0])
                places.append(Proposal(center, scale))
    return places
