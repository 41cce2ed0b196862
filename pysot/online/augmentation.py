"""Many views of the first frame, so that a classifier can be learned from it (docs/systems/atom.md, First frame)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Pixels: TypeAlias = NDArray[Any]
"""(H, W, 3) float."""


@dataclass(frozen=True)
class AugmentationParams:
    """Which views are made. The defaults are ATOM's: 23 views and 7 dropouts.

    Attributes:
        flip: mirror left to right.
        rotate: angles in degrees.
        blur: standard deviations (vertical, horizontal) of Gaussians, pixels, flat: two numbers per view.
        shift: (down, right) shifts of the content as shares of half the view, flat: two numbers per view.
        dropout_num, dropout_p: copies of the plain view's features with channels dropped, and the share dropped.
        expansion: side of the crop the views are cut from, in sides of a view.
        random_shift: the views that are neither plain nor shifts move by up to half this share of a side.
    """

    flip: bool = True
    rotate: tuple[float, ...] = (5, -5, 10, -10, 20, -20, 30, -30, 45, -45, -60, 60)
    blur: tuple[float, ...] = (2, 0.2, 0.2, 2, 3, 1, 1, 3, 2, 2)
    shift: tuple[float, ...] = (0.6, 0.6, -0.6, 0.6, 0.6, -0.6, -0.6, -0.6)
    dropout_num: int = 7
    dropout_p: float = 0.2
    expansion: float = 2.0
    random_shift: float = 0.333333


def augment(
    patch: Pixels, side: int, params: AugmentationParams, rng: np.random.Generator
) -> tuple[Pixels, NDArray[np.int64]]:
    """Views of `patch`: the plain one first, then shifts, mirror, blurs and rotations.

    Args:
        patch: (E, E, 3) float crop around the target, E >= side.
        side: side S of every view, pixels.
        rng: for the random shifts.

    Returns:
        (n, S, S, 3) views in the type of `patch`, and (n, 2) where the patch's center is in each view: pixels down and
        right of the view's center.
    """
    limits = params.random_shift * side
    plans: list[tuple[Callable[[Pixels], Pixels], NDArray[np.int64]]] = [(np.asarray, np.zeros(2, np.int64))]
    plans += [(np.asarray, np.trunc(np.multiply(pair, side / 2)).astype(np.int64)) for pair in _pairs(params.shift)]
    changes: list[Callable[[Pixels], Pixels]] = [np.fliplr] if params.flip else []
    changes += [partial(_blur, sigmas=sigmas) for sigmas in _pairs(params.blur)]
    changes += [partial(_rotate, degrees=degrees) for degrees in params.rotate]
    plans += [(change, np.trunc((rng.random(2) - 0.5) * limits).astype(np.int64)) for change in changes]
    views = np.empty((len(plans), side, side, 3), patch.dtype)
    for view, (change, shift) in zip(views, plans, strict=True):
        view[:] = _cut(change(patch), side, shift)
    return views, np.stack([shift for _, shift in plans])


def _pairs(flat: Sequence[float]) -> list[tuple[float, float]]:
    return list(zip(flat[::2], flat[1::2], strict=True))


def _blur(patch: Pixels, sigmas: tuple[float, float]) -> Pixels:
    """Gaussian blur with (vertical, horizontal) standard deviations; kernels reach ceil(2 sigma) pixels."""
    profiles = []
    for sigma in sigmas:
        reach = math.ceil(2 * sigma)
        profile = np.exp(-(np.arange(-reach, reach + 1, dtype=np.float64) ** 2) / (2 * sigma**2))
        profiles.append(profile / profile.sum())
    vertical, horizontal = profiles
    return cv2.sepFilter2D(patch, -1, horizontal, vertical, borderType=cv2.BORDER_CONSTANT)


def _rotate(patch: Pixels, degrees: float) -> Pixels:
    """Turned about the middle; what comes from outside repeats the border."""
    center = (np.array(patch.shape[1::-1]) - 1) / 2
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = np.array([[cos, sin], [-sin, cos]])
    matrix = np.column_stack([turn, center - turn @ center])
    return cv2.warpAffine(patch, matrix, patch.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


def _cut(patch: Pixels, side: int, shift: NDArray[np.int64]) -> Pixels:
    """The middle (side, side) of `patch` after its content moved by `shift` (down, right); the border repeats."""
    ranges = []
    for size, move in zip(patch.shape[:2], shift, strict=True):
        start = math.ceil((size - side) / 2) - int(move)
        ranges.append(np.arange(start, start + side).clip(0, size - 1))
    rows, columns = ranges
    if all(indices[-1] - indices[0] == side - 1 for indices in ranges):  # nothing repeats: no copy
        return patch[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return patch[rows][:, columns]


def drop_channels(features: Tensor, count: int, probability: float, rng: np.random.Generator) -> Tensor:
    """(count, ..., C) copies of channels-last `features` (..., C): each channel is 0, or scaled up to keep the mean."""
    kept = rng.random((count, features.shape[-1])) >= probability
    factor = features.new_tensor(kept / (1 - probability))
    return features * factor.reshape(count, *[1] * (features.ndim - 1), features.shape[-1])
