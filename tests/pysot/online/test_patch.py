"""Coordinates of a patch, and its pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pysot.core.crop import SampledPatch
from pysot.online.patch import PatchView, resize_patch


def test_boxes_there_and_back() -> None:
    view = PatchView((100.0, 60.0), 2.0, 288)
    x, y, width, height = view.box_in_patch((110.0, 50.0), (40.0, 20.0))
    assert (width, height) == (20, 10)
    assert (x + (width - 1) / 2, y + (height - 1) / 2) == (143.5 + 5, 143.5 - 5)
    center, size = view.box_in_image((x, y, width, height))
    assert size == (40, 20) and center == pytest.approx((110 + 1, 50 + 1))  # half a patch pixel, as published


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_resized_patch_is_channels_last_and_interpolated(dtype: torch.dtype) -> None:
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[:, 1] = (100, 50, 10)
    out = resize_patch(SampledPatch(pixels, (0, 0, 2, 2)), 4, torch.zeros(1, dtype=dtype))
    assert out.shape == (1, 3, 4, 4) and out.dtype == dtype
    assert out.is_contiguous(memory_format=torch.channels_last)
    assert out[0, 0, 0].tolist() == [0, 25, 75, 100] and out[0, 2, 3].tolist() == [0, 2.5, 7.5, 10]
