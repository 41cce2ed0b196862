"""Discriminators of attention maps while TANet learns: one sees a frame with its map, one a clip with its maps
(docs/systems/tanet.md, Discriminators). Both answer with a logit: above 0 for a map made from the truth.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from yacs.config import CfgNode

from pysot.core.errors import ConfigError
from pysot.core.registry import Registry
from pysot.models.attention.c3d import discriminator_trunk
from pysot.models.parts import call_part

APPEARANCE_DISCRIMINATORS: Registry[type[nn.Module]] = Registry("appearance discriminator", key="ATTENTION.TRAIN.D_APP")
"""Called with `input_size` and `**D_KWARGS`; take (B, 3, S, S) frames in 0..255 and (B, 1, S, S) maps in 0..1."""
MOTION_DISCRIMINATORS: Registry[type[nn.Module]] = Registry("motion discriminator", key="ATTENTION.TRAIN.D_MOT")
"""As above; take (B, T, 3, S, S) frames and (B, T, 1, S, S) maps."""


class Discriminator(nn.Module):
    """Features to a logit, as released: 256 hidden units and dropout.

    Args:
        features: their number.
        final_relu: as released, never below 0, so that no map is called made up with more than an even chance.
    """

    def __init__(self, features: int, final_relu: bool = False) -> None:
        super().__init__()
        self.fc4 = nn.Sequential(nn.Linear(features, 256), nn.ReLU(inplace=True))
        end: list[nn.Module] = [nn.ReLU(inplace=True)] if final_relu else []
        self.fc5 = nn.Sequential(nn.Dropout(0.5), nn.Linear(256, 1), *end)

    def decide(self, features: Tensor) -> Tensor:
        """(B,) logits of (B, ...) features."""
        logits: Tensor = self.fc5(self.fc4(features.flatten(1)))
        return logits[:, 0]


def _after_pools(side: int, *layers: tuple[int, int]) -> int:
    """Side of a map after layers of (kernel, stride) without padding; `ConfigError` when nothing is left."""
    first = side
    for kernel, stride in layers:
        side = (side - kernel) // stride + 1
    if side < 1:
        raise ConfigError(f"ATTENTION.INPUT_SIZE {first} is too small for the released discriminators; use 300.")
    return side


def _stage(before: int, after: int, kernel: int) -> nn.Sequential:
    pool = nn.MaxPool2d(3, 2)
    return nn.Sequential(nn.Conv2d(before, after, kernel, 2), nn.ReLU(inplace=True), nn.LocalResponseNorm(2), pool)


@APPEARANCE_DISCRIMINATORS.register("released")
class AppearanceDiscriminator(Discriminator):
    """Three convolutions over frame and map; 57 600 features at 300 pixels."""

    def __init__(self, input_size: int = 300, final_relu: bool = False) -> None:
        side = _after_pools(input_size, (7, 2), (3, 2), (5, 2), (3, 2), (3, 1))
        super().__init__(256 * side * side, final_relu)
        self.conv1, self.conv2 = _stage(4, 96, 7), _stage(96, 256, 5)
        self.conv3 = nn.Sequential(nn.Conv2d(256, 256, 3), nn.ReLU(inplace=True))

    def forward(self, frame: Tensor, attention: Tensor) -> Tensor:
        """(B,) logits."""
        return self.decide(self.conv3(self.conv2(self.conv1(torch.cat([frame / 255, attention], dim=1)))))


@MOTION_DISCRIMINATORS.register("released")
class MotionDiscriminator(Discriminator):
    """C3D over three frames followed in time by their three maps; 900 features at 300 pixels."""

    def __init__(self, input_size: int = 300, final_relu: bool = False, width: float = 1.0) -> None:
        side = _after_pools(input_size, (2, 2), (2, 2), (2, 2), (2, 2), (3, 2), (3, 2))
        super().__init__(100 * side * side, final_relu)
        self.motionModel = discriminator_trunk(width)
        self.conv_2D = _stage(self.motionModel.out_channels, 100, 3)

    def forward(self, frames: Tensor, attention: Tensor) -> Tensor:
        """(B,) logits."""
        return self.decide(self.conv_2D(self.motionModel(joined_in_time(frames, attention)).squeeze(2)))


def joined_in_time(frames: Tensor, attention: Tensor) -> Tensor:
    """(B, 3, 2 T, S, S): frames in 0..1, then the maps as gray pictures."""
    gray = attention.expand(-1, -1, 3, -1, -1)
    return torch.cat([frames / 255, gray], dim=1).transpose(1, 2)


class CompactDiscriminator(nn.Module):
    """Strided convolutions, and their mean and maximum over the picture.

    Frames and maps are brought to values around zero, and the maximum is needed: a map differs from the true one in a
    few places, which a mean over the picture, and the frame's own brightness, drown (docs/systems/tanet.md).

    Args:
        channels: of the map and what comes with it.
        side: it is reduced to this side first.
        widths: channels of the convolutions.
        spectral: divides every weight by its largest singular value (Miyato et al., ICLR 2018).
    """

    def __init__(self, channels: int, side: int, widths: Sequence[int], spectral: bool) -> None:
        super().__init__()
        self.side = side
        layers: list[nn.Module] = []
        for before, after in zip((channels, *widths), widths, strict=False):
            conv = nn.Conv2d(before, after, 4, stride=2, padding=1)
            layers += [spectral_norm(conv) if spectral else conv, nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*layers)
        self.fc = nn.Linear(2 * widths[-1], 1)

    def decide(self, picture: Tensor) -> Tensor:
        """(B,) logits of a picture with values in 0..1."""
        features: Tensor = self.layers(2 * F.adaptive_avg_pool2d(picture, self.side) - 1)
        logits: Tensor = self.fc(torch.cat([features.mean(dim=(2, 3)), features.amax(dim=(2, 3))], dim=1))
        return logits[:, 0]


@APPEARANCE_DISCRIMINATORS.register("compact")
class CompactAppearanceDiscriminator(CompactDiscriminator):
    """A frame and its map, as four channels."""

    def __init__(
        self, input_size: int = 256, side: int = 128, widths: Sequence[int] = (16, 32, 64, 96), spectral: bool = False
    ) -> None:
        super().__init__(4, min(side, input_size), widths, spectral)

    def forward(self, frame: Tensor, attention: Tensor) -> Tensor:
        """(B,) logits."""
        return self.decide(torch.cat([frame / 255, attention], dim=1))


@MOTION_DISCRIMINATORS.register("compact")
class CompactMotionDiscriminator(CompactDiscriminator):
    """A clip and its maps, joined as channels."""

    def __init__(
        self,
        input_size: int = 256,
        side: int = 128,
        widths: Sequence[int] = (16, 32, 64, 96),
        spectral: bool = False,
        frames: int = 3,
    ) -> None:
        super().__init__(4 * frames, min(side, input_size), widths, spectral)

    def forward(self, frames: Tensor, attention: Tensor) -> Tensor:
        """(B,) logits."""
        return self.decide(torch.cat([(frames / 255).flatten(1, 2), attention.flatten(1, 2)], dim=1))


def from_config(cfg: CfgNode) -> dict[str, nn.Module]:
    """The discriminators of ATTENTION.TRAIN, by the name of their turn."""
    train, size = cfg.ATTENTION.TRAIN, {"input_size": cfg.ATTENTION.INPUT_SIZE}
    parts = (("d_app", APPEARANCE_DISCRIMINATORS, train.D_APP), ("d_mot", MOTION_DISCRIMINATORS, train.D_MOT))
    return {
        turn: call_part(registry[kind], {**size, **train[f"{turn.upper()}_KWARGS"]}, registry.key, registry.slot)
        for turn, registry, kind in parts
    }
