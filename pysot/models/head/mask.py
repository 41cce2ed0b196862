"""SiamMask's mask branch and its refinement (SiamMask, CVPR 2019; docs/systems/siammask.md, Mask branch)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pysot.core.errors import ConfigError
from pysot.models.head.base import MASK_HEADS, REFINE_HEADS
from pysot.models.head.rpn import DepthwiseXCorr
from pysot.models.parts import Delivered


@MASK_HEADS.register("MaskCorr")
class MaskCorr(DepthwiseXCorr):
    """A `DepthwiseXCorr` with 63 * 63 outputs per cell; its correlation map also feeds `Refine`."""

    def __init__(self, in_channels: int = 256, hidden: int = 256, out_channels: int = 63 * 63) -> None:
        super().__init__(in_channels, hidden, out_channels)
        self.hidden = hidden

    @classmethod
    def arguments_for(cls, given: Delivered) -> dict[str, Any]:
        return {"in_channels": given.channels[-1]}

    def head_at(self, correlation: Tensor, cells: Tensor) -> Tensor:
        """(N, 63 * 63): what `head` gives at `cells` (N, 3), each a batch number, a row and a column.

        Only its last convolution, by far the widest, is spared the other cells: the batch norm before it sees them all.
        """
        *before, last = self.head
        for layer in before:
            correlation = layer(correlation)
        logits: Tensor = last(at_cells(correlation, cells))
        return logits.flatten(1)


def _two_convs(channels: tuple[int, int, int]) -> nn.Sequential:
    first, middle, last = channels
    return nn.Sequential(
        nn.Conv2d(first, middle, 3, padding=1), nn.ReLU(), nn.Conv2d(middle, last, 3, padding=1), nn.ReLU()
    )


@REFINE_HEADS.register("Refine")
class Refine(nn.Module):
    """Turns cells of the correlation map into masks, adding detail from the shallow search features.

    Args:
        shallow: channels of the three shallow search features, shallow to deep.
        correlation: channels of the mask head's correlation map.
        steps: their cells along a cell of the deepest map.
        sides: their cells along a template crop: the part of each that a mask reads.
        margins: their cells by which that part begins before the map for the first cell of the response.
        mask_size: side of a mask: that of the template crop, pixels.
    """

    def __init__(
        self,
        shallow: Sequence[int] = (64, 256, 512),
        correlation: int = 256,
        steps: Sequence[int] = (4, 2, 1),
        sides: Sequence[int] = (61, 31, 15),
        margins: Sequence[int] = (16, 8, 4),
        mask_size: int = 127,
    ) -> None:
        super().__init__()
        self.windows, self.mask_size = list(zip(margins, steps, sides, strict=True)), mask_size
        self.v0 = _two_convs((shallow[0], 16, 4))
        self.v1 = _two_convs((shallow[1], 64, 16))
        self.v2 = _two_convs((shallow[2], 128, 32))
        self.h2 = _two_convs((32, 32, 32))
        self.h1 = _two_convs((16, 16, 16))
        self.h0 = _two_convs((4, 4, 4))
        self.deconv = nn.ConvTranspose2d(correlation, 32, sides[2], sides[2])
        self.post0 = nn.Conv2d(32, 16, 3, padding=1)
        self.post1 = nn.Conv2d(16, 4, 3, padding=1)
        self.post2 = nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, shallow: list[Tensor], correlation: Tensor, cells: Tensor) -> Tensor:
        """Mask logits of chosen cells.

        Args:
            shallow: search features; as published those of the stem, layer 1 and layer 2: (B, 64, 125, 125),
                (B, 256, 63, 63), (B, 512, 31, 31).
            correlation: (B, 256, S, S) correlation map of the mask head.
            cells: (N, 3) int64: number in the batch, row and column of the response map.

        Returns:
            (N, mask_size * mask_size) logits, row by row.
        """
        detail = [_windows(x, cells, *window) for x, window in zip(shallow, self.windows, strict=True)]
        fine, middle, _ = (side for _, _, side in self.windows)
        out = self.deconv(at_cells(correlation, cells))
        out = self.post0(F.interpolate(self.h2(out) + self.v2(detail[2]), size=(middle, middle)))
        out = self.post1(F.interpolate(self.h1(out) + self.v1(detail[1]), size=(fine, fine)))
        out = self.post2(F.interpolate(self.h0(out) + self.v0(detail[0]), size=(self.mask_size, self.mask_size)))
        return out.flatten(1)

    @classmethod
    def arguments_for(cls, given: Delivered) -> dict[str, Any]:
        *shallow, deep = given.specs
        strides = [spec.stride for spec in shallow]
        if len(shallow) != 3 or any(deep.stride % stride for stride in strides):
            raise ConfigError(
                "REFINE.REFINE: the refinement of a mask takes three maps beside the deepest, whose strides divide its "
                f"own, but {given.source} delivers maps of strides {[*strides, deep.stride]}. Name four levels in "
                "BACKBONE.KWARGS.used_layers ([0, 1, 2, 3] of a ResNet), or set REFINE.REFINE and MASK.MASK False."
            )
        steps = [deep.stride // stride for stride in strides]
        return {
            "shallow": given.channels[:-1],
            "steps": steps,
            "sides": [spec.cells(given.exemplar_size) for spec in shallow],
            "margins": [given.template_start * step for step in steps],
            "mask_size": given.exemplar_size,
        }


def at_cells(maps: Tensor, cells: Tensor) -> Tensor:
    """(N, C, 1, 1): the values of `maps` (B, C, S, S) at `cells` (N, 3), each a batch number, a row and a column."""
    number, row, column = cells.unbind(dim=1)
    return maps[number, :, row, column][:, :, None, None]


def _windows(x: Tensor, cells: Tensor, padding: int, step: int, side: int) -> Tensor:
    """(N, C, side, side): the part of zero-padded `x` (B, C, H, W) that belongs to each cell."""
    number, row, column = (index[:, None, None] for index in cells.unbind(dim=1))
    along = torch.arange(side, device=x.device)
    padded = F.pad(x, [padding] * 4)
    # indexed, not unfolded: the gradient then has the size of `x`, not that of all windows
    return padded[number, :, row * step + along[:, None], column * step + along].movedim(-1, 1)
