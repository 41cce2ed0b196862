"""NanoTrack V1-V3: a small anchor-free siamese tracker (HonglinChu/SiamTrackers; docs/systems/nanotrack.md)."""

from __future__ import annotations

from dataclasses import dataclass, field

from pysot.models.meta_arch.siamese import NanoTrack
from pysot.tracker.base import TRACKERS
from pysot.tracker.decoders import PointDecoder
from pysot.tracker.siamese import Decoder, SiameseParams, SiameseTracker


@dataclass(frozen=True)
class NanoTrackParams(SiameseParams):
    """Adds the distance between grid points in crop pixels."""

    stride: int = field(default=16, metadata={"key": "POINT.STRIDE"})


@TRACKERS.register("NanoTracker")
class NanoTracker(SiameseTracker):
    """As SiamRPN, with one point per cell instead of anchors."""

    params_type = NanoTrackParams
    heads = ("BAN",)
    lost_below, found_from = 0.98, 0.98
    model: NanoTrack
    params: NanoTrackParams

    def _make_decoder(self) -> Decoder:
        return PointDecoder(self.params.stride)
