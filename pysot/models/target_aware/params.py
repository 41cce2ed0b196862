"""Hyper-parameters of target-aware feature selection (docs/systems/tasiamrpn.md, Published values)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pysot.core.checks import CheckedParams
from pysot.core.errors import ConfigError

SOLVERS = ("sgd", "ridge", "gradient")
IMPORTANCES = ("weight_sum", "gradient_gap")
RULES = ("topk", "positive", "topk_positive", "topk_abs")
MODES = ("mask", "index")
PER_LEVEL = ("topk", "lr", "momentum")
"""Fields with one entry per feature map, selected on or not; a single entry stands for all of them."""

USUAL_RATIO = 0.75
"""Share of a level's channels that is kept when neither `topk` nor `keep_ratio` says (docs/results/target_aware.md)."""
AUTOMATIC = -1
"""Of `keep_ratio` and `kernel_shrink`: not given."""


@dataclass(frozen=True)
class SelectionParams(CheckedParams):
    """How the channels are chosen. The config group is `TARGET_AWARE`; experiments hold the published values.

    Attributes:
        enabled: select at all.
        type: name in the registry `SELECTORS`.
        levels: numbers of the feature maps to select on, shallow to deep, negative ones from the deepest; empty: all.
            Channels of the others are all kept.
        solver: how the kernel that turns features into the label is found: `sgd`, steps of stochastic gradient descent
            from almost zero, as published; `ridge`, in closed form; `gradient`, as `sgd`, and `importance` is then
            always `gradient_gap`.
        importance: of a channel: `weight_sum`, the sum of its kernel; `gradient_gap`, how fast what the response
            lacks of the label shrinks as the channel grows everywhere alike.
        select: `topk`, the most important ones, as published; `positive`, those of positive importance;
            `topk_positive`, both; `topk_abs`, those of the largest magnitude, so that channels that are silent on the
            target alone stay (docs/results/target_aware.md).
        topk: how many are kept of each level, at most. Empty: `keep_ratio` says.
        keep_ratio: share of a level's channels in (0, 1], instead of `topk`. -1: not given; without both,
            `USUAL_RATIO`.
        min_total: at least so many are kept of all selected levels together; the deepest level fills up first.
        mode: `mask`, the others become zero, for networks of a fixed width; `index`, only the kept ones go on.
        iters, lr, momentum, weight_decay: of `sgd`; `lr` and `momentum` of each level.
        early_stop: `sgd` ends when mean square error plus penalty is below; 0 never.
        lr_auto: lower `lr` where the step would diverge.
        ridge_lambda: penalty of `ridge`, in units of the mean squared norm of a patch of features.
        label_sigma_factor, label_alpha: the label is exp(-alpha d^2 / sigma^2), sigma = factor * template cells.
        kernel_shrink: cells by which the kernel is smaller than the template. -1: half of the template.
        rank_loss: keep only channels that also tell the target's scale, on one level (docs/systems/tadt.md, Ranking
            loss).
        rank_level: its number.
        rank_iters: steps of its solver.
        refit_interval: frames between new selections; 0: the first frame's stays.
        refit_score: no new selection from a frame whose score is not above.
        seed: of the first kernel of `sgd`.
    """

    config_group: ClassVar[str] = "TARGET_AWARE"

    enabled: bool = False
    type: str = "TAFSelector"
    levels: tuple[int, ...] = ()
    solver: str = "ridge"
    importance: str = "weight_sum"
    select: str = "topk_abs"
    topk: tuple[int, ...] = ()
    keep_ratio: float = AUTOMATIC
    min_total: int = 0
    mode: str = "mask"
    iters: int = 300
    lr: tuple[float, ...] = (1e-3,)
    momentum: tuple[float, ...] = (0.9,)
    weight_decay: float = 1e-4
    early_stop: float = 1e-4
    lr_auto: bool = True
    ridge_lambda: float = 0.1
    label_sigma_factor: float = 0.1
    label_alpha: float = 0.2
    kernel_shrink: int = AUTOMATIC
    rank_loss: bool = False
    rank_level: int = 0
    rank_iters: int = 50
    refit_interval: int = 0
    refit_score: float = 0.95
    seed: int = 1234

    def __post_init__(self) -> None:
        for name, known in (("solver", SOLVERS), ("importance", IMPORTANCES), ("select", RULES), ("mode", MODES)):
            self.check_choice(name, known)
        self.check_least(1, "iters", "rank_iters")
        self.check_least(0, "min_total", "refit_interval", "weight_decay", "early_stop", "rank_level")
        for name in ("ridge_lambda", "label_sigma_factor", "label_alpha"):
            self.check(name, 0 < getattr(self, name) < math.inf, "a number above 0")
        self.check("keep_ratio", self.keep_ratio == AUTOMATIC or 0 < self.keep_ratio <= 1, "a share in (0, 1], or -1")
        self.check("kernel_shrink", self.kernel_shrink >= AUTOMATIC, "0 or more cells, or -1")
        self.check("topk", all(type(count) is int and count >= 1 for count in self.topk), "whole numbers from 1")
        self.check("levels", all(type(level) is int for level in self.levels), "whole numbers")
        self.check("lr", len(self.lr) > 0 and min(self.lr) > 0, "numbers above 0")
        fine = len(self.momentum) > 0 and min(self.momentum) >= 0 and max(self.momentum) < 1
        self.check("momentum", fine, "numbers from 0 up to, not including, 1")
        lengths = {name: len(getattr(self, name)) for name in PER_LEVEL if len(getattr(self, name)) > 1}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name.upper()} {list(getattr(self, name))}" for name in lengths)
            raise ConfigError(
                f"{self.config_group}: lists of one entry per feature map differ in length: {listed}. Give one entry "
                "per map, or a single one for all."
            )

    def of_level(self, name: str, level: int) -> float:
        """The entry of the list `name` for the feature map `level`."""
        values: tuple[float, ...] = getattr(self, name)
        return values[level if len(values) > 1 else 0]

    def keep(self, level: int, channels: int) -> int:
        """How many of the `channels` of the feature map `level` are kept at most.

        Raises `ConfigError` when `topk` asks for more than there are.
        """
        if self.keep_ratio == AUTOMATIC and self.topk:
            count = int(self.of_level("topk", level))
            if count > channels:
                raise ConfigError(
                    f"{self.config_group}.TOPK asks for {count} channels of feature map {level}, which has {channels}. "
                    f"Lower it, or give {self.config_group}.KEEP_RATIO, a share, instead."
                )
            return count
        ratio = USUAL_RATIO if self.keep_ratio == AUTOMATIC else self.keep_ratio
        return max(1, round(ratio * channels))

    def selected(self, channels: Sequence[int]) -> tuple[int, ...]:
        """Which of the feature maps of these `channels` are selected on, by number from 0.

        Raises `ConfigError` when `levels` names one that is not there or one twice, or a list per level is of another
        length.
        """
        count = len(channels)
        chosen = tuple(level + count if level < 0 else level for level in self.levels) or tuple(range(count))
        if not all(0 <= level < count for level in chosen) or len(set(chosen)) < len(chosen):
            raise ConfigError(
                f"{self.config_group}.LEVELS is {list(self.levels)}, but channels are chosen of {count} feature map(s) "
                f"({list(channels)} channels). Name each at most once, from 0 to {count - 1}, or -1 for the deepest; "
                "[] means all."
            )
        for name in PER_LEVEL:
            entries = getattr(self, name)
            if len(entries) not in (0, 1, count):
                raise ConfigError(
                    f"{self.config_group}.{name.upper()} {list(entries)} has {len(entries)} entries for {count} "
                    "feature map(s). Give one per map, or a single one for all."
                )
        if self.rank_loss and self.rank_level not in chosen:
            raise ConfigError(
                f"{self.config_group}.RANK_LEVEL is {self.rank_level}, which is not selected on. Name one of "
                f"{sorted(chosen)}."
            )
        return tuple(sorted(chosen))

    def due(self, frame: int, score: float) -> bool:
        """Whether channels are to be chosen anew at the frame of this number, the first being 0, and score."""
        return self.refit_interval > 0 and frame % self.refit_interval == 0 and score > self.refit_score

    @property
    def descends(self) -> bool:
        """True when the kernel is found by gradient descent."""
        return self.solver != "ridge"

    @property
    def by_gradient(self) -> bool:
        """True when importance is measured by the gradient of the loss for the features."""
        return self.solver == "gradient" or self.importance == "gradient_gap"
