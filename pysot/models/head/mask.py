"""SiamMask's mask branch and its refinement (SiamMask, CVPR 2019; specs/siamrpnpp.md section 9)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from pysot.models.head.base import MASK_HEADS, REFINE_HEADS
from pysot.models.head.rpn import DepthwiseXCorr


@MASK_HEADS.register("MaskCorr")
class MaskCorr(DepthwiseXCorr):
    """A `DepthwiseXCorr` with 63 * 63 outputs per cell; its correlation map also feeds `Refine`."""

    def __init__(self, in_channels: int = 256, hidden: int = 256, out_channels: int = 63 * 63) -> None:
        super().__init__(in_channels, hidden, out_channels)


def _two_convs(channels: tuple[int, int, int]) -> nn.Sequential:
    first, middle, last = channels
    return nn.Sequential(
        nn.Conv2d(first, middle, 3, padding=1), nn.ReLU(), nn.Conv2d(middle, last, 3, padding=1), nn.ReLU()
    )


@REFINE_HEADS.register("Refine")
class Refine(nn.Module):
    """Turns one cell of the correlation map into a 127 x 127 mask, adding detail from the shallow search features."""

    def __init__(self) -> None:
        super().__init__()
        self.v0 = _two_convs((64, 16, 4))
        self.v1 = _two_convs((256, 64, 16))
        self.v2 = _two_convs((512, 128, 32))
        self.h2 = _two_convs((32, 32, 32))
        self.h1 = _two_convs((16, 16, 16))
        self.h0 = _two_convs((4, 4, 4))
        self.deconv = nn.ConvTranspose2d(256, 32, 15, 15)
        self.post0 = nn.Conv2d(32, 16, 3, padding=1)
        self.post1 = nn.Conv2d(16, 4, 3, padding=1)
        self.post2 = nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, shallow: list[Tensor], correlation: Tensor, cell: tuple[int, int]) -> Tensor:
        """Mask logits of one cell.

        Args:
            shallow: search features of the stem, layer 1 and layer 2: (B, 64, 125, 125), (B, 256, 63, 63),
                (B, 512, 31, 31).
            correlation: (B, 256, S, S) correlation map of the mask head.
            cell: (row, column) of the response map.

        Returns:
            (B, 127 * 127) logits, row by row.
        """
        detail = [
            _window(x, cell, *spec) for x, spec in zip(shallow, ((16, 4, 61), (8, 2, 31), (4, 1, 15)), strict=True)
        ]
        row, column = cell
        out = self.deconv(correlation[:, :, row : row + 1, column : column + 1])
        out = self.post0(F.interpolate(self.h2(out) + self.v2(detail[2]), size=(31, 31)))
        out = self.post1(F.interpolate(self.h1(out) + self.v1(detail[1]), size=(61, 61)))
        out = self.post2(F.interpolate(self.h0(out) + self.v0(detail[0]), size=(127, 127)))
        return out.flatten(1)


def _window(x: Tensor, cell: tuple[int, int], padding: int, step: int, side: int) -> Tensor:
    """The `side` x `side` part of zero-padded `x` that belongs to `cell`."""
    top, left = (step * index for index in cell)
    return F.pad(x, [padding] * 4)[:, :, top : top + side, left : left + side]
