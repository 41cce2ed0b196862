"""VGG-16 (Simonyan and Zisserman, ICLR 2015) up to conv4_3, TADT's backbone (docs/systems/tadt.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from pysot.core.checks import check_choice
from pysot.core.errors import ConfigError
from pysot.core.registry import closest
from pysot.models.backbone.base import BACKBONES, IMAGE, Backbone
from pysot.models.layers.normalize import normalize_imagenet

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3))
"""Channels and 3x3 convolutions of each stage. The fifth is not built."""


def minus_128(image: Tensor) -> Tensor:
    """(B, 3, H, W) BGR in 0..255 to RGB in -128..127: what the reference feeds to MatConvNet's weights."""
    return image.flip(1) - 128


PREPROCESSING: Mapping[str, Callable[[Tensor], Tensor]] = {"imagenet": normalize_imagenet, "minus128": minus_128}


@BACKBONES.register("vgg16")
class VGG16(Backbone):
    """One Sequential `features` with torchvision's numbers: 0 conv1_1, 2 conv1_2, 5 conv2_1, ..., 21 conv4_3.

    Maps are taken after the ReLU. Only the first `pools` stages end in a pooling, so that the stride is 2 ** pools and
    deeper maps keep its resolution.

    Args:
        used_layers: names of the returned maps, shallow to deep.
        pools: stages that end in a 2x2 pooling.
        preprocessing: `imagenet`, for torchvision's weights: RGB, mean 0 and standard deviation 1 over ImageNet;
            `minus128`, for MatConvNet's: RGB less 128.
        width_mult: factor on all widths, for tests; published weights are of 1.
    """

    stages = ("features",)

    def __init__(
        self,
        used_layers: Sequence[str] = ("conv4_1", "conv4_3"),
        pools: int = 2,
        preprocessing: str = "imagenet",
        width_mult: float = 1.0,
    ) -> None:
        super().__init__()
        check_choice("BACKBONE.KWARGS.preprocessing", preprocessing, PREPROCESSING)
        self.prepare = PREPROCESSING[preprocessing]
        ends = self._build(pools, width_mult)
        self.taps = _checked_names(used_layers, ends)
        del self.features[max(self.taps) + 1 :]
        self.specs = [IMAGE.after(self.features[: tap + 1]) for tap in self.taps]
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)

    def _build(self, pools: int, width_mult: float) -> dict[str, int]:
        """Fills `features`; the number of each convolution's ReLU by name."""
        self.features = nn.Sequential()
        ends, before = {}, 3
        for stage, (width, depth) in enumerate(STAGES, start=1):
            width = max(1, int(width * width_mult))
            for index in range(1, depth + 1):
                self.features.append(nn.Conv2d(before, width, 3, padding=1))
                self.features.append(nn.ReLU(inplace=True))
                ends[f"conv{stage}_{index}"], before = len(self.features) - 1, width
            self.features.append(nn.MaxPool2d(2, 2) if stage <= pools else nn.Identity())
        return ends

    def forward(self, image: Tensor) -> list[Tensor]:
        x, maps = self.prepare(image), []
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in self.taps:
                maps.append(x)
        return maps


def _checked_names(names: Sequence[str], ends: Mapping[str, int]) -> list[int]:
    """The numbers in `features` of `names`; `ConfigError` where one is unknown, or they are out of order."""
    for name in names:
        if name not in ends:
            raise ConfigError(
                f"BACKBONE.KWARGS.used_layers: there is no '{name}'.{closest(str(name), ends)} "
                f"Known: {', '.join(ends)}."
            )
    numbers = [ends[name] for name in names]
    if not numbers or numbers != sorted(set(numbers)):
        raise ConfigError(f"BACKBONE.KWARGS.used_layers {list(names)} must go from shallow to deep, each once.")
    return numbers
