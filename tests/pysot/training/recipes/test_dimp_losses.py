"""DiMP's and PrDiMP's losses against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pysot.datasets.proposals import DensityProposals
from pysot.training.recipes.dimp import box_kl_loss, gaussian_scores, grid_kl_loss, hinge_loss


def test_wanted_scores_have_their_peak_at_the_target() -> None:
    """The crop's center is cell 9 of 19; a target 16 pixels right and 32 below it is one column and two rows on."""
    boxes = torch.tensor([[124.0, 134.0, 40.0, 20.0], [140.0, 166.0, 40.0, 20.0]])
    maps = gaussian_scores(boxes, (19, 19), stride=16, sigma=0.9)
    assert [divmod(int(one.argmax()), 19) for one in maps] == [(9, 9), (11, 10)]
    assert float(maps[0, 9, 9]) == 1.0
    assert float(maps[0, 9, 10]) == pytest.approx(np.exp(-1 / (2 * 0.81)))


def test_odd_filters_look_at_the_centers_of_cells() -> None:
    maps = gaussian_scores(torch.tensor([132.0, 132.0, 40.0, 40.0]), (18, 18), stride=16, sigma=0.9, offset=0.5)
    assert divmod(int(maps.argmax()), 18) == (9, 9)  # pixel 152 is the center of cell 9
    assert float(maps.max()) == 1.0


def test_hinge_costs_what_it_says() -> None:
    scores = torch.tensor([0.5, -3.0, 0.2, -0.4])
    labels = torch.tensor([0.8, 0.01, 0.04, 0.9])
    expected = (0.3**2 + 0 + 0.2**2 + 1.3**2) / 4
    assert float(hinge_loss(scores, labels).value()) == pytest.approx(expected)


def test_grid_loss_is_torchs_divergence() -> None:
    torch.manual_seed(0)
    scores, labels = torch.randn(3, 2, 5, 5), torch.rand(3, 2, 5, 5)
    density = (labels / labels.sum((-1, -2), keepdim=True)).flatten(-2).flatten(0, 1)
    divergence = F.kl_div(scores.flatten(-2).flatten(0, 1).log_softmax(-1), density, reduction="batchmean")
    entropy = -(density * density.log()).sum(-1).mean()
    torch.testing.assert_close(grid_kl_loss(scores, labels).value(), divergence + entropy)


def test_a_frame_without_a_label_counts_nothing() -> None:
    scores, labels = torch.randn(2, 5, 5), torch.zeros(2, 5, 5)
    labels[0, 2, 2] = 1
    torch.testing.assert_close(grid_kl_loss(scores, labels).value(), grid_kl_loss(scores[:1], labels[:1]).value())


def test_box_loss_is_least_at_the_target_density() -> None:
    made = DensityProposals(count=4096)(np.array([50.0, 60.0, 30.0, 40.0]), np.random.default_rng(0))
    proposal, target = (torch.from_numpy(made[key])[None] for key in ("log_proposal", "log_target"))

    def loss(rates: torch.Tensor) -> float:
        return float(box_kl_loss(rates, proposal, target).value())

    best = loss(target)
    assert loss(target + 3.7) == pytest.approx(best, abs=0.2)  # a constant changes nothing but sampling noise
    assert loss(target * 0.5) > best + 0.1
    assert loss(target * 1.5) > best + 0.1
    assert loss(torch.zeros_like(target)) > best + 1
    entropy = 2 * (1 + np.log(2 * np.pi * 0.05**2))  # of four independent normal numbers
    assert best == pytest.approx(entropy, abs=0.3)
