"""A small filter slid over many feature maps, and its transpose: the two products every online optimiser is made of.

Feature maps are channels-last, (N, H, W, C), so that one matrix product with the filter's k * k taps reads every sample
once; what remains is to add up k * k single-channel maps, each shifted by its tap. Nothing of the size of an unfolded
feature map is ever made (docs/performance.md).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def correlate(samples: Tensor, kernel: Tensor, out_hw: tuple[int, int]) -> Tensor:
    """(N, h, w) scores of one filter: out[n, i, j] = sum_abc samples[n, i + a - k//2, j + b - k//2, c] kernel[a, b, c].

    Args:
        samples: (N, H, W, C), zero outside.
        kernel: (k, k, C).
        out_hw: (h, w) of the result: H, W for scores as large as the map; H + 1, W + 1 for all that an even kernel has.
    """
    count, height, width, channels = samples.shape
    side = kernel.shape[0]
    taps = torch.mm(kernel.reshape(side * side, channels), samples.reshape(-1, channels).t())
    taps = taps.reshape(side, side, count, height, width)
    lines = taps.new_zeros(side, count, out_hw[0], width)
    scores = taps.new_zeros(count, *out_hw)
    for a in range(side):
        to_rows, from_rows = _overlap(a - side // 2, out_hw[0], height)
        lines[:, :, to_rows] += taps[a, :, :, from_rows]
    for b in range(side):
        to_columns, from_columns = _overlap(b - side // 2, out_hw[1], width)
        scores[:, :, to_columns] += lines[b, :, :, from_columns]
    return scores


def _overlap(shift: int, out_size: int, in_size: int) -> tuple[slice, slice]:
    """Where positions i of the result, and i + shift of the map, both exist."""
    first, last = max(0, -shift), min(out_size, in_size - shift)
    return slice(first, max(first, last)), slice(first + shift, max(first, last) + shift)


def correlate_transpose(samples: Tensor, residual: Tensor, side: int) -> Tensor:
    """(k, k, C): the gradient of sum(residual * correlate(samples, kernel)) with respect to the kernel.

    Args:
        samples: (N, H, W, C).
        residual: (N, h, w), of the size `correlate` returned.
        side: k.
    """
    _, height, width, channels = samples.shape
    half, before = side // 2, side - 1 - side // 2
    pad = (before, width + half - residual.shape[2], before, height + half - residual.shape[1])
    windows = F.pad(residual, pad).unfold(1, height, 1).unfold(2, width, 1)  # (N, k, k, H, W), last tap first
    taps = windows.permute(1, 2, 0, 3, 4).reshape(side * side, -1)
    return torch.mm(taps, samples.reshape(-1, channels)).reshape(side, side, channels).flip(0, 1)
