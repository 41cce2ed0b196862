"""What trackers share that can use a part of their network's channels only: those that tell the target from what is
around it (docs/systems/tasiamrpn.md, In the tracker).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from torch import Tensor
from yacs.config import CfgNode

from pysot.core.crop import Image
from pysot.core.errors import ConfigError
from pysot.models.target_aware import SearchView, Selection, make_selector
from pysot.tracker.base import Tracker


class TargetAwareTracker(Tracker):
    """A tracker whose maps can be reduced to the channels that matter for its target.

    Its `params` have a `SelectionParams` as `target_aware`, and its model says the `level_specs` of the maps that
    channels are chosen of.

    Attributes:
        refits: whether channels can be chosen anew after the first frame (TARGET_AWARE.REFIT_INTERVAL): not where
            features of earlier frames, with the channels of then, are learned from again.
        selector: what chooses; None where all channels are used.
        selection: the channels chosen for this target, and how; None where all are used without asking.
        template_hw: cells of each map, (rows, columns), that the target covers with its context.
    """

    selection_modes: ClassVar[tuple[str, ...]] = ("mask",)
    refits: ClassVar[bool] = True
    selection: Selection | None = None
    template_hw: list[tuple[int, int]]

    def __init__(self, model: Any, params: Any) -> None:
        super().__init__(model, params)
        self.selector = make_selector(params.target_aware, [spec.channels for spec in model.level_specs])

    @abstractmethod
    def selection_view(self, image: Image) -> SearchView:
        """What channels are chosen by: the surroundings of the target in `image`, where the tracker takes it to be."""

    def _search_view(self, crop: Image, maps: list[Tensor], scale: float) -> SearchView:
        """The view of `crop`, whose `maps` are those that channels are chosen of; see `SearchView`."""
        middle = [(side - 1) / 2 for side in crop.shape[:2]]
        middles = [(spec.cell_at(middle[0]), spec.cell_at(middle[1])) for spec in self.model.level_specs]
        return SearchView(crop, maps, middles, scale)

    @classmethod
    def check_config(cls, cfg: CfgNode) -> None:
        """Also raises `ConfigError` when channels shall be chosen anew and cannot."""
        super().check_config(cfg)
        group = cfg.TARGET_AWARE
        if group.ENABLED and group.REFIT_INTERVAL > 0 and not cls.refits:
            raise ConfigError(
                f"TARGET_AWARE.REFIT_INTERVAL is {group.REFIT_INTERVAL}, but TRACK.TYPE {cfg.TRACK.TYPE} learns from "
                "features of earlier frames, which hold the channels that were chosen then. Set it 0: the first "
                "frame's choice stays."
            )
