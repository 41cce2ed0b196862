"""SiamRPN and SiamRPN++, short-term (Li et al., CVPR 2018 and 2019; specs/siamrpnpp.md section 6)."""

from __future__ import annotations

from dataclasses import dataclass, field

from pysot.models.siamese import SiamRPN
from pysot.tracker.anchors import AnchorDecoder
from pysot.tracker.base import TRACKERS
from pysot.tracker.siamese import Decoder, SiameseParams, SiameseTracker


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
    model: SiamRPN
    params: SiamRPNParams

    def _make_decoder(self) -> Decoder:
        return AnchorDecoder(self.params.stride, self.params.ratios, self.params.scales)
