"""Maps that depend only on how far a cell is from the target, along curves that are learned (DiMP, ICCV 2019, section
3.4; docs/systems/dimp.md, Filter optimizer).
"""

from __future__ import annotations

import torch
from torch import Tensor


def grid_offsets(
    boxes_xywh: Tensor, size_hw: tuple[int, int], stride: int, kernel_side: int, offset: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Rows and columns of a score map, counted from the middle of each box.

    Args:
        boxes_xywh: (..., 4) in input pixels.
        size_hw: (h, w) of the score map.
        stride: input pixels per cell of the feature map.
        kernel_side: k of the filter; with an even k the scores lie on the corners of feature cells.
        offset: input pixel at which cell 0 of the feature map looks.

    Returns:
        (..., h) and (..., w), cells.
    """
    center = (boxes_xywh[..., :2] + boxes_xywh[..., 2:] / 2 - offset) / stride - (kernel_side % 2) / 2
    cells = torch.arange(max(size_hw), dtype=center.dtype, device=center.device)
    return cells[: size_hw[0]] - center[..., 1:], cells[: size_hw[1]] - center[..., :1]


def center_distances(
    boxes_xywh: Tensor, size_hw: tuple[int, int], stride: int, kernel_side: int, offset: float = 0.0
) -> Tensor:
    """(..., h, w) distance of every score from the middle of each box, cells; arguments as for `grid_offsets`."""
    rows, columns = grid_offsets(boxes_xywh, size_hw, stride, kernel_side, offset)
    return torch.hypot(rows[..., None], columns[..., None, :])


def radial_maps(distances: Tensor, curves: Tensor, displacement: float) -> Tensor:
    """(M, ...) values of M curves at `distances`.

    A curve is given at N distances, 0, displacement, 2 displacement ...; between them it is linear, beyond the last it
    is constant. This is the published map of N triangular bins followed by a 1x1 convolution, without the bins.

    Args:
        distances: (...) not below 0.
        curves: (M, N).
        displacement: distance between two values, N - 1 of them.
    """
    last = curves.shape[1] - 1
    place = (distances / displacement).clamp(max=last)
    low = place.floor().clamp(max=last - 1)
    share, index = place - low, low.long()
    return curves[:, index] * (1 - share) + curves[:, index + 1] * share
