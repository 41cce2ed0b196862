"""Ta-SiamRPN++ keeps the channels that its authors' code keeps (`tests/golden/README.md`)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pysot.config.loading import load_config
from pysot.config.params import params_from_config
from pysot.models.target_aware import SearchView, SelectionParams, make_selector
from tests.golden import recorded

CHANNELS = (512, 1024, 2048)


def made_maps(channels: int, level: int) -> Tensor:
    """Noise that is smooth over three cells, without negative values; in every eighth channel a blob on the target."""
    rng = np.random.default_rng(level)
    noise = rng.standard_normal((channels, 33, 33)).astype(np.float32)
    smooth = sum(noise[:, i : i + 31, j : j + 31] for i in range(3) for j in range(3)) / 3
    y, x = np.mgrid[-15:16, -15:16].astype(np.float32)
    strength = rng.uniform(0, 2, (channels, 1, 1)).astype(np.float32)
    strength *= (np.arange(channels) % 8 == 0)[:, None, None]
    maps = np.maximum(smooth + strength * np.exp(-(x**2 + y**2) / 8), 0)
    return torch.from_numpy(0.1 * maps)[None]


def test_the_released_channels_are_kept() -> None:
    """Every channel of 3,584, and each one's importance to 1e-6 of the largest; two of the three fits end early."""
    params = params_from_config(load_config("tasiamrpn_r50_l234_dwxcorr"), SelectionParams, "TARGET_AWARE")
    selector = make_selector(params, CHANNELS)
    assert selector is not None
    crop = np.zeros((2, 2, 3), np.uint8)
    crop[0] = 255
    maps = [made_maps(count, level) for level, count in enumerate(CHANNELS)]
    selection = selector.choose(SearchView(crop, maps, [(15.0, 15.0)] * 3, 1.0), [(15, 15)] * 3)
    released = recorded("ta_siamrpn.npz")
    for level, (count, chosen) in enumerate(zip(CHANNELS, selection.levels, strict=True)):
        assert chosen is not None
        importance = released[f"importance{level}"]
        np.testing.assert_allclose(chosen.importance, importance, rtol=0, atol=1e-6 * np.abs(importance).max())
        assert np.array_equal(chosen.kept, np.unpackbits(released[f"kept{level}"])[:count])
    assert selection.kept == [300, 1024, 1500]
    assert [level.iterations < 300 for level in selection.levels if level] == [True, True, False]
