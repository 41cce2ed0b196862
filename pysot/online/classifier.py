"""ATOM's target classifier as least-squares problems (CVPR 2019, section 3.2; docs/systems/atom.md, Online
classifier).

The classifier is two convolutions with nothing between them, so it is one filter F = w P: a k x k filter `w` over K
channels, on a 1x1 projection `P` from C to K. The loss over samples x_j with labels y_j and weights g_j is

    sum_j g_j |phi(x_j * F) - y_j|^2 + filter_reg |w|^2 + projection_reg |P|^2

and, with D = phi'(x * F), every Jacobian product has a closed form: J d = sqrt(g) D (x * dF) with dF = dw P + w dP. All
of it happens in the k * k * C numbers of F: a product costs two passes over the samples, whatever K is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pysot.core.checks import check_choice
from pysot.models.layers.filter import correlate, correlate_transpose
from pysot.online.gauss_newton import NormalEquations


@dataclass(frozen=True)
class Response:
    """What follows the filter. `mlu` is x above 0 and parameter * (exp(x / parameter) - 1) below, with slope 1 on both
    sides of 0: it makes easy negatives cost almost nothing. `none` is the identity.
    """

    kind: str = "mlu"
    parameter: float = 0.05

    def __post_init__(self) -> None:
        check_choice("TRACK.ONLINE.RESPONSE_ACT", self.kind, ("mlu", "none"))

    def value(self, scores: Tensor) -> Tensor:
        """phi(scores)."""
        if self.kind == "none":
            return scores
        return torch.where(scores > 0, scores, self.parameter * torch.expm1(scores / self.parameter))

    def value_and_slope(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """phi(scores) and its derivative."""
        if self.kind == "none":
            return scores, torch.ones_like(scores)
        slope = torch.exp(scores.clamp(max=0) / self.parameter)
        return torch.where(scores > 0, scores, self.parameter * (slope - 1)), slope


def same_scores(samples: Tensor, kernel: Tensor) -> Tensor:
    """(N, H, W) scores of a filter (k, k, C) on samples (N, H, W, C), as large as these."""
    return correlate(samples, kernel)[:, : samples.shape[1], : samples.shape[2]]


class WeightedResponses:
    """The data term as a function of the whole filter F, (k, k, C).

    Args:
        samples: (N, H, W, C).
        labels: (N, H, W) wanted responses.
        weights: (N,) sample weights.
        response: what follows the filter.
    """

    def __init__(self, samples: Tensor, labels: Tensor, weights: Tensor, response: Response) -> None:
        self.samples, self.labels, self.weights = samples, labels, weights[:, None, None]
        self.response = response

    def linearize(self, kernel: Tensor) -> tuple[float, Tensor, Tensor]:
        """The data loss, half its gradient (k, k, C), and the curvature g_j D^2 (N, H, W) for `normal_product`."""
        value, slope = self.response.value_and_slope(same_scores(self.samples, kernel))
        error = value - self.labels
        weighted = self.weights * error
        gradient = correlate_transpose(self.samples, weighted * slope, kernel.shape[0])
        return float((weighted * error).sum()), gradient, self.weights * slope * slope

    def normal_product(self, direction: Tensor, curvature: Tensor) -> Tensor:
        """(k, k, C): X^T (curvature (X direction))."""
        scores = same_scores(self.samples, direction).mul_(curvature)
        return correlate_transpose(self.samples, scores, direction.shape[0])


class FilterProblem:
    """Learns the filter w alone, on projected samples. Unknowns: (k * k * K,), channels last.

    Args:
        data: the data term over samples of K channels.
        side: k.
        regularization: filter_reg.
    """

    def __init__(self, data: WeightedResponses, side: int, regularization: float) -> None:
        self.data, self.side, self.regularization = data, side, regularization

    def linearize(self, unknowns: Tensor) -> NormalEquations:
        shape = (self.side, self.side, -1)
        loss, gradient, curvature = self.data.linearize(unknowns.reshape(shape))

        def product(p: Tensor) -> Tensor:
            return self.data.normal_product(p.reshape(shape), curvature).reshape(-1) + self.regularization * p

        loss += self.regularization * float(unknowns.dot(unknowns))
        return NormalEquations(loss, -(gradient.reshape(-1) + self.regularization * unknowns), product)


class JointProblem:
    """Learns filter and projection together. Unknowns: w (k, k, K), then P (K, C), flat (`pack`).

    Args:
        data: the data term over samples of C channels.
        side: k.
        channels: (C, K) before and after the projection.
        filter_reg, projection_reg: also the diagonal preconditioner, block by block, as published.
    """

    def __init__(
        self, data: WeightedResponses, side: int, channels: tuple[int, int], *, filter_reg: float, projection_reg: float
    ) -> None:
        self.data, self.side = data, side
        self.channels_in, self.channels = channels
        self.filter_reg, self.projection_reg = filter_reg, projection_reg

    @staticmethod
    def pack(kernel: Tensor, projection: Tensor) -> Tensor:
        """One flat vector of w (k, k, K) and P (K, C)."""
        return torch.cat([kernel.reshape(-1), projection.reshape(-1)])

    def unpack(self, unknowns: Tensor) -> tuple[Tensor, Tensor]:
        """w as (k * k, K) and P as (K, C), views of the flat vector."""
        taps = self.side**2
        kernel, projection = unknowns.split([taps * self.channels, self.channels * self.channels_in])
        return kernel.view(taps, self.channels), projection.view(self.channels, self.channels_in)

    def linearize(self, unknowns: Tensor) -> NormalEquations:
        kernel, projection = self.unpack(unknowns)
        loss, gradient, curvature = self.data.linearize(self._whole(kernel @ projection))
        diagonal = torch.ones_like(unknowns)
        for part, factor in zip(self.unpack(diagonal), (self.filter_reg, self.projection_reg), strict=True):
            part.mul_(factor)

        def pull_back(whole: Tensor) -> Tensor:
            """The transpose of (dw, dP) -> dF."""
            taps = whole.reshape(len(kernel), -1)
            return self.pack(taps @ projection.t(), kernel.t() @ taps)

        def product(p: Tensor) -> Tensor:
            d_kernel, d_projection = self.unpack(p)
            whole = self._whole(torch.addmm(d_kernel @ projection, kernel, d_projection))
            return pull_back(self.data.normal_product(whole, curvature)) + p * diagonal

        loss += float(unknowns.square().dot(diagonal))
        return NormalEquations(loss, -(pull_back(gradient) + unknowns * diagonal), product, diagonal)

    def _whole(self, taps: Tensor) -> Tensor:
        return taps.reshape(self.side, self.side, self.channels_in)


def gaussian_label(size_hw: tuple[int, int], center_yx: tuple[float, float], sigma: float) -> Tensor:
    """(h, w) float64 Gaussian with peak 1 on a grid of cells whose middle has the coordinates 0.

    Args:
        center_yx: of the target, cells from the middle of the grid.
        sigma: standard deviation, cells.
    """
    profiles = []
    for size, center in zip(size_hw, center_yx, strict=True):
        cells = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
        profiles.append(torch.exp(-((cells - center) ** 2) / (2 * sigma**2)))
    return torch.outer(*profiles)


def random_classifier(
    rng: np.random.Generator, side: int, channels: tuple[int, int], like: Tensor
) -> tuple[Tensor, Tensor]:
    """w (k, k, K) of standard deviation 1 / its size and P (K, C) of 1 / sqrt(C), in the form of `like`."""
    channels_in, count = channels
    kernel = rng.standard_normal((side, side, count)) / (side * side * count)
    projection = rng.standard_normal((count, channels_in)) / math.sqrt(channels_in)
    return torch.from_numpy(kernel).to(like), torch.from_numpy(projection).to(like)
