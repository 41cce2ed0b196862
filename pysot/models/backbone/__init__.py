"""Backbones, one file per published design. Importing this package fills the `BACKBONES` registry."""

from pysot.models.backbone import alexnet, compact, mobilenet_v2, mobilenet_v3, resnet, vgg, vggm
from pysot.models.backbone.base import BACKBONES, Backbone, FeatureSpec

__all__ = [
    "BACKBONES",
    "Backbone",
    "FeatureSpec",
    "alexnet",
    "compact",
    "mobilenet_v2",
    "mobilenet_v3",
    "resnet",
    "vgg",
    "vggm",
]
