"""DiMP and PrDiMP: the target classifier is predicted by a network, and improved while tracking (Bhat et al., ICCV
2019; Danelljan et al., CVPR 2020; docs/systems/dimp.md, Tracking).
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pysot.core.crop import BORDER_MODES, Image, SampledPatch
from pysot.core.errors import SotError
from pysot.core.moved import old_names
from pysot.models.meta_arch.dimp import DimpNet
from pysot.online.fourier import displacement_window
from pysot.online.localization import Finding, Peak, locate_peak
from pysot.online.memory import SampleMemory
from pysot.online.patch import PatchView
from pysot.tracker.base import TRACKERS, SearchRegion
from pysot.tracker.online import OnlineCandidate, OnlineParams, OnlineTracker

logger = logging.getLogger(__name__)

if not TYPE_CHECKING:
    __getattr__ = old_names(__name__)  # what pickles and scripts may call otherwise

SCORE_KINDS = ("none", "softmax")


@dataclass(frozen=True)
class DimpParams(OnlineParams):
    """Adds the search crop's border and the schedule of the filter's improvement (docs/systems/dimp.md, Tracking).

    Attributes:
        border_mode, patch_max_scale_change: of search crops; see `pysot.core.crop.sample_patch`.
        score_preprocess: `none`; `softmax` where scores are the logarithm of a density (PrDiMP).
        train_sample_interval: frames between new samples; those that show a distractor are always taken.
        net_opt_iter: steps of the first frame.
        net_opt_update_iter: steps every `train_skipping` frames.
        net_opt_hn_iter: steps at once where a distractor is near.
        low_score_opt_thr, net_opt_low_iter: below this score, so many steps at once.
    """

    border_mode: str = "replicate"
    patch_max_scale_change: float = 1.5
    score_preprocess: str = "none"
    train_sample_interval: int = 1
    net_opt_iter: int = 10
    net_opt_update_iter: int = 2
    net_opt_hn_iter: int = 1
    low_score_opt_thr: float = -math.inf
    net_opt_low_iter: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_choice("border_mode", BORDER_MODES)
        self.check_choice("score_preprocess", SCORE_KINDS)
        self.check_least(1, "patch_max_scale_change", "train_sample_interval")
        self.check_least(0, "net_opt_iter", "net_opt_update_iter", "net_opt_hn_iter", "net_opt_low_iter")


@TRACKERS.register("DiMPTracker")
class DimpTracker(OnlineTracker):
    """A filter predicted from the first frame, improved by a few learned steps on the frames since; boxes refined by an
    IoU-Net.
    """

    params_type = DimpParams
    heads = ("DIMP",)
    lost_below, found_from = 0.25, 0.4
    model: DimpNet
    params: DimpParams
    _warned = False

    def _look(self, image: Image, region: SearchRegion) -> tuple[PatchView, SampledPatch]:
        params, side = self.params, region.input_size
        patch = self._cut(
            image,
            region.center_xy,
            self._scale(region.size_wh),
            side,
            border=params.border_mode,
            max_scale_change=params.patch_max_scale_change,
        )
        left, top, right, bottom = patch.box_xyxy
        scale = math.sqrt((right - left) * (bottom - top)) / side
        return PatchView(((left + right - 1) / 2, (top + bottom - 1) / 2), scale, side), patch

    def _learn_first(self, samples: Tensor, shifts: NDArray[np.int64], view: PatchView) -> None:
        box = np.array(view.box_in_patch(self.center_xy, self.size_wh))
        moved = np.pad(shifts[:, ::-1], ((0, 0), (0, 2)))
        boxes = torch.from_numpy(box + moved).to(samples)
        params = self.params
        self.memory = SampleMemory(
            params.memory_size, params.learning_rate, params.init_min_weight, {"features": samples, "boxes": boxes}
        )
        filters = self.model.classifier.learn(_one_sequence(samples), boxes[:, None], iterations=params.net_opt_iter)
        self.filter = self._last_usable(filters)

    def _find(self, features: Tensor, view: PatchView, region: SearchRegion) -> tuple[Peak, Tensor]:
        classifier = self.model.classifier
        found = classifier.scores(self.filter, features[:, None])[0, 0]
        if self.params.score_preprocess == "softmax":
            found = classifier.densities(found)
        plain = found.cpu().numpy()
        columns = plain.shape[1]
        cell = view.scale * view.side / (view.side / self.stride)  # image pixels; in the order of published results
        middle = classifier.center_cell(view.side)
        peak = locate_peak(
            self._windowed(plain, displacement_window(columns, beyond=1), region),
            (middle, middle),
            (region.size_wh[0] / cell, region.size_wh[1] / cell),
            self.params.localization,
            previous_xy=(
                (region.center_xy[0] - view.center_xy[0]) / cell,
                (region.center_xy[1] - view.center_xy[1]) / cell,
            ),
            unwindowed=plain if self.params.hn_without_window else None,
        )
        moved = (peak.offset_xy[0] * cell, peak.offset_xy[1] * cell)
        return Peak(moved, peak.score, peak.finding), features[0].permute(1, 2, 0)

    def _update(self, candidate: OnlineCandidate, center_xy: tuple[float, float]) -> None:
        if candidate.finding is Finding.UNCERTAIN:
            return
        params, hard = self.params, candidate.finding is Finding.HARD_NEGATIVE
        if hard or (self.frame + 1) % params.train_sample_interval == 0:
            box = candidate.view.box_in_patch(self.center_xy, self.size_wh)
            sample = {"features": candidate.sample, "boxes": torch.tensor(box, dtype=torch.float64)}
            self.memory.insert(sample, params.hn_learning_rate if hard else params.learning_rate)
        if hard:
            self._improve(params.net_opt_hn_iter)
        elif candidate.score < params.low_score_opt_thr:
            self._improve(params.net_opt_low_iter)
        elif self.frame % params.train_skipping == 0:
            self._improve(params.net_opt_update_iter)

    def _improve(self, iterations: int) -> None:
        """Steps on all samples in memory; a filter that is no longer usable is not taken."""
        samples = self.memory["features"]
        filters = self.model.classifier.improve(
            self.filter,
            _one_sequence(samples),
            self.memory["boxes"][:, None],
            iterations=iterations,
            weights=self.memory.weights_like(samples)[:, None],
        )
        self.filter = self._last_usable(filters)

    def _last_usable(self, filters: list[Tensor]) -> Tensor:
        """The last of `filters` whose squared norm is a number: its scores are numbers too."""
        usable = [kernel for kernel in filters if math.isfinite(float(kernel.square().sum()))]
        if not usable:
            raise SotError(
                "The filter made of the first frame is not finite: the classifier's weights in this "
                f"{type(self.model).__name__} are damaged, or overflow in this precision. Load another snapshot."
            )
        if len(usable) < len(filters) and not self._warned:
            logger.warning("A step of the target classifier overflowed; the filter before it is kept from now on.")
            self._warned = True
        return usable[-1]


def _one_sequence(samples: Tensor) -> Tensor:
    """(n, 1, C, H, W) view of samples (n, H, W, C)."""
    return samples.permute(0, 3, 1, 2)[:, None]
