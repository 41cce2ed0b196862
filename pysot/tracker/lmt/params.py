"""Hyper-parameters of LMT (docs/systems/lmt.md, Published values)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from pysot.core.checks import CheckedParams
from pysot.models.target_aware import SelectionParams
from pysot.tracker.lmt.iou_guide import GuideParams
from pysot.tracker.lmt.online_update import UpdateParams


@dataclass(frozen=True)
class RegressionParams:
    """Box regression.

    Attributes:
        enabled: False reports the mean of the best candidates as it is.
        num: boxes of the first frame it is learned from.
        alpha: strength of the ridge.
        overlap: range of overlaps with the target of these boxes, and of a corrected box with what it was.
        scale: range of the ratio of larger to smaller area, of the same pairs.
    """

    enabled: bool = True
    num: int = 1000
    alpha: float = 1000.0
    overlap: tuple[float, float] = (0.6, 1.0)
    scale: tuple[float, float] = (1.0, 2.0)


@dataclass(frozen=True)
class LmtParams(CheckedParams):
    """Hyper-parameters of the tracker (docs/systems/lmt.md, Published values).

    Attributes:
        features: `shared`, all boxes of a frame from one map around the target, or `crops`, each box from its own crop.
        patch_side: longest side of the patch behind a shared map, its pixels.
        n_samples, trans, scale: candidates of a frame, and their spread.
        trans_expand: spread while the target is lost.
        topk: candidates that are averaged.
        success_thr: target score (a logit) above which the target counts as found.
        init: how the first frame is learned: `meta`, the learned step; `mdnet`, a new classifier by 50 iterations;
            `none`, not at all. The last two are for comparison.
        inner_steps: steps of `meta`, as in training.
        n_pos_init, n_neg_init, overlap_pos_init, overlap_neg_init: samples of the first frame.
        n_pos_update, n_neg_update, overlap_pos_update, overlap_neg_update: samples of a later frame.
        frames_short, frames_long: frames whose samples are remembered.
        long_interval: frames between updates from all of them.
        short_interval: lost frames between updates from the last ones.
        lr_update, last_layer_mult, iter_update, batch_pos, batch_neg, neg_cand, grad_clip: see
            `pysot.tracker.lmt.online_update.UpdateParams`. No iterations: never updated.
        seed: of everything random. The same seed gives the same boxes.
        target_aware: which channels of the maps that boxes are read from are used. As published: all.
    """

    config_group: ClassVar[str] = "TRACK.LMT"

    features: Literal["shared", "crops"] = "shared"
    patch_side: int = 384
    n_samples: int = 256
    trans: float = 0.6
    scale: float = 1.05
    trans_expand: float = 1.5
    topk: int = 5
    success_thr: float = 0.0
    init: Literal["meta", "mdnet", "none"] = "meta"
    inner_steps: int = field(default=1, metadata={"key": "META.INNER_STEPS"})
    n_pos_init: int = 32
    n_neg_init: int = 96
    overlap_pos_init: tuple[float, float] = (0.7, 1.0)
    overlap_neg_init: tuple[float, float] = (0.0, 0.5)
    n_pos_update: int = 50
    n_neg_update: int = 200
    overlap_pos_update: tuple[float, float] = (0.7, 1.0)
    overlap_neg_update: tuple[float, float] = (0.0, 0.3)
    frames_short: int = 20
    frames_long: int = 100
    long_interval: int = 10
    short_interval: int = 1
    lr_update: float = 5e-5
    last_layer_mult: float = 10.0
    iter_update: int = 15
    batch_pos: int = 32
    batch_neg: int = 96
    neg_cand: int = 1024
    grad_clip: float = 1000.0
    iou_weight: float = field(default=1.0, metadata={"key": "META.IOU_WEIGHT"})
    seed: int = 0
    guide: GuideParams = field(default_factory=GuideParams, metadata={"group": "TRACK.LMT.IOU_GUIDE"})
    bbreg: RegressionParams = field(default_factory=RegressionParams, metadata={"group": "TRACK.LMT.BBREG"})
    target_aware: SelectionParams = field(default_factory=SelectionParams, metadata={"group": "TARGET_AWARE"})

    def __post_init__(self) -> None:
        self.check_choice("features", ("shared", "crops"))
        self.check_choice("init", ("meta", "mdnet", "none"))
        counts = ("n_samples", "topk", "n_pos_init", "n_neg_init", "frames_short", "frames_long", "long_interval")
        self.check_least(1, *counts, "short_interval", "inner_steps")

    @property
    def update(self) -> UpdateParams:
        """How the classifier learns from later frames."""
        return UpdateParams(
            self.iter_update,
            self.lr_update,
            self.last_layer_mult,
            self.batch_pos,
            self.batch_neg,
            self.neg_cand,
            self.grad_clip,
        )
