"""A small filter slid over many feature maps, and its transpose: the two products that every learner of a filter is
made of, on- or off-line.

Feature maps are channels last, so that one matrix product with the filter's k * k taps reads every sample once; what
remains is to add up k * k single-channel maps, each shifted by its tap. Nothing of the size of an unfolded feature map
is ever made (docs/performance.md). Both are differentiable in everything, and follow the precision of their inputs.

Any leading dimensions B, one filter for each, may stand before the shapes given here: ATOM has none, DiMP one filter
per sequence of a batch.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def score_size(height: int, width: int, side: int) -> tuple[int, int]:
    """Rows and columns of all scores of a k x k filter: those of the map, and one more when k is even."""
    return height + (side + 1) % 2, width + (side + 1) % 2


def correlate(samples: Tensor, kernel: Tensor) -> Tensor:
    """(B, N, h, w) scores: out[n, i, j] = sum_abc samples[n, i + a - k//2, j + b - k//2, c] kernel[a, b, c].

    Args:
        samples: (B, N, H, W, C), zero outside.
        kernel: (B, k, k, C).

    Returns:
        Scores of `score_size`; published "same" convolutions drop the last row and column of an even kernel.
    """
    height, width, channels = samples.shape[-3:]
    side = kernel.shape[-2]
    flipped = kernel.flip(-3, -2).reshape(*kernel.shape[:-3], 1, side * side, channels)
    taps = flipped @ samples.reshape(*samples.shape[:-3], height * width, channels).transpose(-1, -2)
    size = score_size(height, width, side)
    scores = F.fold(taps.reshape(-1, side * side, height * width), size, (side, side), padding=side - 1 - side // 2)
    return scores.reshape(*samples.shape[:-3], *size)


def correlate_transpose(samples: Tensor, residual: Tensor, side: int) -> Tensor:
    """(B, k, k, C): the gradient of sum(residual * correlate(samples, kernel)) with respect to the kernel.

    Args:
        samples: (B, N, H, W, C).
        residual: (B, N, h, w), of the size that `correlate` returns; a smaller one stands for zeros beyond its end.
        side: k.
    """
    height, width, channels = samples.shape[-3:]
    half, before = side // 2, side - 1 - side // 2
    pad = (before, width + half - residual.shape[-1], before, height + half - residual.shape[-2])
    windows = F.pad(residual, pad).unfold(-2, height, 1).unfold(-2, width, 1)  # (B, N, k, k, H, W), last tap first
    taps = windows.movedim(-5, -3).reshape(*samples.shape[:-4], side * side, -1)
    products: Tensor = taps @ samples.reshape(*samples.shape[:-4], -1, channels)
    return products.reshape(*samples.shape[:-4], side, side, channels).flip(-3, -2)
