"""Scores between cells."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pysot.online.classifier import gaussian_label
from pysot.online.fourier import displacement_window, upsample_scores


def by_transform(scores: Tensor, points: int, kernel_side: int) -> Tensor:
    """The same values by Fourier transforms: the centered spectrum, shifted, padded, transformed back."""
    size = scores.shape[0]
    half = size // 2
    spectrum = torch.fft.fft2(scores) / size**2
    frequencies = torch.arange(-half, half + 1)
    spectrum = spectrum[frequencies[:, None] % size, frequencies[None] % size]
    angle = np.pi * (1 - (kernel_side % 2) / size)
    phase = torch.exp(1j * angle * frequencies.double())
    padded = torch.zeros(points, points, dtype=torch.complex128)
    padded[frequencies[:, None] % points, frequencies[None] % points] = spectrum * phase[:, None] * phase[None]
    return torch.fft.fftshift(torch.fft.ifft2(padded).real * points**2)


@pytest.mark.parametrize(("size", "points", "kernel_side"), [(18, 288, 4), (14, 224, 4), (17, 272, 3), (18, 288, 3)])
def test_equals_the_fourier_transform(size: int, points: int, kernel_side: int) -> None:
    scores = torch.randn(size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(upsample_scores(scores, points, kernel_side), by_transform(scores, points, kernel_side))


@pytest.mark.parametrize("shift", [(0, 0), (3, -2), (-5, 4), (8, -9)])
def test_a_peak_on_a_cell_is_a_displacement_of_whole_strides(shift: tuple[int, int]) -> None:
    impulse = torch.zeros(18, 18)
    impulse[9 + shift[0], 9 + shift[1]] = 1
    smooth = gaussian_label((18, 18), (0.5 + shift[0], 0.5 + shift[1]), 0.9).float()
    for scores in (impulse, smooth):
        found = divmod(int(upsample_scores(scores, 288, 4).argmax()), 288)
        limit = 16 * 8 + 1
        if max(map(abs, shift)) < 8 or scores is impulse:
            assert (found[0] - 144, found[1] - 144) == (16 * shift[0], 16 * shift[1])
        assert max(abs(found[0] - 144), abs(found[1] - 144)) <= limit + 16


def test_band_limited_scores_keep_their_values() -> None:
    label = gaussian_label((18, 18), (0.5, 0.5), 0.9)
    assert float(upsample_scores(label, 288, 4).max()) == pytest.approx(1, abs=0.02)
    assert float(upsample_scores(torch.full((18, 18), 0.3), 288, 4).std()) < 1e-6


def test_window_prefers_the_middle() -> None:
    window = displacement_window(288)
    assert window[144, 144] == 1 == window.max() and window.min() > 0
    assert window[144, 0] == pytest.approx(0.5 * (1 + np.cos(2 * np.pi * 144 / 290)))
    np.testing.assert_allclose(window, window.T)


def test_window_of_an_odd_number_of_cells_is_symmetric() -> None:
    window = displacement_window(19, beyond=1)
    expected = 0.5 * (1 - np.cos(2 * np.pi / 20 * np.arange(1, 20)))
    np.testing.assert_allclose(window, np.outer(expected, expected), atol=1e-12)
    assert window.argmax() == 9 * 19 + 9
