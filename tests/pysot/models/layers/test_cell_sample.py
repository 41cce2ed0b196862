"""Points of a shared map lie where the cells of single crops would."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pysot.models.layers.cell_sample import sample_cells


def test_points_between_cells_by_grid_of_values() -> None:
    """On a map that is linear in x and y, bilinear samples are exact."""
    y, x = torch.meshgrid(torch.arange(9.0), torch.arange(11.0), indexing="ij")
    sampled = sample_cells((10 * y + x)[None, None], torch.tensor([[[5.0, 4.0]]]), torch.tensor([[[1.5, 0.5]]]), 3)
    expected = [[10 * (4 + 0.5 * i) + 5 + 1.5 * j for j in (-1, 0, 1)] for i in (-1, 0, 1)]
    assert sampled[0, 0, 0].tolist() == pytest.approx(np.array(expected))
