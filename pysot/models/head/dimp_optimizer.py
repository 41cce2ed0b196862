"""How DiMP and PrDiMP learn a filter: a few steps of steepest descent whose length is optimal for a local quadratic
model of the loss, and whose loss is itself learned (Bhat et al., ICCV 2019, sections 3.1 to 3.4; Danelljan et al., CVPR
2020; docs/systems/dimp.md, Filter optimizer).

A step of any of them, with scores s = X f, half the gradient g of the loss, and the curvature h of the model along g:

    f <- f - exp(log_step_length) * alpha * g,    alpha = |g|^2 / (h + (reg + alpha_eps) |g|^2)

Gradients have a closed form, so a step needs no differentiation: it runs as it is while tracking, and in training
autograd goes through all steps. Scores are linear in the filter, so after a step those along g are subtracted.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pysot.models.layers.distance_map import center_distances, grid_offsets, radial_maps
from pysot.models.layers.filter import correlate, correlate_transpose, score_size

SMALLEST = 1e-8
"""Least curvature of a step: where the samples are all zero, the filter stays."""


@dataclass(frozen=True)
class QuadraticModel:
    """The data term at some scores (B, n, h, w); B sequences of n images.

    Attributes:
        loss: (B,) its value.
        slope: (B, n, h, w) half its gradient with respect to the scores.
        curvature: from a direction in the space of scores, (B, n, h, w), to the second-order term along it, (B,).
    """

    loss: Tensor
    slope: Tensor
    curvature: Callable[[Tensor], Tensor]


class SteepestDescent(nn.Module, ABC):
    """The common part. A subclass says what scores are wanted, and gives the quadratic model.

    Attributes:
        softmax_reg: logarithm of the mass of "nowhere" beside the scores, where these are taken for a density.
        offset: input pixel at which cell 0 of the features looks.

    Args:
        iterations: steps when none are asked for: as in training.
        init_step: factor of the step, learned as its logarithm.
        init_reg: square root of the regularization, learned.
        min_reg: its least value.
        alpha_eps: added to the regularization in the step length only.
        stride: input pixels per feature cell.
        offset: see above.
    """

    softmax_reg: float | None = None
    offset = 0.0

    def __init__(
        self,
        *,
        iterations: int = 5,
        init_step: float = 0.9,
        init_reg: float = 0.1,
        min_reg: float = 1e-3,
        alpha_eps: float = 0.0,
        stride: int = 16,
        offset: float = 0.0,
    ) -> None:
        super().__init__()
        self.iterations, self.min_reg, self.alpha_eps = iterations, min_reg, alpha_eps
        self.stride, self.offset = stride, offset
        self.log_step_length = nn.Parameter(torch.full((1,), math.log(init_step)))
        self.filter_reg = nn.Parameter(torch.full((1,), init_reg))

    @abstractmethod
    def data_term(
        self, boxes_xywh: Tensor, size_hw: tuple[int, int], side: int, weights: Tensor
    ) -> Callable[[Tensor], QuadraticModel]:
        """The data term of targets `boxes_xywh` (B, n, 4), as a function of the scores (B, n, *size_hw).

        Args:
            side: k of the filter.
            weights: (B, n) of the samples.
        """

    def forward(
        self,
        start: Tensor,
        samples: Tensor,
        boxes_xywh: Tensor,
        weights: Tensor | None = None,
        iterations: int | None = None,
    ) -> list[Tensor]:
        """Every iterate, `start` first, each (B, k, k, C).

        Args:
            start: (B, k, k, C) filters.
            samples: (B, n, H, W, C) features.
            boxes_xywh: (B, n, 4) targets, input pixels.
            weights: (B, n) of the samples; 1 / n each when None.
            iterations: steps; by default as in training.
        """
        data = self._data_term(start, samples, boxes_xywh, weights)
        reg, side = self._regularization(), start.shape[-2]
        step = self.log_step_length.exp()
        iterates, scores = [start], correlate(samples, start)
        for _ in range(self.iterations if iterations is None else iterations):
            model = data(scores)
            gradient = correlate_transpose(samples, model.slope, side) + reg * iterates[-1]
            along = correlate(samples, gradient)
            power = _squares(gradient)
            curvature = model.curvature(along) + (reg + self.alpha_eps) * power
            length = (step * power / curvature.clamp(min=SMALLEST))[:, None, None, None]
            iterates.append(iterates[-1] - length * gradient)
            scores = scores - length * along
        return iterates

    def loss(self, kernels: Tensor, samples: Tensor, boxes_xywh: Tensor, weights: Tensor | None = None) -> Tensor:
        """(B,) what the steps decrease, of filters (B, k, k, C); scaled so that they follow half its gradient."""
        model = self._data_term(kernels, samples, boxes_xywh, weights)(correlate(samples, kernels))
        return model.loss + self._regularization() * _squares(kernels)

    def _regularization(self) -> Tensor:
        return self.filter_reg.square().clamp(min=self.min_reg**2)

    def _data_term(
        self, kernels: Tensor, samples: Tensor, boxes_xywh: Tensor, weights: Tensor | None
    ) -> Callable[[Tensor], QuadraticModel]:
        side = kernels.shape[-2]
        size_hw = score_size(samples.shape[2], samples.shape[3], side)
        if weights is None:
            weights = samples.new_full(samples.shape[:2], 1 / samples.shape[1])
        return self.data_term(boxes_xywh.to(samples), size_hw, side, weights)


def _squares(values: Tensor) -> Tensor:
    """(B,) sums of squares of each sequence."""
    return values.square().sum((1, 2, 3))


class GaussNewtonDescent(SteepestDescent):
    """DiMP's: squared errors of scores, with a learned label, weight and kind of error at each distance.

    An error counts as |w (a(s) - y)|^2 with a(s) = (1 - m)/2 |s| + (1 + m)/2 s: where the mask m is 1 that is least
    squares, where it is 0 a hinge, for which scores below 0 are right enough. Label y, mask m and weight v depend on
    the distance to the target; w = sqrt(sample weight) v.

    Args:
        init_gauss_sigma: of the label at first, cells.
        num_dist_bins, bin_displacement: at how many distances the three are given, and their distance, cells.
        mask_init: height of the mask at first, before its activation.
        mask_act: `sigmoid` or `linear`.
        learn_label, learn_mask, learn_weight: False for a Gaussian, for 1 where it is above `hinge`, and for 1.
        common: arguments of `SteepestDescent`.
    """

    hinge = 0.05

    def __init__(
        self,
        *,
        init_gauss_sigma: float = 0.9,
        num_dist_bins: int = 100,
        bin_displacement: float = 0.1,
        mask_init: float = 3.0,
        mask_act: str = "sigmoid",
        learn_label: bool = True,
        learn_mask: bool = True,
        learn_weight: bool = True,
        **common: float,
    ) -> None:
        super().__init__(**common)  # type: ignore[arg-type]
        if mask_act not in ("sigmoid", "linear"):
            raise ValueError(f"mask_act is '{mask_act}'; expected sigmoid or linear")
        if num_dist_bins < 2 or bin_displacement <= 0:
            raise ValueError(f"{num_dist_bins} num_dist_bins of {bin_displacement} do not span any distance")
        self.sigma, self.displacement, self.mask_act = init_gauss_sigma, bin_displacement, mask_act
        distances = torch.arange(num_dist_bins) * bin_displacement
        gauss = torch.exp(-distances.square() / (2 * init_gauss_sigma**2))
        mask = mask_init * torch.tanh(2 - distances) + (0.5 if mask_act == "linear" else 0)
        # Convolutions that are never run: they give the curves the names and shapes of published snapshots.
        if learn_label:
            self.label_map_predictor = _curve(gauss - gauss.min())
        if learn_mask:
            self.target_mask_predictor = nn.Sequential(_curve(mask))
        if learn_weight:
            self.spatial_weight_predictor = _curve(torch.ones(num_dist_bins))

    def maps(self, boxes_xywh: Tensor, size_hw: tuple[int, int], side: int) -> tuple[Tensor, Tensor, Tensor]:
        """Label, mask (activated) and spatial weight, each (..., h, w), of targets `boxes_xywh` (..., 4)."""
        distances = center_distances(boxes_xywh, size_hw, self.stride, side, self.offset)
        learned = {name: conv.weight for name, conv in self.named_modules() if isinstance(conv, nn.Conv2d)}
        values = dict.fromkeys(learned, distances)
        if learned:
            curves = torch.cat([weight.reshape(1, -1) for weight in learned.values()]).to(distances)
            values = dict(zip(learned, radial_maps(distances, curves, self.displacement), strict=True))
        label = values.get("label_map_predictor")
        if label is None:
            label = torch.exp(-distances.square() / (2 * self.sigma**2))
        mask = values.get("target_mask_predictor.0")
        if mask is None:
            mask = (label > self.hinge).to(label)
        elif self.mask_act == "sigmoid":
            mask = mask.sigmoid()
        return label, mask, values.get("spatial_weight_predictor", torch.ones_like(label))

    def data_term(
        self, boxes_xywh: Tensor, size_hw: tuple[int, int], side: int, weights: Tensor
    ) -> Callable[[Tensor], QuadraticModel]:
        label, mask, spatial = self.maps(boxes_xywh, size_hw, side)
        weight = weights.sqrt()[..., None, None] * spatial
        of_size, of_value = (1 - mask) / 2, (1 + mask) / 2

        def model(scores: Tensor) -> QuadraticModel:
            residual = weight * (of_size * scores.abs() + of_value * scores - label)
            slope = weight * (of_size * scores.sign() + of_value)
            return QuadraticModel(_squares(residual), slope * residual, lambda along: _squares(slope * along))

        return model


def _curve(values: Tensor) -> nn.Conv2d:
    """(1, N, 1, 1) weights that are the values of a curve."""
    conv = nn.Conv2d(len(values), 1, 1, bias=False)
    with torch.no_grad():
        conv.weight.copy_(values.reshape(1, -1, 1, 1))
    return conv


def log_mass(scores: Tensor, nowhere: float | None) -> Tensor:
    """(...) logarithm of the sum of exp over the map (..., h, w), and exp(nowhere) more where that is given."""
    flat = scores.flatten(-2)
    return (flat if nowhere is None else F.pad(flat, (0, 1), value=nowhere)).logsumexp(-1)


class NewtonDescent(SteepestDescent):
    """PrDiMP's: the scores, through a softmax, are a density over places; its divergence from the wanted one counts.

    Args:
        gauss_sigma: standard deviation of the wanted density, cells.
        normalize_label: scale it to sum to 1 over the map.
        label_threshold: values below become 0.
        label_shrink: share of the density that is taken away: a target may be absent.
        uniform_weight: share of the density that is spread evenly.
        softmax_reg: logarithm of the mass of "nowhere" beside the scores; None for no such place.
        common: arguments of `SteepestDescent`.
    """

    def __init__(
        self,
        *,
        gauss_sigma: float = 0.9,
        normalize_label: bool = True,
        label_threshold: float = 0.0,
        label_shrink: float = 0.0,
        uniform_weight: float = 0.0,
        softmax_reg: float | None = None,
        **common: float,
    ) -> None:
        super().__init__(**common)  # type: ignore[arg-type]
        self.sigma, self.normalize_label, self.softmax_reg = gauss_sigma, normalize_label, softmax_reg
        self.label_threshold, self.label_shrink = label_threshold, label_shrink
        self.uniform_weight = uniform_weight

    def density(self, boxes_xywh: Tensor, size_hw: tuple[int, int], side: int) -> Tensor:
        """(..., h, w) wanted densities of targets `boxes_xywh` (..., 4)."""
        profiles = [
            torch.exp(-offset.square() / (2 * self.sigma**2))
            for offset in grid_offsets(boxes_xywh, size_hw, self.stride, side, self.offset)
        ]
        gauss = profiles[0][..., None] * profiles[1][..., None, :] / (2 * math.pi * self.sigma**2)
        gauss = F.threshold(gauss, self.label_threshold, 0.0)
        if self.normalize_label:
            gauss = gauss / (gauss.sum((-2, -1), keepdim=True) + SMALLEST)
        even = self.uniform_weight / math.prod(size_hw)
        return (1 - self.label_shrink) * ((1 - self.uniform_weight) * gauss + even)

    def data_term(
        self, boxes_xywh: Tensor, size_hw: tuple[int, int], side: int, weights: Tensor
    ) -> Callable[[Tensor], QuadraticModel]:
        wanted, weights = self.density(boxes_xywh, size_hw, side), weights[..., None, None]

        def model(scores: Tensor) -> QuadraticModel:
            mass = log_mass(scores, self.softmax_reg)
            found = (scores - mass[..., None, None]).exp()

            def curvature(along: Tensor) -> Tensor:
                mean = (found * along).sum((-2, -1), keepdim=True)
                variance = (found * along.square()).sum((-2, -1), keepdim=True) - mean.square()
                return (weights * variance.clamp(min=0)).sum((1, 2, 3))

            divergence = mass - (wanted * scores).sum((-2, -1))
            loss = 2 * (weights[..., 0, 0] * divergence).sum(1)
            return QuadraticModel(loss, weights * (found - wanted), curvature)

        return model
