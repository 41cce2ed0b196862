"""The square of an image a tracker looks at: its pixels as the network takes them, and how its coordinates map back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pysot.core.crop import SampledPatch


@dataclass(frozen=True)
class PatchView:
    """Where a patch lies. The center of a box of width w at x is x + (w - 1) / 2, in the image and in the patch.

    Attributes:
        center_xy: its center, image pixels.
        scale: image pixels per patch pixel.
        side: patch pixels.
    """

    center_xy: tuple[float, float]
    scale: float
    side: int

    def box_in_patch(self, center_xy: tuple[float, float], size_wh: tuple[float, float]) -> tuple[float, ...]:
        """Left, top, width, height in patch pixels of a box given by center and size in image pixels."""
        size = [value / self.scale for value in size_wh]
        middle = [(value - own) / self.scale for value, own in zip(center_xy, self.center_xy, strict=True)]
        corner = [value + (self.side - 1) / 2 - (extent - 1) / 2 for value, extent in zip(middle, size, strict=True)]
        return (*corner, *size)

    def box_in_image(self, box_xywh: tuple[float, ...]) -> tuple[tuple[float, float], tuple[float, float]]:
        """Center and size in image pixels of a box in patch pixels.

        The center is half a patch pixel beyond the inverse of `box_in_patch`: published results were made so.
        """
        x, y, width, height = box_xywh
        middle = (x + width / 2, y + height / 2)
        center_x, center_y = (
            own + (value - (self.side - 1) / 2) * self.scale for value, own in zip(middle, self.center_xy, strict=True)
        )
        return (center_x, center_y), (width * self.scale, height * self.scale)


def resize_patch(patch: SampledPatch, side: int, like: Tensor) -> Tensor:
    """(1, 3, side, side) BGR in 0..255, channels last, resized bilinearly; type and device of `like`."""
    pixels = torch.from_numpy(patch.pixels).to(like.device)[None].permute(0, 3, 1, 2)
    pixels = pixels.to(like.dtype, memory_format=torch.channels_last)
    return F.interpolate(pixels, (side, side), mode="bilinear", align_corners=False)
