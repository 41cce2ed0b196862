"""Boxes around a target that a box head learns to rate (docs/systems/atom.md, Training; docs/systems/dimp.md,
PrDiMP).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pysot.core.geometry import iou_xyxy, xywh_to_xyxy

TRIES = 100
SHRINK = 0.9
"""Factor on the spread after a box that overlaps too little."""


class Proposals(Protocol):
    """Makes boxes for one target and what a head is to answer to each."""

    def __call__(self, box_xywh: NDArray[np.float64], rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        """`proposals` (N, 4) left, top, width, height, and the labels, (N,) each."""


@dataclass(frozen=True)
class OverlapProposals:
    """Boxes with their overlaps, for a head that predicts these.

    Attributes:
        count: boxes per target.
        min_iou: the least overlap with the target.
        sigmas: spreads, in target sizes sqrt(w h), of which each box takes one at random.
    """

    count: int = 16
    min_iou: float = 0.1
    sigmas: tuple[float, ...] = (0.01, 0.05, 0.1, 0.2, 0.3)

    def __call__(self, box_xywh: NDArray[np.float64], rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        """`proposals` (N, 4), whole pixels; `overlaps` (N,) 2 IoU - 1.

        A box that has not reached `min_iou` after 100 tries (of a target smaller than a pixel, say) is kept as it is.
        """
        target_xyxy = xywh_to_xyxy(box_xywh)
        center, size = box_xywh[:2] + box_xywh[2:] / 2, box_xywh[2:]
        spread = rng.choice(self.sigmas, self.count) * math.sqrt(float(size.prod()))
        boxes, overlaps = np.empty((self.count, 4)), np.zeros(self.count)
        open_ = np.arange(self.count)
        for _ in range(TRIES):
            noise = rng.standard_normal((len(open_), 4)) * spread[open_, None]
            sides = size + noise[:, 2:]
            sides = np.where(sides <= 1, size * rng.uniform(0.15, 0.5, sides.shape), sides)
            drawn = np.concatenate([center + noise[:, :2] - sides / 2, sides], axis=1).round()
            boxes[open_], overlaps[open_] = drawn, iou_xyxy(xywh_to_xyxy(drawn), target_xyxy)
            open_ = open_[overlaps[open_] <= self.min_iou]
            if not len(open_):
                break
            spread[open_] *= SHRINK
        return {"proposals": boxes.astype(np.float32), "overlaps": (2 * overlaps - 1).astype(np.float32)}


@dataclass(frozen=True)
class DensityProposals:
    """Boxes drawn from a mixture of Gaussians around the target, for a head that learns a density over boxes
    (Danelljan et al., Probabilistic Regression for Visual Tracking, CVPR 2020; docs/systems/dimp.md, PrDiMP).

    A box differs from the target by (dx / w, dy / h, ln w' / w, ln h' / h), dx and dy between the centers, w and h of
    the target.

    Attributes:
        count: boxes per target.
        sigmas: standard deviation of the four numbers in each part of the mixture; all parts are equally likely.
        target_sigma: standard deviation in the density that the head is to learn.
    """

    count: int = 128
    sigmas: tuple[float, ...] = (0.05, 0.5)
    target_sigma: float = 0.05

    def __call__(self, box_xywh: NDArray[np.float64], rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        """`proposals` (N, 4); `log_proposal` and `log_target`, (N,): log-density of each under mixture and target."""
        sigma = rng.choice(self.sigmas, self.count)
        change = rng.standard_normal((self.count, 4)) * sigma[:, None]
        size = box_xywh[2:]
        center = box_xywh[:2] + size / 2 + change[:, :2] * size
        sides = size * np.exp(change[:, 2:])
        squared = (change**2).sum(axis=1)
        parts = np.stack([_log_gauss4(squared, sigma) for sigma in self.sigmas])
        mixture = np.logaddexp.reduce(parts, axis=0) - math.log(len(self.sigmas))
        return {
            "proposals": np.concatenate([center - sides / 2, sides], axis=1).astype(np.float32),
            "log_proposal": mixture.astype(np.float32),
            "log_target": _log_gauss4(squared, self.target_sigma).astype(np.float32),
        }


def _log_gauss4(squared: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Log-density of four independent normal numbers whose squares sum to `squared`."""
    return -squared / (2 * sigma**2) - 2 * math.log(2 * math.pi * sigma**2)
