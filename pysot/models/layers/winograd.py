"""Large 3x3 convolutions with 2.25 times fewer multiplications, for inference on a CPU.

Winograd's F(2x2, 3x3) (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016): each 2x2 tile of
the output comes from a 4x4 tile of the input by 16 products per pair of channels instead of 36, once both are
transformed. A convolution of dilation d is d * d dense ones on interleaved grids, which are done together. Float
rounding grows to a few parts in a million of the largest value.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MIN_CHANNELS = 512
"""With fewer input or output channels the transforms cost what the products save (docs/performance.md)."""

_KERNEL_TRANSFORM = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0.0, 0.0, 1.0))


class WinogradConv2d(nn.Module):
    """The same function as `conv` (see `fits`) on (B, C, H, W) float maps."""

    kernels: Tensor
    bias: Tensor | None

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        transform = conv.weight.new_tensor(_KERNEL_TRANSFORM)
        kernels = torch.einsum("ai,ocij,bj->aboc", transform, conv.weight.detach(), transform)
        self.register_buffer("kernels", kernels.reshape(16, *conv.weight.shape[:2]).contiguous())
        self.register_buffer("bias", None if conv.bias is None else conv.bias.detach()[:, None, None])
        self.padding, self.dilation = int(conv.padding[0]), conv.dilation[0]

    @staticmethod
    def fits(conv: nn.Module) -> bool:
        """True when `conv` is a convolution of that form, and large enough to gain."""
        return (
            isinstance(conv, nn.Conv2d)
            and (conv.kernel_size, conv.stride, conv.groups) == ((3, 3), (1, 1), 1)
            and conv.padding in ((0, 0), conv.dilation)
            and conv.dilation[0] == conv.dilation[1]
            and min(conv.in_channels, conv.out_channels) >= MIN_CHANNELS
        )

    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        shrink = 2 * self.dilation - 2 * self.padding
        out_h, out_w = height - shrink, width - shrink
        tiles = [-(-size // (2 * self.dilation)) for size in (out_h, out_w)]
        products = torch.bmm(self.kernels, self._input_tiles(x, tiles))
        shape = (4, 4, -1, batch, tiles[0], self.dilation, tiles[1], self.dilation)
        out = self._output_from(products.reshape(shape))[:, :, :out_h, :out_w]
        return out if self.bias is None else out + self.bias

    def _input_tiles(self, x: Tensor, tiles: list[int]) -> Tensor:
        """(16, C, tiles): every 4x4 tile of each interleaved grid, transformed along both axes."""
        dilation, (rows, columns) = self.dilation, tiles
        height, width = (dilation * (2 * count + 2) for count in tiles)
        pad = (self.padding, width - x.shape[3] - self.padding, self.padding, height - x.shape[2] - self.padding)
        grid = F.pad(x, pad).transpose(0, 1)
        grid = grid.reshape(x.shape[1], x.shape[0], 2 * rows + 2, dilation, 2 * columns + 2, dilation)
        out = x.new_empty(16, *grid.shape[:2], rows, dilation, columns, dilation)
        for a, line in enumerate(_combine_input([grid[:, :, k : k + 2 * rows : 2] for k in range(4)])):
            cells = [line[:, :, :, :, k : k + 2 * columns : 2] for k in range(4)]
            for b, cell in enumerate(_combine_input(cells)):
                out[4 * a + b] = cell
        return out.reshape(16, x.shape[1], -1)

    def _output_from(self, products: Tensor) -> Tensor:
        """(B, O, H, W), possibly larger than asked for, from products (4, 4, O, B, rows, d, columns, d)."""
        channels, batch, rows, dilation, columns, _ = products.shape[2:]
        out = products.new_empty(channels, batch, rows, 2, dilation, columns, 2, dilation)
        for a, line in enumerate(_combine_output(products)):
            for b, cell in enumerate(_combine_output(line)):
                out[:, :, :, a, :, :, b] = cell
        return out.reshape(channels, batch, 2 * rows * dilation, 2 * columns * dilation).transpose(0, 1)


def _combine_input(d: list[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The input transform along one axis."""
    return d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]


def _combine_output(m: Tensor) -> tuple[Tensor, Tensor]:
    """The output transform along the first axis."""
    return m[0] + m[1] + m[2], m[1] - m[2] - m[3]


def use_winograd(model: nn.Module) -> None:
    """Replaces, in place, every convolution of `model` that `WinogradConv2d.fits`; they cannot be trained any more."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if WinogradConv2d.fits(child):
                assert isinstance(child, nn.Conv2d)
                setattr(module, name, WinogradConv2d(child))
