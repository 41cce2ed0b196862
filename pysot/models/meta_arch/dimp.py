"""DiMP's network: a backbone, a target classifier and an overlap head, under the key names of published snapshots."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from yacs.config import CfgNode

from pysot.models.backbone import BACKBONES
from pysot.models.backbone.base import Backbone
from pysot.models.head import IOU_HEADS
from pysot.models.head.dimp import DimpClassifier
from pysot.models.head.iounet import IouNet
from pysot.models.meta_arch.atom import OverlapNet
from pysot.models.meta_arch.base import BACKBONE_KEYS, MODELS, check_family
from pysot.models.parts import Delivered, call_part, make_part


@dataclass(frozen=True)
class DimpOutput:
    """What training compares with the truth, for m test images of each of B sequences.

    Attributes:
        scores: (m, B, h, w) for every iterate of the filter, the first one before any improvement.
        overlaps: (m, B, P) predicted for the proposals.
    """

    scores: list[Tensor]
    overlaps: Tensor


@MODELS.register("DIMP")
class DimpNet(OverlapNet):
    """DiMP and its kin (docs/systems/dimp.md): learns a filter from train images, finds the target in test images.

    Children: backbone, classifier, bb_regressor. Images are (N, 3, H, W) float BGR in 0..255. The model keeps nothing
    of a target, so that any number of trackers can share one.

    Args:
        backbone: delivers two maps.
        classifier: made for the second.
        bb_regressor: the overlap head, made for both.

    Raises `ConfigError` when backbone and overlap head do not fit.
    """

    config_keys = (*BACKBONE_KEYS, "HEAD", "IOU")

    classifier: DimpClassifier
    short_float_parts = (*OverlapNet.short_float_parts, "classifier.feature_extractor")

    def __init__(self, backbone: Backbone, classifier: DimpClassifier, bb_regressor: IouNet) -> None:
        super().__init__(backbone, bb_regressor, classifier=classifier)

    def classifier_features(self, features: list[Tensor]) -> Tensor:
        """(N, C, H, W) what the classifier learns from and scores, made of the backbone's maps."""
        found: Tensor = self.classifier(features[-1])
        return found

    def forward(
        self, train_images: Tensor, train_boxes_xywh: Tensor, test_images: Tensor, proposals_xywh: Tensor
    ) -> DimpOutput:
        """Everything that training needs, in one pass.

        Args:
            train_images: (n, B, 3, S, S).
            train_boxes_xywh: (n, B, 4) targets in them, pixels.
            test_images: (m, B, 3, S, S).
            proposals_xywh: (m, B, P, 4) boxes in these; their overlaps are predicted with the first train image as
                reference.
        """
        (count, batch), tests = train_images.shape[:2], len(test_images)
        train, test = self.features(train_images.flatten(0, 1)), self.features(test_images.flatten(0, 1))
        learned_from, scored = (self.classifier_features(maps) for maps in (train, test))
        filters = self.classifier.learn(learned_from.unflatten(0, (count, batch)), train_boxes_xywh)
        scored = scored.unflatten(0, (tests, batch))
        modulation = self.bb_regressor.modulation([level[:batch] for level in train], train_boxes_xywh[0])
        overlaps = self.bb_regressor.predict_iou(
            (modulation[0].repeat(tests, 1, 1, 1), modulation[1].repeat(tests, 1, 1, 1)),
            self.bb_regressor.iou_features(test),
            proposals_xywh.flatten(0, 1),
        )
        return DimpOutput(
            scores=[self.classifier.scores(kernel, scored) for kernel in filters],
            overlaps=overlaps.unflatten(0, (tests, batch)),
        )

    @staticmethod
    def check_config(cfg: CfgNode) -> None:
        """Raises `ConfigError` when MODEL.TYPE names another family."""
        check_family(cfg, "dimp")

    @classmethod
    def from_config(cls, cfg: CfgNode) -> DimpNet:
        """The model that `cfg` describes; HEAD.KWARGS are the classifier's."""
        backbone: Backbone = make_part(BACKBONES, cfg.BACKBONE.TYPE, cfg.BACKBONE.KWARGS)
        given = Delivered(f"BACKBONE.TYPE {cfg.BACKBONE.TYPE}", backbone.specs)
        classifier = call_part(DimpClassifier, cfg.HEAD.KWARGS, "HEAD.KWARGS", "the classifier of DiMP", given)
        return cls(backbone, classifier, make_part(IOU_HEADS, cfg.IOU.TYPE, cfg.IOU.KWARGS, given))
