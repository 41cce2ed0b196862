"""The selector slot: what a selector does, what it leaves, and the registry of selectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pysot.core.registry import Registry


class SearchView(NamedTuple):
    """What channels are chosen by: the surroundings of a target that is in the middle.

    Attributes:
        crop: (S, S, 3) uint8 BGR.
        maps: (1, C, H, W) features of it, one per level that channels are chosen of.
        middles: the place in each map, (row, column), that looks at the crop's middle; not always a whole cell.
        scale: crop pixels per image pixel.
    """

    crop: NDArray[np.uint8]
    maps: list[Tensor]
    middles: list[tuple[float, float]]
    scale: float


@dataclass(frozen=True, eq=False)
class LevelSelection:
    """What was chosen of one feature map of C channels.

    Attributes:
        kept: (C,) bool, on the features' device.
        importance: (C,) float32, what the choice was made by; comparable within the level only.
        loss: what the solver reached: mean square error of the label plus its penalty; NaN when nothing was solved.
        iterations: steps it took; 0 for a closed form.
    """

    kept: Tensor
    importance: Tensor
    loss: float = float("nan")
    iterations: int = 0

    @property
    def indices(self) -> list[int]:
        """The kept channels, increasing."""
        return [int(index) for index in self.kept.nonzero().flatten()]


class Selection:
    """The channels kept for one target. It belongs to the tracker that chose them, never to the model.

    Args:
        levels: one per feature map; None where all channels are kept without asking.
        seconds: what it took to choose.
    """

    def __init__(self, levels: Sequence[LevelSelection | None], seconds: float = 0.0) -> None:
        self.levels, self.seconds = tuple(levels), seconds
        self._indices = [None if level is None else level.kept.nonzero().flatten() for level in self.levels]
        self._masks: list[Tensor | None] = [
            None if level is None or bool(level.kept.all()) else level.kept[None, :, None, None].float()
            for level in self.levels
        ]

    def apply(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """`maps`, one (B, C, H, W) per level, with every channel that is not kept set to 0; nothing in place.

        A level that keeps all is handed on as it is.
        """
        return [x if mask is None else x * mask.to(x.dtype) for x, mask in zip(maps, self._masks, strict=True)]

    def pick(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """The kept channels alone: one (B, kept, H, W) per level."""
        return [
            x if indices is None else x.index_select(1, indices) for x, indices in zip(maps, self._indices, strict=True)
        ]

    @property
    def kept(self) -> list[int]:
        """How many channels are kept of each level that was selected on."""
        return [int(level.kept.sum()) for level in self.levels if level is not None]

    def as_dict(self) -> dict[str, Any]:
        """What can be said of the selection, as JSON takes it; numbers that are not finite become None.

        `ta_fit_time` in seconds; of each level that was selected on: `ta_levels` its number, `ta_kept`, `ta_of` how
        many channels are and could be kept, `ta_loss`, `ta_iters`, `ta_channels` the kept ones, `ta_importance` of all.
        """
        chosen = [(number, level) for number, level in enumerate(self.levels) if level is not None]
        return {
            "ta_fit_time": self.seconds,
            "ta_levels": [number for number, _ in chosen],
            "ta_kept": [len(level.indices) for _, level in chosen],
            "ta_of": [len(level.kept) for _, level in chosen],
            "ta_loss": [_finite(level.loss) for _, level in chosen],
            "ta_iters": [level.iterations for _, level in chosen],
            "ta_channels": [level.indices for _, level in chosen],
            "ta_importance": [[_finite(value) for value in level.importance.tolist()] for _, level in chosen],
        }


def _finite(value: float) -> float | None:
    return float(f"{value:.6g}") if abs(value) < float("inf") else None


class Selector(ABC):
    """Chooses channels. It keeps nothing of a target, so that any number of trackers can share one.

    Built from hyper-parameters and the channels of every feature map; raises `ConfigError` when these do not fit.
    """

    @abstractmethod
    def choose(self, view: SearchView, template_hw: Sequence[tuple[int, int]]) -> Selection:
        """The channels that tell the target in the middle of `view` from what is around it; all of them, with a
        warning, where nothing does.

        Args:
            template_hw: cells of each map, (rows, columns), that the target covers with its context: those of the
                template, where there is one.

        Raises `SotError` when a feature is not finite.
        """

    @abstractmethod
    def label(self, size_hw: tuple[int, int], template_hw: tuple[int, int], middle_hw: tuple[float, float]) -> Tensor:
        """(H, W) what a map of that size is to say: near 1 on the target, near 0 elsewhere. `middle_hw` as in
        `SearchView.middles`.
        """


SELECTORS: Registry[type[Any]] = Registry("channel selector", key="TARGET_AWARE.TYPE")
"""`Selector` classes, called with `SelectionParams` and the channels of every feature map."""
