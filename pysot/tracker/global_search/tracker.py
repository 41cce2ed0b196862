"""Any tracker, and a search all over the frame when it has lost its target (Wang et al., "Tracking by Joint Local and
Global Search", TNNLS 2021; the policy is ours: docs/systems/tanet.md, Search policy).
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import ClassVar

from torch import nn
from yacs.config import CfgNode

from pysot.config.params import params_from_config
from pysot.core.checks import CheckedParams
from pysot.core.crop import Image
from pysot.core.device import device_of
from pysot.core.errors import ConfigError, SotError
from pysot.tracker.base import TRACKERS, Candidate, SearchRegion, State, Tracker, TrackResult, check_image
from pysot.tracker.global_search.proposals import Proposal
from pysot.tracker.global_search.proposers import PROPOSERS, Proposer

logger = logging.getLogger(__name__)


LEAST_ATTENTION = 1e-3
"""A place that is attended to less counts as this one."""


class Mode(Enum):
    """Where the next frame is searched."""

    LOCAL = "local"
    GLOBAL = "global"


@dataclass(frozen=True)
class PolicyParams(CheckedParams):
    """When to search everywhere, and what to believe (docs/systems/tanet.md, Thresholds, has values for every tracker).

    Attributes:
        fail_thr: a frame is bad when the base tracker's score is below it, or when it says itself that it is lost.
            Below 0: the tracker's own `lost_below`.
        redetect_thr: the target counts as found from this score on; at least `fail_thr`. Below 0: the tracker's own
            `found_from`, or `fail_thr` where that is higher. The size that is searched for
            is that of the last frame that reached it.
        margin: a place found elsewhere must score so much more than the local one.
        attention_weight: in a searched frame, every score counts times the mean attention inside its box to this power
            (`joint_score`): a look-alike that is not attended to is not believed. 0 leaves the scores alone.
        patience: bad frames in a row after which the search becomes global.
        interval: of the global frames, every so many are searched; in the others the base tracker goes on.
        window_influence: weight of the prior "near the center" at a proposed place.
        freeze_update: nothing is learned while the target is lost, nor in the first frame after it was found.
        hold: while the target is lost, stay at its last place; else follow what the base tracker finds.
    """

    config_group: ClassVar[str] = "ATTENTION.POLICY"

    fail_thr: float = -1.0
    redetect_thr: float = -1.0
    margin: float = 0.0
    attention_weight: float = 0.0
    patience: int = 1
    interval: int = 1
    window_influence: float = 0.001
    freeze_update: bool = True
    hold: bool = False

    def __post_init__(self) -> None:
        if 0 <= self.redetect_thr < self.fail_thr:
            raise ConfigError(
                f"ATTENTION.POLICY.REDETECT_THR {self.redetect_thr} is below FAIL_THR {self.fail_thr}: a target just "
                "found would be lost in the same frame. Raise it."
            )
        self.check_least(1, "patience", "interval")
        self.check_least(0, "attention_weight")
        self.check("window_influence", 0 <= self.window_influence <= 1, "a number from 0 to 1")


class LocalGlobalTracker(Tracker):
    """Runs `base`; after bad frames tries it at proposed places too, and goes on where it is surest.

    Nothing is known of the base tracker but what every tracker offers. Where nothing is proposed, its results are
    handed on unchanged, to the last bit.

    Attributes:
        mode: of the next frame.
        searched: how often the base tracker looked at the last frame; 1 in a local one.

    Args:
        base: any tracker.
        proposer: says where to look.
        policy: when, and what to believe.
    """

    params_type = PolicyParams
    params: PolicyParams
    mode = Mode.LOCAL
    searched = 0

    def __init__(self, base: Tracker, proposer: Proposer, policy: PolicyParams) -> None:
        fail_thr = policy.fail_thr if policy.fail_thr >= 0 else base.lost_below
        redetect_thr = policy.redetect_thr if policy.redetect_thr >= 0 else max(base.found_from, fail_thr)
        super().__init__(base.model, replace(policy, fail_thr=fail_thr, redetect_thr=redetect_thr))
        self.base, self.proposer = base, proposer
        self._warned = False

    def at_frame(self, video: str, index: int) -> None:
        self.proposer.at_frame(video, index)

    def _start(self, image: Image, box_xywh: tuple[float, float, float, float]) -> None:
        self.base.init(image, box_xywh)
        self.proposer.start(image, box_xywh)
        self.mode, self.bad, self.lost_frames, self.searched = Mode.LOCAL, 0, 0, 0
        self.just_found = False
        self.good = self.base.search_region()
        self.last = TrackResult(box_xywh, 1.0)

    def track(self, image: Image, learn: bool = True) -> TrackResult:
        if not self._started:
            raise SotError("track() was called before init(). Call tracker.init(first_frame, box) once.")
        image = check_image(image)
        self.proposer.see(image)
        search = self._track_locally if self.mode is Mode.LOCAL else self._track_globally
        self.last = search(image, learn)
        return self.last

    def search_region(self) -> SearchRegion:
        return self.base.search_region()

    def locate(self, image: Image, region: SearchRegion) -> Candidate:
        return self.base.locate(image, region)

    def commit(self, image: Image, candidate: Candidate, learn: bool = True) -> TrackResult:
        return self.base.commit(image, candidate, learn)

    def _track_locally(self, image: Image, learn: bool) -> TrackResult:
        self.searched = 1
        result = self.base.track(image, learn and not self.just_found)
        self.just_found = False
        self.bad = self.bad + 1 if self._is_bad(result) else 0
        if result.score >= self.params.redetect_thr:  # one that slips out of view seems to shrink, and scores less
            self.good = self.base.search_region()
        if self.bad >= self.params.patience:
            self.mode, self.lost_frames = Mode.GLOBAL, 0
        return result

    def _track_globally(self, image: Image, learn: bool) -> TrackResult:
        self.lost_frames += 1
        due = (self.lost_frames - 1) % self.params.interval == 0
        places = self.proposer.propose(image, self.good.size_wh) if due else []
        self.searched = 1 + len(places)
        if not places:
            return self._reported(self.base.track(image, learn), searched=False)
        local = self.base.locate(image, self.base.search_region())
        found = [self.base.locate(image, self._region(place)) for place in places]
        certainty_here = self._certainty(image, local)
        best = max(found, key=lambda candidate: self._certainty(image, candidate))
        if self._certainty(image, best) >= max(self.params.redetect_thr, certainty_here + self.params.margin):
            # the target is where it was found, with the size that was looked for
            self.base.move_to(best.region.center_xy, best.region.size_wh)
            return self._reported(self._commit(image, best, learn))
        if self.params.hold and certainty_here < self.params.redetect_thr:
            return replace(self.last, score=local.score, state=State.LOST)
        return self._reported(self._commit(image, local, learn))

    def _certainty(self, image: Image, candidate: Candidate) -> float:
        """The score, joint with the attention; below everything where there is none."""
        if not math.isfinite(candidate.score):
            return -math.inf
        return self._joint(image, candidate.score, candidate.box_cxcywh)

    def _joint(self, image: Image, score: float, box_cxcywh: tuple[float, float, float, float]) -> float:
        weight = self.params.attention_weight
        return joint_score(score, self.proposer.attended(image, box_cxcywh), weight) if weight else score

    def _region(self, place: Proposal) -> SearchRegion:
        """The base tracker's usual region, elsewhere, for the last good size."""
        width, height = self.good.size_wh
        return replace(
            self.good,
            center_xy=place.center_xy,
            size_wh=(width * place.scale, height * place.scale),
            window_influence=self.params.window_influence,
        )

    def _commit(self, image: Image, candidate: Candidate, learn: bool) -> TrackResult:
        result = self.base.commit(image, candidate, learn and not self.params.freeze_update)
        x, y, width, height = result.box
        middle = (x + width / 2, y + height / 2)
        return replace(result, score=self._joint(image, result.score, (*middle, width, height)))

    def _reported(self, result: TrackResult, searched: bool = True) -> TrackResult:
        """The result of a global frame; from a sure one on, the search is local again."""
        if result.score >= self.params.redetect_thr:
            self.mode, self.bad, self.just_found = Mode.LOCAL, 0, searched and self.params.freeze_update
            self.good = self.base.search_region()
        return result

    def _is_bad(self, result: TrackResult) -> bool:
        """Whether the target seems lost. A base tracker without scores is believed what it says of itself."""
        if math.isfinite(result.score):
            return result.score < self.params.fail_thr or result.state is State.LOST
        if not self._warned:
            self._warned = True
            logger.warning(
                "%s gives no score: only frames that it calls lost count as bad, and nothing found elsewhere is "
                "believed. A global search needs a tracker with scores.",
                type(self.base).__name__,
            )
        return result.state is State.LOST

    @classmethod
    def from_config(cls, cfg: CfgNode, model: nn.Module) -> LocalGlobalTracker:
        """The tracker of TRACK.TYPE around `model`, with the search that ATTENTION describes around it."""
        base = TRACKERS[cfg.TRACK.TYPE].from_config(cfg, model)
        proposer: Proposer = PROPOSERS[cfg.ATTENTION.PROPOSALS].from_config(cfg, device_of(model))
        return cls(base, proposer, params_from_config(cfg, PolicyParams))


def joint_score(score: float, attended: float, weight: float) -> float:
    """`score` times `attended` (0..1) to the power `weight`; a NaN stays one."""
    return score * max(attended, LEAST_ATTENTION) ** weight
