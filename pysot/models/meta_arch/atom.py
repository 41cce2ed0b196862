"""ATOM's network: a backbone and an overlap head, put together under the key names of published snapshots."""

from __future__ import annotations

from torch import Tensor, nn
from yacs.config import CfgNode

from pysot.models.backbone import BACKBONES
from pysot.models.backbone.base import Backbone, FeatureSpec
from pysot.models.head import IOU_HEADS
from pysot.models.head.iounet import IouNet
from pysot.models.layers.normalize import normalize_power
from pysot.models.meta_arch.base import BACKBONE_KEYS, MODELS, check_agrees, check_family
from pysot.models.parts import Delivered, make_part


class OverlapNet(nn.Module):
    """What the networks of ATOM and DiMP share: a backbone and an overlap head.

    Args:
        backbone: delivers two maps.
        bb_regressor: the overlap head, made for these: their channels, strides and offsets.
        others: further children, which published snapshots have between the two.

    Raises `ConfigError` when backbone and overlap head do not fit.
    """

    backbone: Backbone
    bb_regressor: IouNet
    short_float_parts: tuple[str, ...] = (
        "backbone",
        *(f"bb_regressor.conv{layer}t" for layer in ("3_1", "3_2", "4_1", "4_2")),
    )

    def __init__(self, backbone: Backbone, bb_regressor: IouNet, **others: nn.Module) -> None:
        super().__init__()
        made_for = {name: list(pair) for name, pair in bb_regressor.cells._asdict().items()}
        made_for["input_dim"] = list(bb_regressor.input_dim)
        source = f"The backbone {type(backbone).__name__}"
        for name, needed in bb_regressor.arguments_for(Delivered(source, backbone.specs)).items():
            check_agrees(f"IOU.KWARGS.{name}", made_for[name], source, f"maps of {name} {{}}", needed)
        for name, child in {"backbone": backbone, **others, "bb_regressor": bb_regressor}.items():
            self.add_module(name, child)

    @property
    def level_specs(self) -> list[FeatureSpec]:
        """The map that the classifier takes."""
        return self.backbone.specs[-1:]

    def features(self, image: Tensor) -> list[Tensor]:
        """The backbone's two maps: what the overlap head takes."""
        return self.backbone(image)


@MODELS.register("IOUNET")
class AtomNet(OverlapNet):
    """The part of ATOM that is learned off-line; the classifier is learned while tracking (pysot.online).

    Children: backbone, bb_regressor. Images are (B, 3, H, W) float BGR in 0..255. The model keeps nothing of a target,
    so that any number of trackers can share one.
    """

    config_keys = (*BACKBONE_KEYS, "IOU")

    def classifier_features(self, features: list[Tensor]) -> Tensor:
        """The deeper of these maps with each sample scaled to a mean square of 1: what the online classifier takes."""
        return normalize_power(features[-1])

    def forward(self, reference: Tensor, reference_boxes_xywh: Tensor, test: Tensor, boxes_xywh: Tensor) -> Tensor:
        """(B, N) predicted overlaps of `boxes_xywh` (B, N, 4) in the images `test`, for training."""
        overlaps: Tensor = self.bb_regressor(
            self.features(reference), reference_boxes_xywh, self.features(test), boxes_xywh
        )
        return overlaps

    @staticmethod
    def check_config(cfg: CfgNode) -> None:
        """Raises `ConfigError` when MODEL.TYPE names another family."""
        check_family(cfg, "iounet")

    @classmethod
    def from_config(cls, cfg: CfgNode) -> AtomNet:
        """The model that `cfg` describes."""
        backbone: Backbone = make_part(BACKBONES, cfg.BACKBONE.TYPE, cfg.BACKBONE.KWARGS)
        given = Delivered(f"BACKBONE.TYPE {cfg.BACKBONE.TYPE}", backbone.specs)
        return cls(backbone, make_part(IOU_HEADS, cfg.IOU.TYPE, cfg.IOU.KWARGS, given))
