"""TADT's network: an ImageNet backbone and nothing else (Li et al., Target-Aware Deep Tracking, CVPR 2019)."""

from __future__ import annotations

from torch import Tensor, nn
from yacs.config import CfgNode

from pysot.core.errors import ConfigError
from pysot.models.backbone import BACKBONES
from pysot.models.backbone.base import Backbone, FeatureSpec
from pysot.models.meta_arch.base import BACKBONE_KEYS, MODELS, check_family
from pysot.models.parts import make_part


@MODELS.register("TADT")
class TadtNet(nn.Module):
    """Child: backbone. Nothing is trained for tracking; the target's own features are the filter.

    Images are (B, 3, H, W) float32 BGR in 0..255. The model keeps nothing of a target, so that any number of trackers
    can share one.

    Raises `ConfigError` when the backbone's maps do not all look at the same places.
    """

    config_keys = BACKBONE_KEYS
    short_float_parts = ("backbone",)

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        places = [(spec.stride, spec.offset) for spec in backbone.specs]
        if len(set(places)) > 1:
            raise ConfigError(
                f"HEAD.TYPE TADT takes maps of the same places, but the backbone {type(backbone).__name__} delivers "
                f"maps of strides {[spec.stride for spec in backbone.specs]}. Name levels of one stride in "
                "BACKBONE.KWARGS.used_layers, or a single one."
            )
        self.backbone = backbone

    @property
    def level_specs(self) -> list[FeatureSpec]:
        """What each map is that `levels` returns."""
        return self.backbone.specs

    def levels(self, image: Tensor) -> list[Tensor]:
        """The backbone's maps, shallow to deep."""
        return self.backbone(image)

    @staticmethod
    def check_config(cfg: CfgNode) -> None:
        """Raises `ConfigError` when MODEL.TYPE names another family."""
        check_family(cfg, "tadt")

    @classmethod
    def from_config(cls, cfg: CfgNode) -> TadtNet:
        """The model that `cfg` describes."""
        return cls(make_part(BACKBONES, cfg.BACKBONE.TYPE, cfg.BACKBONE.KWARGS))
