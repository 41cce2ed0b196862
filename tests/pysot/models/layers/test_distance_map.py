"""Maps of the distance from a target, along learned curves."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pysot.models.layers.distance_map import center_distances, radial_maps


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 40), min_size=1, max_size=20))
def test_bins_of_a_distance_sum_to_one(distances: list[float]) -> None:
    values = torch.tensor(distances, dtype=torch.float64)
    bins = radial_maps(values, torch.eye(100, dtype=torch.float64), 0.1)
    torch.testing.assert_close(bins.sum(0), torch.ones(len(values)).double())
    place = values / 0.1
    numbers = torch.arange(99, dtype=torch.float64)[:, None]
    torch.testing.assert_close(bins[:-1], (1 - (place - numbers).abs()).clamp(min=0), atol=1e-9, rtol=0)
    torch.testing.assert_close(bins[-1], (1 + place - 99).clamp(0, 1), atol=1e-9, rtol=0)


def test_curves_are_learned_as_a_convolution_over_bins_would_be() -> None:
    distances = 5 * torch.rand(2, 3, 4, dtype=torch.float64)
    curves = torch.rand(2, 20, dtype=torch.float64, requires_grad=True)
    bins = radial_maps(distances, torch.eye(20, dtype=torch.float64), 0.25).movedim(0, 1)
    expected = F.conv2d(bins, curves[..., None, None]).movedim(1, 0)
    found = radial_maps(distances, curves, 0.25)
    torch.testing.assert_close(found, expected)
    outer = torch.rand_like(found)
    gradients = (torch.autograd.grad(values, curves, outer)[0] for values in (found, expected))
    torch.testing.assert_close(*gradients)


def test_distances_are_counted_from_the_middle_of_the_box() -> None:
    box = torch.tensor([[32.0, 40, 32, 16]])
    even, odd = (center_distances(box, (7, 7), 16, side)[0] for side in (4, 3))
    assert even[3, 3] == 0 and even[3, 5] == 2 and even[0, 3] == 3 and float(even[6, 7 - 1]) == pytest.approx(18**0.5)
    assert float(odd[2, 2]) == pytest.approx(0.5**0.5) and float(odd[3, 3]) == pytest.approx(0.5**0.5)
