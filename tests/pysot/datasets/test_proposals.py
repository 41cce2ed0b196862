"""Boxes around a target: their overlaps are true, their spread is as asked."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box as rectangle

from pysot.datasets.proposals import DensityProposals, OverlapProposals

TARGET = np.array([100.0, 90.0, 60.0, 80.0])


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    shapes = [rectangle(x, y, x + width, y + height) for x, y, width, height in (first, second)]
    return float(shapes[0].intersection(shapes[1]).area / shapes[0].union(shapes[1]).area)


def test_labels_are_the_overlaps() -> None:
    made = OverlapProposals(count=200)(TARGET, np.random.default_rng(1))
    boxes, labels = made["proposals"], made["overlaps"]
    assert boxes.shape == (200, 4) and labels.shape == (200,) and boxes.dtype == labels.dtype == np.float32
    np.testing.assert_array_equal(boxes, boxes.round())
    expected = [2 * overlap(box, TARGET) - 1 for box in boxes.astype(np.float64)]
    np.testing.assert_allclose(labels, expected, atol=1e-6)
    assert labels.min() > 2 * 0.1 - 1
    assert labels.min() < -0.3 and labels.max() > 0.8  # bad boxes as well as good ones


def test_spread_is_in_target_sizes() -> None:
    made = OverlapProposals(count=4000, min_iou=-1.0, sigmas=(0.1,))(TARGET, np.random.default_rng(2))
    boxes = made["proposals"]
    spread = 0.1 * np.sqrt(60 * 80)
    centers = boxes[:, :2] + boxes[:, 2:] / 2 - [130, 130]
    np.testing.assert_allclose(boxes[:, 2:].std(0), spread, rtol=0.06)
    np.testing.assert_allclose(centers.std(0), spread, rtol=0.06)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.01, 500), st.floats(0.01, 500), st.integers(0, 99))
def test_any_target_gets_its_boxes(width: float, height: float, seed: int) -> None:
    made = OverlapProposals(count=8)(np.array([10.0, 20.0, width, height]), np.random.default_rng(seed))
    assert np.isfinite(made["proposals"]).all()
    assert (made["overlaps"] >= -1).all() and (made["overlaps"] <= 1).all()


def test_densities_are_those_of_the_boxes() -> None:
    """Recomputed from the boxes themselves with torch's distributions."""
    made = DensityProposals(count=300)(TARGET, np.random.default_rng(4))
    boxes = torch.from_numpy(made["proposals"]).double()
    target = torch.from_numpy(TARGET)
    shift = (boxes[:, :2] + boxes[:, 2:] / 2 - target[:2] - target[2:] / 2) / target[2:]
    change = torch.cat([shift, (boxes[:, 2:] / target[2:]).log()], dim=1)
    sigmas = torch.tensor([[0.05], [0.5]], dtype=torch.float64).expand(2, 4)
    parts = torch.distributions.Independent(torch.distributions.Normal(torch.zeros_like(sigmas), sigmas), 1)
    mixture = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(torch.ones(2)), parts)
    np.testing.assert_allclose(made["log_proposal"], mixture.log_prob(change), atol=2e-4)
    narrow = torch.distributions.Normal(0.0, 0.05).log_prob(change).sum(1)
    np.testing.assert_allclose(made["log_target"], narrow, atol=2e-2)  # float32 boxes, divided by .05 squared


def test_importance_weights_average_to_one() -> None:
    made = DensityProposals(count=20000)(TARGET, np.random.default_rng(5))
    assert abs(np.exp(made["log_target"] - made["log_proposal"]).mean() - 1) < 0.03
