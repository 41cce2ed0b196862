"""The first three convolutions of VGG-M, as MDNet and MetaSDNet cut it (docs/systems/lmt.md, Network)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pysot.core.roi_patch import FILL
from pysot.models.backbone.base import BACKBONES, IMAGE, Backbone

STRIDE = 16
"""Image pixels between cells of the last map."""


def local_response_norm(x: Tensor) -> Tensor:
    """x / (2 + 1e-4 sum of x^2 over five neighboring channels)^0.75, of (B, C, H, W); outside there are no channels.

    torch's own function, with five times the factor, gives the same in several times the time on a CPU.
    """
    squares = F.pad(x * x, (0, 0, 0, 0, 2, 2))
    channels = x.shape[1]
    total = squares[:, :channels]
    for first in range(1, 5):
        total = total + squares[:, first : first + channels]
    root = torch.sqrt(2 + 1e-4 * total)
    return x * torch.rsqrt(root) / root


@BACKBONES.register("vggm")
class VggM(Backbone):
    """One map of 512 channels: 3 x 3 cells of a crop of 107 pixels, no padding anywhere.

    `forward(image, stride=s)` with s 8 or 4 gives the same features at every eighth or fourth pixel of a larger image:
    the last layers visit all cells, in steps. Cell (i, j) of it is the middle cell of the crop of 107 pixels whose
    center is pixel (37 + s i, 37 + s j); the other cells of that crop are 16 / s cells away. Equal to rounding.
    """

    stages = ("conv1", "conv2", "conv3")
    finer_strides = (8, 4)

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 7, stride=2)
        self.conv2 = nn.Conv2d(96, 256, 5, stride=2)
        self.conv3 = nn.Conv2d(256, 512, 3)
        pooled = IMAGE.after(self.conv1).window(3, stride=2).after(self.conv2).window(3, stride=2)
        self.specs = [pooled.after(self.conv3)]

    def forward(self, image: Tensor, stride: int = STRIDE) -> list[Tensor]:
        """The map of (B, 3, H, W) images, with cells `stride` pixels apart: 16, 8 or 4."""
        x = image.flip(1) - FILL  # BGR to RGB
        x = F.max_pool2d(local_response_norm(F.relu(self.conv1(x))), 3, stride=2)
        finer = STRIDE // stride  # 1, 2, 4: cells of this map per cell of the plain one
        x = F.conv2d(x, self.conv2.weight, self.conv2.bias, stride=2 if finer < 4 else 1)
        x = local_response_norm(F.relu(x))
        x = F.max_pool2d(x, 3, stride=2 if finer == 1 else 1, dilation=2 if finer == 4 else 1)
        return [F.relu(F.conv2d(x, self.conv3.weight, self.conv3.bias, dilation=finer))]
