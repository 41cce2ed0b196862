"""Maps become levels and pictures of the frame's size: gray where nothing is, color where something is."""

from __future__ import annotations

import numpy as np

from toolkit.visualization import overlay_heatmap, to_gray_levels


def test_levels_go_from_0_to_255_and_clip() -> None:
    levels = to_gray_levels(np.array([-1.0, 0.0, 0.5, 1.0, 2.0]))
    assert levels.dtype == np.uint8
    assert levels.tolist() == [0, 0, 128, 255, 255]


def test_an_overlay_is_gray_where_the_map_is_0_and_colored_where_it_is_not() -> None:
    image = np.random.default_rng(0).integers(0, 255, (60, 80, 3)).astype(np.uint8)
    attention = np.zeros((6, 8))
    attention[:, 4:] = 1.0
    before = image.copy()
    picture = overlay_heatmap(image, attention)
    assert picture.shape == image.shape
    assert picture.dtype == np.uint8
    left, right = picture[:, :30].astype(int), picture[:, 50:].astype(int)
    assert np.ptp(left, axis=2).max() == 0
    assert (right[..., 2] - right[..., 0]).min() > 0  # the warmest color is a red
    assert (image == before).all()
