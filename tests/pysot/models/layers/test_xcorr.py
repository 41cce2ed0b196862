"""The three correlations equal plain loops."""

from __future__ import annotations

import pytest
import torch

from pysot.models.layers.xcorr import xcorr_depthwise, xcorr_pixelwise, xcorr_up_channel


def loop_correlation(search: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Depth-wise correlation, one window at a time."""
    side = search.shape[-1] - kernel.shape[-1] + 1
    out = torch.empty(*search.shape[:2], side, side)
    for row in range(side):
        for column in range(side):
            window = search[:, :, row : row + kernel.shape[-1], column : column + kernel.shape[-1]]
            out[:, :, row, column] = (window * kernel).sum((2, 3))
    return out


@pytest.mark.parametrize("batch", [1, 3])
def test_correlations_equal_plain_loops(batch: int) -> None:
    generator = torch.Generator().manual_seed(batch)
    search = torch.randn(batch, 4, 9, 9, generator=generator)
    kernel = torch.randn(batch, 4, 3, 3, generator=generator)
    expected = loop_correlation(search, kernel)
    torch.testing.assert_close(xcorr_depthwise(search, kernel), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        xcorr_depthwise(search, kernel, padding=1)[:, :, 1:-1, 1:-1], expected, atol=1e-5, rtol=1e-5
    )
    bank = torch.randn(batch, 2 * 4, 3, 3, generator=generator)
    up = xcorr_up_channel(search, bank)
    for k in range(2):
        one = loop_correlation(search, bank[:, 4 * k : 4 * k + 4]).sum(1)
        torch.testing.assert_close(up[:, k], one, atol=1e-5, rtol=1e-5)
    pixel = xcorr_pixelwise(search, kernel)
    assert pixel.shape == (batch, 9, 9, 9)
    expected_pixel = (search[:, :, 2, 5] * kernel[:, :, 1, 2]).sum(1)
    torch.testing.assert_close(pixel[:, 1 * 3 + 2, 2, 5], expected_pixel, atol=1e-5, rtol=1e-5)
