"""A backbone: three convolutions, stride 8."""

from torch import Tensor, nn

from pysot.models.backbone import BACKBONES, Backbone
from pysot.models.backbone.base import IMAGE


@BACKBONES.register("example_net")
class ExampleNet(Backbone):
    stages = ("features",)

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        layers = [nn.Conv2d(3 if first else width, width, 3, 2, 1) for first in (True, False, False)]
        self.features = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
        self.specs = [IMAGE.after(self.features)]

    def forward(self, image: Tensor) -> list[Tensor]:
        return [self.features(image / 128 - 1)]
