"""AlexNet without padding, total stride 8 (docs/systems/siamrpn.md, Backbones)."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from pysot.models.backbone.base import BACKBONES, IMAGE, Backbone

CHANNELS = (96, 256, 384, 384, 256)


def _layers(width_mult: float) -> list[list[nn.Module]]:
    """The five stages as lists of modules, each convolution, batch norm, pooling, then ReLU."""
    widths = [int(channels * width_mult) for channels in CHANNELS]
    kernels, strides, pooled = (11, 5, 3, 3, 3), (2, 1, 1, 1, 1), (True, True, False, False, False)
    stages: list[list[nn.Module]] = []
    previous = 3
    for index, width in enumerate(widths):
        stage: list[nn.Module] = [nn.Conv2d(previous, width, kernels[index], strides[index]), nn.BatchNorm2d(width)]
        if pooled[index]:
            stage.append(nn.MaxPool2d(3, stride=2))
        if index < len(widths) - 1:
            stage.append(nn.ReLU(inplace=True))
        stages.append(stage)
        previous = width
    return stages


@BACKBONES.register("alexnetlegacy")
class AlexNetLegacy(Backbone):
    """One flat Sequential `features`: the key names of the published AlexNet snapshots."""

    stages = ("features",)

    def __init__(self, width_mult: float = 1.0) -> None:
        super().__init__()
        self.features = nn.Sequential(*[module for stage in _layers(width_mult) for module in stage])
        self.specs = [IMAGE.after(self.features)]

    def forward(self, image: Tensor) -> list[Tensor]:
        return [self.features(image)]


@BACKBONES.register("alexnet")
class AlexNet(Backbone):
    """Children `layer1` .. `layer5`, so that single stages can be unfrozen in training."""

    stages = ("layer1", "layer2", "layer3", "layer4", "layer5")

    def __init__(self, width_mult: float = 1.0) -> None:
        super().__init__()
        for name, stage in zip(self.stages, _layers(width_mult), strict=True):
            self.add_module(name, nn.Sequential(OrderedDict((str(i), module) for i, module in enumerate(stage))))
        self.specs = [IMAGE.after(*self.children())]

    def forward(self, image: Tensor) -> list[Tensor]:
        for name in self.stages:
            image = self.get_submodule(name)(image)
        return [image]
