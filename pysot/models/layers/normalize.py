"""Scaling of feature maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPSILON = 1e-10


def normalize_power(features: Tensor, power: float = 2.0) -> Tensor:
    """(B, C, H, W) with each sample divided by its absolute values' power mean (docs/systems/atom.md, Backbone)."""
    mean = features.abs().pow(power).mean((1, 2, 3), keepdim=True)
    return features / torch.pow(mean + EPSILON, 1 / power)


class InstanceL2Norm(nn.Module):
    """Scales each sample so that the mean of its squared values is `scale` ** 2 (docs/systems/dimp.md, Network)."""

    epsilon = 1e-5

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape; zeros stay zeros."""
        power = features.square().sum((1, 2, 3), keepdim=True)
        return features * (self.scale * (features[0].numel() / (power + self.epsilon)).sqrt())
