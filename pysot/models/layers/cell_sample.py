"""Features of boxes read from a shared map at single points: what a network that sees each box alone would give,
where a point falls on a cell, and bilinear in between.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def sample_cells(features: Tensor, centers_xy: Tensor, steps_xy: Tensor, size: int) -> Tensor:
    """A square of points of the map around each box's center.

    Args:
        features: (B, C, H, W).
        centers_xy: (B, N, 2) center of each square, in cells of the map.
        steps_xy: (B, N, 2) cells between neighboring points, along x and y.
        size: points along a side.

    Returns:
        (B, N, C, size, size), bilinear between cells; beyond the map the nearest cell. Differentiable in everything.
    """
    height, width = features.shape[-2:]
    offsets = torch.arange(size, dtype=centers_xy.dtype, device=centers_xy.device) - (size - 1) / 2
    points = centers_xy[..., None, :] + steps_xy[..., None, :] * offsets[:, None]  # (B, N, size, 2)
    x, y = (points[..., axis] * (2 / max(cells - 1, 1)) - 1 for axis, cells in ((0, width), (1, height)))
    batch, count = centers_xy.shape[:2]
    shape = (batch, count, size, size)
    grid = torch.stack([x[:, :, None].expand(shape), y[..., None].expand(shape)], dim=-1)
    grid = grid.reshape(batch, count * size, size, 2).to(features.dtype)
    sampled = F.grid_sample(features, grid, mode="bilinear", padding_mode="border", align_corners=True)
    return sampled.reshape(batch, -1, count, size, size).transpose(1, 2)
