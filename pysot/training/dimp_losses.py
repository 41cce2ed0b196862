"""What DiMP and PrDiMP minimise (Bhat et al., ICCV 2019; Danelljan et al., CVPR 2020; specs/dimp.md sections 3 and 5).

Score maps are (..., H, W); cell (i, j) looks at the place (j + offset, i + offset) * stride in the crop. Losses are
returned as sums with the counts that make them means (`Mean`), in float32.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from pysot.training.losses import Mean


def gaussian_scores(
    boxes_xywh: Tensor, size_hw: tuple[int, int], stride: float, sigma: float, offset: float = 0.0
) -> Tensor:
    """(..., H, W) Gaussians of height 1 at the centres of the boxes.

    Args:
        boxes_xywh: (..., 4) crop pixels.
        size_hw: of the score maps.
        stride: crop pixels per cell.
        sigma: standard deviation, cells.
        offset: 0 where cells look at corners of the features' cells (even filters), 0.5 at their centres (odd ones).
    """
    center = (boxes_xywh[..., :2] + boxes_xywh[..., 2:] / 2) / stride - offset
    rows, columns = (torch.arange(size, device=center.device, dtype=center.dtype) for size in size_hw)
    vertical = (rows - center[..., 1:]).square()[..., :, None]
    horizontal = (columns - center[..., :1]).square()[..., None, :]
    return torch.exp(-(vertical + horizontal) / (2 * sigma**2))


def hinge_loss(scores: Tensor, labels: Tensor, threshold: float = 0.05) -> Mean:
    """Squared error where the label is `threshold` or more; elsewhere scores below zero cost nothing, those above are
    drawn to zero.
    """
    scores, labels = scores.float(), labels.float()
    background = labels < threshold
    error = torch.where(background, F.relu(scores), scores) - labels.masked_fill(background, 0.0)
    return _mean(error.square())


def grid_kl_loss(scores: Tensor, labels: Tensor) -> Mean:
    """Kullback-Leibler divergence, up to a constant, from the density that `labels` (any non-negative maps, normalised
    here) give over the cells to the softmax of the scores; mean over maps. A map without any label counts nothing.
    """
    scores, labels = scores.float().flatten(-2), labels.float().flatten(-2)
    total = labels.sum(-1, keepdim=True)
    density = labels / total.clamp(min=1e-12)
    cost = scores.logsumexp(-1) - (scores * density).sum(-1)
    seen = total[..., 0] > 0
    return Mean((cost * seen).sum(), seen.sum())


def box_kl_loss(rates: Tensor, log_proposal: Tensor, log_target: Tensor) -> Mean:
    """The same over boxes, by importance sampling: the density is exp(rates), normalised.

    Args:
        rates: (..., N) outputs of the box head for N boxes drawn with log-density `log_proposal`.
        log_target: (..., N) log-density of these boxes that is to be learned.
    """
    rates = rates.float()
    normaliser = (rates - log_proposal).logsumexp(-1) - math.log(rates.shape[-1])
    return _mean(normaliser - (rates * (log_target - log_proposal).exp()).mean(-1))


def _mean(values: Tensor) -> Mean:
    return Mean(values.sum(), torch.tensor(values.numel(), device=values.device))
