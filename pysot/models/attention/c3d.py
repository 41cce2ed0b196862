"""C3D: 3x3x3 convolutions over a clip (Tran et al., ICCV 2015), in the two forms that TANet uses
(docs/systems/tanet.md, Generator and Discriminators).
"""

from __future__ import annotations

from typing import TypeAlias

import torch.nn.functional as F
from torch import Tensor, nn

LAYERS = ("conv1", "conv2", "conv3a", "conv3b", "conv4a", "conv4b", "conv5a", "conv5b")
WIDTHS = (64, 128, 256, 256, 512, 512, 512, 512)
Pool: TypeAlias = tuple[tuple[int, int, int], ...]
"""Kernel, stride and padding over time, height, width."""

PLAIN: Pool = ((2, 2, 2), (2, 2, 2), (0, 0, 0))
SPATIAL: Pool = ((1, 2, 2), (1, 2, 2), (0, 0, 0))


class C3D(nn.Module):
    """The convolutions of C3D under their published names; the three linear layers behind them are left away.

    Args:
        pools: what follows the layer of that name. At least two frames are needed where the first plain pool stands.
        width: factor on the number of channels.
    """

    def __init__(self, pools: dict[str, Pool], width: float = 1.0) -> None:
        super().__init__()
        self.pools = pools
        channels = [3, *(max(1, round(width * count)) for count in WIDTHS)]
        self.out_channels = channels[-1]
        for name, before, after in zip(LAYERS, channels, channels[1:], strict=False):
            self.add_module(name, nn.Conv3d(before, after, 3, padding=1))

    def forward(self, clip: Tensor) -> Tensor:
        """(B, 3, T, H, W) to (B, C, t, h, w)."""
        for name in LAYERS:
            clip = F.relu(self.get_submodule(name)(clip))
            if name in self.pools:
                kernel, stride, padding = self.pools[name]
                clip = F.max_pool3d(clip, kernel, stride, padding)
        return clip


def motion_trunk(width: float = 1.0) -> C3D:
    """The generator's: two or three frames of 300 pixels become one map of 38 x 38; pools 3 and 4 are passed over."""
    last: Pool = ((2, 2, 2), (2, 2, 2), (1, 1, 1))
    return C3D({"conv1": SPATIAL, "conv2": PLAIN, "conv5b": last}, width)


def discriminator_trunk(width: float = 1.0) -> C3D:
    """The motion discriminator's: six frames of 300 pixels become one map of 18 x 18; there is no pool 5."""
    fourth: Pool = ((1, 2, 2), (2, 2, 2), (0, 0, 0))
    return C3D({"conv1": SPATIAL, "conv2": PLAIN, "conv3b": PLAIN, "conv4b": fourth}, width)
