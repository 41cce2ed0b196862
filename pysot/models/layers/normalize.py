"""Scaling of images and feature maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn

RGB_MEAN, RGB_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet, for values in 0..1."""


def normalize_imagenet(image: Tensor) -> Tensor:
    """(B, 3, H, W) BGR in 0..255 to RGB of ImageNet's mean 0 and standard deviation 1, in the image's precision."""
    planes = [
        image[:, 2 - channel] * (1 / (255 * std)) - mean / std
        for channel, (mean, std) in enumerate(zip(RGB_MEAN, RGB_STD, strict=True))
    ]
    return torch.stack(planes, dim=1)


def normalize_power(features: Tensor, power: float = 2.0) -> Tensor:
    """(B, C, H, W) with each sample divided by its absolute values' power mean (docs/systems/atom.md, Backbone)."""
    mean = features.abs().pow(power).mean((1, 2, 3), keepdim=True)
    return features / torch.pow(mean + 1e-10, 1 / power)


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
