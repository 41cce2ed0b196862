"""The target-aware selector of TADT and Ta-SiamRPN++ (docs/systems/tasiamrpn.md, Selection)."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pysot.core.device import synchronize
from pysot.core.errors import SotError
from pysot.models.target_aware.base import SELECTORS, LevelSelection, SearchView, Selection, Selector
from pysot.models.target_aware.params import SelectionParams
from pysot.models.target_aware.ranking import scale_importance
from pysot.models.target_aware.regression import Regression, gaussian_label, kernel_side
from pysot.models.target_aware.solvers import Fit, descend, solve_ridge

logger = logging.getLogger(__name__)


@SELECTORS.register("TAFSelector")
class TargetAwareSelector(Selector):
    """A kernel per feature map is fitted to a Gaussian on the target; channels that carry much of it are kept.

    Args:
        params: see `SelectionParams`.
        channels: of every feature map before the neck.

    Raises `ConfigError` when `params` asks for levels or channels that are not there.
    """

    def __init__(self, params: SelectionParams, channels: Sequence[int]) -> None:
        self.params = params
        self.levels = params.selected(channels)
        self.counts = {level: params.keep(level, channels[level]) for level in self.levels}
        self._warned = False

    def choose(self, view: SearchView, template_hw: Sequence[tuple[int, int]]) -> Selection:
        synchronize(view.maps[0].device)  # the time is to be the selection's own
        began = time.perf_counter()
        if np.ptp(view.crop, axis=(0, 1)).max() == 0:  # the maps' borders alone would decide
            return self._keep_all(view.maps, "the search crop has a single color")
        with torch.inference_mode(False):  # the ranking takes gradients
            maps = {level: view.maps[level].detach()[0].float() for level in self.levels}
            maps = {level: x.clone(memory_format=torch.contiguous_format) for level, x in maps.items()}
        for level, features in maps.items():
            if not features.isfinite().all():
                raise SotError(
                    f"Feature map {level} of the first frame is not finite, so that no channels can be chosen: the "
                    "weights are damaged, or overflow in this precision. Load another snapshot."
                )
        if all((features.amax((1, 2)) == features.amin((1, 2))).all() for features in maps.values()):
            return self._keep_all(view.maps, "every feature map is constant")
        with torch.no_grad():
            fits = {level: self._fit(level, x, template_hw[level], view.middles[level]) for level, x in maps.items()}
            kept = {
                level: best_channels(fit.importance, self.params.select, self.counts[level])
                for level, fit in fits.items()
            }
            if self.params.rank_loss:
                level = self.params.rank_level
                ranks = scale_importance(maps[level], template_hw[level], self.params.rank_iters)
                kept[level] &= ranks > 0
            kept = fill_up(kept, {level: fit.importance for level, fit in fits.items()}, self.params.min_total)
        chosen = [
            LevelSelection(kept[level], fits[level].importance, fits[level].loss, fits[level].iterations)
            if level in fits
            else None
            for level in range(len(view.maps))
        ]
        return Selection(chosen, time.perf_counter() - began)

    def label(self, size_hw: tuple[int, int], template_hw: tuple[int, int], middle_hw: tuple[float, float]) -> Tensor:
        sigma = (self.params.label_sigma_factor * template_hw[0], self.params.label_sigma_factor * template_hw[1])
        return gaussian_label(size_hw, sigma, self.params.label_alpha, middle_hw)

    def _keep_all(self, maps: Sequence[Tensor], reason: str) -> Selection:
        """Everything, for features that tell nothing. Logs the `reason`, once."""
        if not self._warned:
            logger.warning("No channels can be preferred: %s. All are kept.", reason)
            self._warned = True
        chosen = [
            LevelSelection(x.new_ones(x.shape[1], dtype=torch.bool), x.new_zeros(x.shape[1], dtype=torch.float32))
            if level in self.levels
            else None
            for level, x in enumerate(maps)
        ]
        return Selection(chosen)

    def _fit(self, level: int, features: Tensor, template_hw: tuple[int, int], middle_hw: tuple[float, float]) -> Fit:
        params = self.params
        kernel = (kernel_side(template_hw[0], params.kernel_shrink), kernel_side(template_hw[1], params.kernel_shrink))
        label = self.label((features.shape[1], features.shape[2]), template_hw, middle_hw)
        problem = Regression(features, label, kernel)
        if params.descends:
            fit = descend(problem, params, level)
            if fit is not None:
                return fit
            logger.warning("Channel selection: gradient descent diverged on feature map %d; solved by ridge.", level)
        return solve_ridge(problem, params.ridge_lambda, params.by_gradient)


def best_channels(importance: Tensor, rule: str, count: int) -> Tensor:
    """(C,) bool: which channels `rule` (`SelectionParams.select`) keeps. Of equals the first wins; one always stays."""
    strength = importance.abs() if rule == "topk_abs" else importance
    best = strength.argsort(descending=True, stable=True)
    kept = torch.zeros_like(importance, dtype=torch.bool)
    kept[best[: len(best) if rule == "positive" else count]] = True
    if rule in ("positive", "topk_positive"):
        kept &= importance > 0
    kept[best[0]] |= not kept.any()
    return kept


def fill_up(kept: dict[int, Tensor], importance: dict[int, Tensor], total: int) -> dict[int, Tensor]:
    """`kept`, by level, with the next best channels added until there are `total`; the deepest level fills up first.

    A level that has lost all of its channels gets its best one back.
    """
    filled = {level: mask.clone() for level, mask in kept.items()}
    for level, mask in filled.items():
        mask[importance[level].argmax()] |= not mask.any()
    missing = total - sum(int(mask.sum()) for mask in filled.values())
    for level in sorted(filled, reverse=True):
        if missing <= 0:
            break
        left = importance[level].masked_fill(filled[level], -torch.inf).argsort(descending=True, stable=True)
        added = left[: min(missing, int((~filled[level]).sum()))]
        filled[level][added] = True
        missing -= len(added)
    return filled
