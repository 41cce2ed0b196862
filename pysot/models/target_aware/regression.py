"""The regression whose kernel tells the channels apart: one convolution from a feature map to a Gaussian on the target
(TADT, CVPR 2019, section 3.1; docs/systems/tasiamrpn.md, Regression).

A kernel is stored as (kh * kw, C), its offsets in the order of `torch.nn.functional.unfold`. Response and gradient are
then one matrix product each, and a sum over shifts: several times faster on a CPU than a convolution with one output.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from pysot.models.target_aware.params import AUTOMATIC


def kernel_side(template_side: int, shrink: int = AUTOMATIC) -> int:
    """Odd side in cells of the kernel for a template of `template_side` cells; `shrink` cells less, at least 1.

    With `AUTOMATIC` half of the template, without its context, rounded up: 9 for 15 cells, as published.
    """
    half = template_side / 4 if shrink == AUTOMATIC else (template_side - shrink) / 2
    return max(1, 2 * math.ceil(half) + 1)


def gaussian_label(
    size_hw: tuple[int, int], sigma_hw: tuple[float, float], alpha: float, middle_hw: tuple[float, float]
) -> Tensor:
    """(H, W) float64 exp(-alpha (dy^2 / sigma_y^2 + dx^2 / sigma_x^2)) around `middle_hw`, cells from the first one."""
    profiles = []
    for size, sigma, middle in zip(size_hw, sigma_hw, middle_hw, strict=True):
        cells = torch.arange(size, dtype=torch.float64) - middle
        profiles.append(torch.exp(-alpha * (cells / sigma) ** 2))
    return torch.outer(*profiles)


class Regression:
    """One feature map, the label it should give, and the size of the kernel between them.

    Args:
        features: (C, H, W) float32.
        label: (H, W).
        kernel_hw: odd sides of the kernel, cells. The map is padded with zeros.
    """

    def __init__(self, features: Tensor, label: Tensor, kernel_hw: tuple[int, int]) -> None:
        self.flat = features.flatten(1)
        self.label = label.to(features)
        self.kernel_hw = kernel_hw
        self.padding = (kernel_hw[0] // 2, kernel_hw[1] // 2)
        self._transposed = self.flat.t().contiguous()

    @property
    def channels(self) -> int:
        """C."""
        return self.flat.shape[0]

    @property
    def cells(self) -> int:
        """H * W, the number of equations."""
        return self.flat.shape[1]

    @property
    def taps(self) -> int:
        """kh * kw, the offsets of the kernel."""
        return self.kernel_hw[0] * self.kernel_hw[1]

    def respond(self, kernel: Tensor) -> Tensor:
        """(H, W) response of the map to `kernel` (taps, C)."""
        shifted = (kernel @ self.flat)[None]
        size = (int(self.label.shape[0]), int(self.label.shape[1]))
        return F.fold(shifted, size, self.kernel_hw, padding=self.padding)[0, 0]

    def back(self, response: Tensor) -> Tensor:
        """(taps, C): the transpose of `respond`, for (H, W)."""
        return self.shifts(response) @ self._transposed

    def shifts(self, response: Tensor) -> Tensor:
        """(taps, H * W): `response` (H, W) moved by every offset of the kernel, zeros moving in."""
        return F.unfold(response[None, None], self.kernel_hw, padding=self.padding)[0]

    def gap_taps(self, residual: Tensor) -> Tensor:
        """(taps,): what each tap of a channel's kernel adds to minus the mean over cells of a loss's gradient for that
        channel: how fast the loss falls as the channel grows everywhere alike.

        The loss is the mean square of what the response lacks of the label; `residual` (H, W) is response minus label.
        Where it exceeds the label does not count: with it, the mean gradient is in essence minus the total error times
        the kernel's sum, and the sign of all importance would turn whenever a fit overshoots.
        """
        return -2 / self.cells**2 * self.shifts(residual.clamp_max(0)).sum(1)

    def gram(self) -> Tensor:
        """(H * W, H * W) inner products of all zero-padded patches of the map, kernel size.

        The sum over offsets of the shifted inner products of single cells, one axis after the other.
        """
        height, width = (int(side) for side in self.label.shape)
        cells = (self._transposed @ self.flat).reshape(height, width, height, width)
        for axis, reach in enumerate(self.padding):
            cells = _sum_of_diagonal_shifts(cells, axis, reach)
        return cells.reshape(self.cells, self.cells)


def _sum_of_diagonal_shifts(products: Tensor, axis: int, reach: int) -> Tensor:
    """(H, W, H, W): the sum over d from -reach to reach of `products` moved by d along `axis` and `axis` + 2 alike."""
    size = products.shape[axis]
    total = products.clone()
    for shift in range(1, min(reach, size - 1) + 1):
        low, high = slice(0, size - shift), slice(shift, size)
        for into, source in ((low, high), (high, low)):
            index_in, index_out = [slice(None)] * 4, [slice(None)] * 4
            index_in[axis] = index_in[axis + 2] = source
            index_out[axis] = index_out[axis + 2] = into
            total[tuple(index_out)] += products[tuple(index_in)]
    return total
