"""SiamRPN and SiamRPN++, short-term (Li et al., CVPR 2018 and 2019; docs/systems/siamrpn.md, Tracking)."""

from __future__ import annotations

from dataclasses import dataclass, field

from pysot.core.crop import Image
from pysot.models.meta_arch.siamese import SiamRPN
from pysot.tracker.base import TRACKERS, Candidate, SearchRegion, State, TrackResult
from pysot.tracker.decoders import AnchorDecoder
from pysot.tracker.siamese import Decoder, SiameseCandidate, SiameseParams, SiameseTracker, clip_state


@dataclass(frozen=True)
class SiamRPNParams(SiameseParams):
    """Adds the anchors: `stride` in pixels, `ratios` height / width, `scales` in strides."""

    stride: int = field(default=8, metadata={"key": "ANCHOR.STRIDE"})
    ratios: tuple[float, ...] = field(default=(0.33, 0.5, 1, 2, 3), metadata={"key": "ANCHOR.RATIOS"})
    scales: tuple[float, ...] = field(default=(8,), metadata={"key": "ANCHOR.SCALES"})


@TRACKERS.register("SiamRPNTracker")
class SiamRPNTracker(SiameseTracker):
    """Short-term tracker: one template, a search crop around the last place, anchors."""

    params_type = SiamRPNParams
    heads = ("RPN",)
    model: SiamRPN
    params: SiamRPNParams

    def _make_decoder(self) -> Decoder:
        return AnchorDecoder(self.params.stride, self.params.ratios, self.params.scales)


LOST_WINDOW_INFLUENCE = 0.001
"""While lost, the last place says next to nothing about the next one."""


@dataclass(frozen=True)
class SiamRPNLTParams(SiamRPNParams):
    """Adds the search crop's side while lost, and the scores at which the target counts as lost and as found."""

    lost_instance_size: int = 831
    confidence_low: float = 0.85
    confidence_high: float = 0.998


@TRACKERS.register("SiamRPNLTTracker")
class SiamRPNLTTracker(SiamRPNTracker):
    """Follows while sure, stays put and searches wider while lost."""

    params_type = SiamRPNLTParams
    params: SiamRPNLTParams
    lost: bool

    def _start(self, image: Image, box_xywh: tuple[float, float, float, float]) -> None:
        super()._start(image, box_xywh)
        self.lost = False

    def search_region(self) -> SearchRegion:
        if not self.lost:
            return super().search_region()
        return SearchRegion(self.center_xy, self.size_wh, self.params.lost_instance_size, LOST_WINDOW_INFLUENCE)

    def commit(self, image: Image, candidate: Candidate, learn: bool = True) -> TrackResult:
        """Moves only when the score reaches `confidence_low`. The kept state is not clipped, the answer is."""
        assert isinstance(candidate, SiameseCandidate)
        if candidate.score >= self.params.confidence_low:
            center_x, center_y, width, height = self._smooth(candidate)
            self.center_xy, self.size_wh = (center_x, center_y), (width, height)
        if candidate.score < self.params.confidence_low:
            self.lost = True
        elif candidate.score > self.params.confidence_high:
            self.lost = False
        self._refit(image, candidate.score, learn)
        (x, y), (width, height) = clip_state((*self.center_xy, *self.size_wh), image)
        state = State.LOST if self.lost else State.TRACKED
        return TrackResult((x - width / 2, y - height / 2, width, height), candidate.score, state)
