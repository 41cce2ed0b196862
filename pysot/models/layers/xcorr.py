"""Cross-correlation of a template's feature map (the kernel) with a search region's (docs/systems/siamrpn.md and
nanotrack.md, Head).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def xcorr_up_channel(search: Tensor, kernel: Tensor) -> Tensor:
    """SiamRPN's correlation: each search map with its own bank of kernels.

    Args:
        search: (B, C, H, W).
        kernel: (B, K * C, h, w), K kernels of C channels.

    Returns:
        (B, K, H - h + 1, W - w + 1).
    """
    batch, channels = search.shape[:2]
    weights = kernel.reshape(-1, channels, *kernel.shape[2:])
    out = F.conv2d(search.reshape(1, -1, *search.shape[2:]), weights, groups=batch)
    return out.reshape(batch, -1, *out.shape[2:])


def xcorr_depthwise(search: Tensor, kernel: Tensor, padding: int = 0) -> Tensor:
    """Channel by channel correlation: (B, C, H, W) with (B, C, h, w) to (B, C, H - h + 1 + 2p, W - w + 1 + 2p)."""
    batch, channels = kernel.shape[:2]
    weights = kernel.reshape(batch * channels, 1, *kernel.shape[2:])
    if batch == 1:
        return F.conv2d(search, weights, padding=padding, groups=channels)
    out = F.conv2d(
        search.reshape(1, batch * channels, *search.shape[2:]), weights, padding=padding, groups=batch * channels
    )
    return out.reshape(batch, channels, *out.shape[2:])


def xcorr_pixelwise(search: Tensor, kernel: Tensor) -> Tensor:
    """Every template cell as a 1x1 kernel: (B, C, H, W) with (B, C, h, w) to (B, h * w, H, W).

    Output channel p is the inner product with template cell p = row * w + column; no scaling.
    """
    batch, channels, height, width = search.shape
    cells = kernel.flatten(2).transpose(1, 2)
    if batch == 1:
        return F.conv2d(search, cells.reshape(-1, channels, 1, 1))
    return torch.matmul(cells, search.flatten(2)).reshape(batch, -1, height, width)
