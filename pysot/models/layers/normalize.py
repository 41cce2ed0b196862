"""Scaling of feature maps."""

from __future__ import annotations

import torch
from torch import Tensor

EPSILON = 1e-10


def normalize_power(features: Tensor, power: float = 2.0) -> Tensor:
    """(B, C, H, W) with each sample divided by the power mean of its absolute values (specs/atom.md section 2)."""
    mean = features.abs().pow(power).mean((1, 2, 3), keepdim=True)
    return features / torch.pow(mean + EPSILON, 1 / power)
