"""Which channels tell the target's scale: a ranking loss over one template at many sizes (TADT, CVPR 2019, section 3.2;
docs/systems/tadt.md, Ranking loss).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SMALLEST_MAP = 3
"""Cells a map is reduced to at most: of one or two cells no middle is left."""


def scale_samples(features: Tensor, template_hw: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The target as it would look smaller and larger.

    The map is resized by two cells at a time, as often up as down, while it still holds the template, and the middle
    is cut out.

    Args:
        features: (C, H, W), the target in the middle.
        template_hw: cells of the cut-out, at most H and W, odd where these are odd.

    Returns:
        (S, C, h, w) samples and their (S,) ratios to the true size, increasing, 1 in the middle.
    """
    height, width = features.shape[1:]
    rows, columns = min(template_hw[0], height), min(template_hw[1], width)
    room_x = (width - max(columns, SMALLEST_MAP)) // 2 * height / width
    room = min((height - max(rows, SMALLEST_MAP)) // 2, int(room_x))
    samples, ratios = [], []
    for step in range(-max(room, 0), max(room, 0) + 1):
        resized = (height + 2 * step, width + 2 * round(step * width / height))
        scaled = F.interpolate(features[None], size=resized, mode="bilinear", align_corners=True)
        top, left = (resized[0] - rows) // 2, (resized[1] - columns) // 2
        samples.append(scaled[:, :, top : top + rows, left : left + columns])
        ratios.append(resized[0] / height)
    return torch.cat(samples), torch.tensor(ratios)


def ranked_pairs(ratios: Tensor) -> Tensor:
    """(P, 2) numbers of samples, the better one first: all pairs on the same side of ratio 1."""
    numbers = range(len(ratios))
    off = [float(ratio) - 1 for ratio in ratios]
    pairs = [(i, j) for i in numbers for j in numbers if abs(off[i]) < abs(off[j]) and off[i] * off[j] >= 0]
    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)


def ranking_loss(scores: Tensor, pairs: Tensor) -> Tensor:
    """log(1 + sum over pairs of exp(score of the worse - score of the better)); `scores` (S,), `pairs` (P, 2)."""
    better, worse = scores[pairs.T.to(scores.device)]
    return torch.logsumexp(torch.cat([worse - better, scores.new_zeros(1)]), dim=0)


def scale_importance(features: Tensor, template_hw: tuple[int, int], iters: int) -> Tensor:
    """(C,) sums of the kernel of each channel that ranks the scales of the target in `features` (C, H, W).

    The kernel starts at zero and follows the loss's gradient, so that it is the sum of all gradients: a channel has a
    positive sum when it answers the more, the closer the scale is to the true one. Steps have the length that the
    loss's curvature allows. All zeros where the template is as large as the map, and nothing can be ranked.
    """
    samples, ratios = scale_samples(features, template_hw)
    pairs = ranked_pairs(ratios).to(features.device)
    if len(pairs) == 0:
        return features.new_zeros(len(features))
    flat = samples.flatten(1)
    norms = (flat[pairs[:, 0]] - flat[pairs[:, 1]]).square().sum(1)
    rate = 1 / norms.max().clamp_min(torch.finfo(norms.dtype).tiny)
    with torch.inference_mode(False), torch.enable_grad():
        kernel = torch.zeros_like(flat[0], requires_grad=True)
        for _ in range(iters):
            (gradient,) = torch.autograd.grad(ranking_loss(flat @ kernel, pairs), kernel)
            kernel = (kernel.detach() - rate * gradient).requires_grad_()
    return kernel.detach().reshape(samples.shape[1:]).sum((1, 2))
