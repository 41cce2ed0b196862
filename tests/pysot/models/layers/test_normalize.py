"""Normalized images and feature maps have the mean and the power they should."""

from __future__ import annotations

import torch

from pysot.models.layers.normalize import InstanceL2Norm, normalize_imagenet, normalize_power


def test_images_are_taken_as_bgr_bytes() -> None:
    image = torch.rand(2, 3, 5, 4, dtype=torch.float64) * 255
    red = (image[:, 2] / 255 - 0.485) / 0.229
    blue = (image[:, 0] / 255 - 0.406) / 0.225
    out = normalize_imagenet(image)
    torch.testing.assert_close(out[:, 0], red, atol=1e-13, rtol=0)
    torch.testing.assert_close(out[:, 2], blue, atol=1e-13, rtol=0)


def test_classifier_features_have_unit_power() -> None:
    features = (
        torch.randn(3, 5, 4, 4, generator=torch.Generator().manual_seed(0))
        * torch.tensor([0.01, 1, 300])[:, None, None, None]
    )
    torch.testing.assert_close(normalize_power(features).square().mean((1, 2, 3)), torch.ones(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(normalize_power(features, 1).abs().mean((1, 2, 3)), torch.ones(3), atol=1e-4, rtol=0)
    assert normalize_power(torch.zeros(1, 2, 3, 3)).abs().max() == 0


def test_instance_norm_fixes_the_power_of_each_sample() -> None:
    features = torch.randn(3, 4, 5, 6) * torch.tensor([0.1, 1, 50])[:, None, None, None]
    power = InstanceL2Norm(0.25)(features).square().mean((1, 2, 3))
    torch.testing.assert_close(power, torch.full((3,), 0.0625), rtol=1e-3, atol=0)
    assert InstanceL2Norm(0.25)(torch.zeros(1, 2, 3, 3)).abs().max() == 0
