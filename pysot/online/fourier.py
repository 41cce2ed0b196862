"""Scores between the cells of a score map, by its Fourier series (docs/systems/atom.md, Score interpolation).

Evaluating a separable series on a grid is a matrix product along each axis: no transform is computed.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def upsample_scores(scores: Tensor, points: int, kernel_side: int) -> Tensor:
    """(points, points) values of the Fourier series of a square score map.

    Entry [m, n] is the score where the target is displaced by (m - points // 2, n - points // 2) steps of size / points
    cells, down and right, from the middle of the crop.

    Args:
        scores: (S, S) scores; a target in the middle of the crop peaks at cell S / 2 when the filter's side is even.
        points: number of values along each axis.
        kernel_side: side of the filter that gave the scores.
    """
    rows = torch.from_numpy(_series(scores.shape[0], points, kernel_side)).to(scores)
    columns = torch.from_numpy(_series(scores.shape[1], points, kernel_side)).to(scores)
    return rows @ scores @ columns.t()


@lru_cache(maxsize=8)
def _series(size: int, points: int, kernel_side: int) -> NDArray[np.float64]:
    """(points, size) values of the series of each unit score, at displacements -points // 2 and up.

    Frequencies reach size // 2 on both sides, so that an even size has its highest one at both ends, at full strength,
    as published.
    """
    frequencies = np.arange(-(size // 2), size // 2 + 1)
    place = (np.arange(points) - points // 2) / points
    start = np.pi * (1 - (kernel_side % 2) / size)
    phase = 2 * np.pi * (place[:, None] - np.arange(size) / size) + start
    return np.cos(phase[..., None] * frequencies).sum(axis=-1) / size


@lru_cache(maxsize=8)
def displacement_window(points: int, beyond: int = 2) -> NDArray[np.float64]:
    """(points, points) Hann window over displacements, 1 where there is none.

    It would reach 0 at a period of points + `beyond`: 2 as published for scores between cells, 1 for an odd number of
    cells, where it is symmetric.
    """
    distance = np.abs(np.arange(points) - points // 2)
    hann = 0.5 * (1 + np.cos(2 * np.pi * distance / (points + beyond)))
    return np.outer(hann, hann)
