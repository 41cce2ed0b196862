"""HEAD.TYPE SIAMBAN: the model under the published names, its tracker, its training pairs and its recipe."""

from __future__ import annotations

from dataclasses import replace

from yacs.config import CfgNode

from pysot.datasets.samples.base import TRAINING_DATA
from pysot.datasets.samples.pairs import PointPairDataset
from pysot.models.backbone import BACKBONES, Backbone
from pysot.models.head.base import BAN_HEADS, SiameseHead
from pysot.models.meta_arch import MODELS
from pysot.models.meta_arch.base import check_agrees
from pysot.models.meta_arch.siamese import NanoTrack, SiameseModel, template_of
from pysot.models.neck import NECKS, Neck
from pysot.models.parts import Delivered, make_part
from pysot.tracker.base import TRACKERS
from pysot.tracker.nanotrack import NanoTracker
from pysot.training.recipes.base import RECIPES
from pysot.training.recipes.siamese import NanoTrackRecipe


@MODELS.register("SIAMBAN")
class SiamBAN(SiameseModel):
    """Children: backbone, neck, head."""

    config_keys = NanoTrack.config_keys

    def __init__(self, backbone: Backbone, neck: Neck | None, head: SiameseHead) -> None:
        super().__init__()
        self.backbone = backbone
        if neck is not None:
            self.neck = neck
        self.head = head

    @property
    def applied_neck(self) -> Neck | None:  # type: ignore[override]
        return getattr(self, "neck", None)

    @classmethod
    def from_config(cls, cfg: CfgNode) -> SiamBAN:
        backbone = make_part(BACKBONES, cfg.BACKBONE.TYPE, cfg.BACKBONE.KWARGS)
        source, neck = f"BACKBONE.TYPE {cfg.BACKBONE.TYPE}", None
        check_agrees("POINT.STRIDE", cfg.POINT.STRIDE, source, "a map of stride {}", backbone.specs[-1].stride)
        given = Delivered(source, backbone.specs, exemplar_size=cfg.TRACK.EXEMPLAR_SIZE)
        if cfg.ADJUST.ADJUST:
            neck = make_part(NECKS, cfg.ADJUST.TYPE, cfg.ADJUST.KWARGS, given)
            given = replace(given, source=f"ADJUST.TYPE {cfg.ADJUST.TYPE}", specs=neck.specs_after(given.specs))
        return cls(backbone, neck, make_part(BAN_HEADS, cfg.BAN.TYPE, cfg.BAN.KWARGS, template_of(given, neck)))


@TRACKERS.register("SiamBANTracker")
class SiamBANTracker(NanoTracker):
    """Points, penalty, window and smoothing are NanoTrack's, which took them from SiamBAN."""

    heads = ("SIAMBAN",)


@TRAINING_DATA.register("SIAMBAN")
class SiamBANPairs(PointPairDataset):
    """Labels are NanoTrack's too: target inside the inner ellipse, background outside the outer one."""


@RECIPES.register("SIAMBAN")
class SiamBANRecipe(NanoTrackRecipe):
    """So are the losses: cross-entropy of targets and background, half each, and a linear IoU loss."""
