"""Target-aware feature selection: which channels of a network tell the target from what is around it."""

from __future__ import annotations

from collections.abc import Sequence

from pysot.models.target_aware import selector as target_aware
from pysot.models.target_aware.base import SELECTORS, LevelSelection, SearchView, Selection, Selector
from pysot.models.target_aware.params import SelectionParams

__all__ = [
    "SELECTORS",
    "LevelSelection",
    "SearchView",
    "Selection",
    "SelectionParams",
    "Selector",
    "make_selector",
    "target_aware",
]


def make_selector(params: SelectionParams, channels: Sequence[int]) -> Selector | None:
    """The selector that `params` describes for feature maps of these `channels`; None when it is not enabled.

    Raises `ConfigError` when the two do not fit.
    """
    if not params.enabled:
        return None
    selector: Selector = SELECTORS[params.type](params, channels)
    return selector
