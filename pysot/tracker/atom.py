"""ATOM: Accurate Tracking by Overlap Maximization (Danelljan et al., CVPR 2019; docs/systems/atom.md)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pysot.core.crop import Image, SampledPatch
from pysot.models.meta_arch.atom import AtomNet
from pysot.online.classifier import (
    FilterProblem,
    JointProblem,
    Response,
    WeightedResponses,
    gaussian_label,
    random_classifier,
    same_scores,
)
from pysot.online.fourier import displacement_window, upsample_scores
from pysot.online.gauss_newton import ConjugateGradient, gauss_newton
from pysot.online.localization import Finding, Peak, locate_peak
from pysot.online.memory import SampleMemory
from pysot.online.patch import PatchView
from pysot.tracker.base import TRACKERS, SearchRegion
from pysot.tracker.online import OnlineCandidate, OnlineParams, OnlineTracker, whole_pixels


@dataclass(frozen=True)
class AtomParams(OnlineParams):
    """Adds the classifier and its optimizer (docs/systems/atom.md, Online classifier).

    Attributes:
        kernel_size, compressed_dim: side and channels of the filter.
        filter_reg, proj_reg: regularization of filter and projection.
        sigma_factor: standard deviation of the label, in target sizes.
        response_act, response_act_param: what follows the filter; see `pysot.online.classifier.Response`.
        init_cg_iter, init_gn_iter: all conjugate-gradient iterations of the first frame, and its linearizations.
        cg_iter, hn_cg_iter: iterations of an update, and of one at a distractor.
        fletcher_reeves: how conjugate directions are chosen; else Polak-Ribiere.
        cg_forgetting_rate: below 0, each update begins with a new direction; else it continues the last one, faded by
            (1 - learning_rate) ** rate.
    """

    kernel_size: int = 4
    compressed_dim: int = 64
    filter_reg: float = 0.1
    proj_reg: float = 1e-4
    sigma_factor: float = 0.25
    response_act: str = "mlu"
    response_act_param: float = 0.05
    init_cg_iter: int = 60
    init_gn_iter: int = 6
    cg_iter: int = 5
    hn_cg_iter: int = 5
    fletcher_reeves: bool = False
    cg_forgetting_rate: float = -1.0


@TRACKERS.register("ATOMTracker")
class AtomTracker(OnlineTracker):
    """Two-layer classifier learned by Gauss-Newton and conjugate gradient; boxes refined by an IoU-Net."""

    params_type = AtomParams
    heads = ("IOUNET",)
    lost_below, found_from = 0.4, 0.5
    model: AtomNet
    params: AtomParams

    def __init__(self, model: AtomNet, params: AtomParams) -> None:
        super().__init__(model, params)
        self.response = Response(params.response_act, params.response_act_param)

    def _look(self, image: Image, region: SearchRegion) -> tuple[PatchView, SampledPatch]:
        scale, side = self._scale(region.size_wh), region.input_size
        return PatchView(whole_pixels(region.center_xy), scale, side), self._cut(image, region.center_xy, scale, side)

    def _learn_first(self, samples: Tensor, shifts: NDArray[np.int64], view: PatchView) -> None:
        params, side = self.params, self.params.kernel_size
        self.cells = (samples.shape[1], samples.shape[2])
        labels = torch.stack([self._label(self.center_xy, view, shift) for shift in shifts])
        weights = samples.new_full((len(samples),), 1 / len(samples))
        channels = (samples.shape[3], params.compressed_dim)
        problem = JointProblem(
            WeightedResponses(samples, labels, weights, self.response),
            side,
            channels,
            filter_reg=params.filter_reg,
            projection_reg=params.proj_reg,
        )
        start = problem.pack(*random_classifier(self.rng, side, channels, samples))
        solver = ConjugateGradient(fletcher_reeves=params.fletcher_reeves)
        iterations = params.init_cg_iter // params.init_gn_iter
        learned = gauss_newton(problem, start, solver, steps=params.init_gn_iter, iterations=iterations)
        kernel, self.projection = problem.unpack(learned)
        self.filter = kernel.reshape(side, side, params.compressed_dim)
        first = {"features": samples @ self.projection.t(), "labels": labels}
        self.memory = SampleMemory(params.memory_size, params.learning_rate, params.init_min_weight, first)
        forget = 0.0 if params.cg_forgetting_rate < 0 else (1 - params.learning_rate) ** params.cg_forgetting_rate
        self.solver = ConjugateGradient(fletcher_reeves=params.fletcher_reeves, forget_factor=forget)

    def _label(
        self, center_xy: tuple[float, float], view: PatchView, shift_yx: NDArray[np.int64] | tuple[int, int] = (0, 0)
    ) -> Tensor:
        """(H, W) wanted responses for a target at `center_xy` in a view whose content is shifted by whole pixels."""
        half = 0.5 * ((self.params.kernel_size + 1) % 2)
        offset = [(value - own) / view.scale for value, own in zip(center_xy, view.center_xy, strict=True)][::-1]
        extent = view.side / self.stride  # cells along the view, whether or not the map fills it
        middle = [extent * (value + shift) / view.side + half for value, shift in zip(offset, shift_yx, strict=True)]
        target = extent / self.params.search_area_scale
        label = gaussian_label(self.cells, (middle[0], middle[1]), self.params.sigma_factor * target)
        return label.to(self._like)

    def _find(self, features: Tensor, view: PatchView, region: SearchRegion) -> tuple[Peak, Tensor]:
        sample = features.permute(0, 2, 3, 1)[0] @ self.projection.t()
        scores = self.response.value(same_scores(sample[None], self.filter)[0])
        points = scores.shape[0] * self.stride  # one per pixel of the view, as far as the map reaches
        plain = upsample_scores(scores, points, self.params.kernel_size).cpu().numpy()
        width, height = region.size_wh
        peak = locate_peak(
            self._windowed(plain, displacement_window(points), region),
            (points // 2, points // 2),
            (width / view.scale, height / view.scale),
            self.params.localization,
            unwindowed=plain if self.params.hn_without_window else None,
        )
        moved = (peak.offset_xy[0] * view.scale, peak.offset_xy[1] * view.scale)
        return Peak(moved, peak.score, peak.finding), sample

    def _update(self, candidate: OnlineCandidate, center_xy: tuple[float, float]) -> None:
        params, hard = self.params, candidate.finding is Finding.HARD_NEGATIVE
        if candidate.finding is not Finding.UNCERTAIN:
            sample = {"features": candidate.sample, "labels": self._label(center_xy, candidate.view)}
            self.memory.insert(sample, params.hn_learning_rate if hard else params.learning_rate)
        if hard:
            self._train(params.hn_cg_iter)
        elif self.frame % params.train_skipping == 0:
            self._train(params.cg_iter)

    def _train(self, iterations: int) -> None:
        """Improves the filter on the samples in memory; the projection stays."""
        features = self.memory["features"]
        weights = self.memory.weights_like(features)
        data = WeightedResponses(features, self.memory["labels"], weights, self.response)
        problem = FilterProblem(data, self.params.kernel_size, self.params.filter_reg)
        unknowns = self.filter.reshape(-1)
        learned = gauss_newton(problem, unknowns, self.solver, steps=1, iterations=iterations)
        self.filter = learned.reshape(self.filter.shape)
