"""ATOM: the recorded run, and its parameters. What it promises of any input is in test_online.py."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pysot.config.loading import load_config
from pysot.config.params import params_from_config
from pysot.core.errors import ConfigError
from pysot.models.builder import build_model
from pysot.models.meta_arch.atom import AtomNet
from pysot.online.localization import Finding, LocalizationParams, Peak
from pysot.online.patch import PatchView
from pysot.tracker.atom import AtomParams, AtomTracker
from pysot.tracker.base import SearchRegion
from pysot.tracker.builder import build_tracker
from tests.golden.recipe import BAG_BOX, bag_frames, golden_atom

RECORDED_PEAKS = [(-16, -4), (-14, -10), (-4, -11), (-10, -13), (-9, -2), (-11, -2), (-11, -2), (-9, -3), (-8, -2)]
"""Where the reference's classifier found the target, 288ths of the crop right and down of its middle. They were not
recorded, but each box follows from its peak to 1e-12 pixels, and from no other one. The first frame's conjugate
gradient amplifies the rounding of one sum by ten orders of magnitude: no two machines learn the same classifier."""


class RecordedTracker(AtomTracker):
    """Set up as the recorded run: nothing random, a filter of zeros, a fixed projection."""

    def _first_weights(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        projection = (np.random.RandomState(7).standard_normal((64, 256, 1, 1)) / 16).astype(np.float32)
        return samples.new_zeros(4, 4, 64), torch.from_numpy(projection[:, :, 0, 0]).to(samples)


def recorded_params() -> AtomParams:
    params = AtomParams(integer_division=False)
    aug, box = replace(params.aug, random_shift=0.0, dropout_num=0), replace(params.box, num_random=0)
    return replace(params, aug=aug, box=box)


class GivenPeaks(RecordedTracker):
    """Takes its peaks from a list instead of a classifier."""

    def _learn_first(self, *_args: object) -> None:
        self.peaks = iter(RECORDED_PEAKS)

    def _find(self, features: Tensor, view: PatchView, region: SearchRegion) -> tuple[Peak, Tensor]:
        x, y = next(self.peaks)
        return Peak((x * view.scale, y * view.scale), 0.6, Finding.NORMAL), features

    def _update(self, *_args: object) -> None:
        """Learns nothing."""


def test_recorded_boxes_follow_from_the_peaks(shared: Path) -> None:
    params = recorded_params()
    params = replace(params, aug=replace(params.aug, flip=False, rotate=(), blur=(), shift=()))
    tracker = GivenPeaks(golden_atom().double().requires_grad_(False), params)
    recorded = json.loads((shared / "golden" / "pytracking_atom_track.json").read_text())["track_deterministic_float64"]
    frames = bag_frames(shared, 10)
    tracker.init(frames[0], BAG_BOX)
    for frame, expected in zip(frames[1:], recorded["bbox"], strict=True):
        assert tracker.track(frame).box == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
def test_recorded_run(shared: Path) -> None:
    """With the classifier: each frame from the recorded box before it."""
    tracker = RecordedTracker(golden_atom().double().requires_grad_(False), recorded_params())
    recorded = json.loads((shared / "golden" / "pytracking_atom_track.json").read_text())["track_deterministic_float64"]
    frames = bag_frames(shared, 10)
    tracker.init(frames[0], BAG_BOX)
    for frame, box, score, peak in zip(frames[1:], recorded["bbox"], recorded["score"], RECORDED_PEAKS, strict=True):
        candidate = tracker.locate(frame, tracker.search_region())
        view = candidate.view
        found = [(a - b) / view.scale for a, b in zip(candidate.box_cxcywh[:2], view.center_xy, strict=True)]
        assert found == pytest.approx(peak, abs=2.5)
        assert candidate.score == pytest.approx(score, abs=0.05) and candidate.finding is Finding.NORMAL
        x, y, width, height = box
        tracker.center_xy = (x + (width - 1) / 2, y + (height - 1) / 2)
        tracker.size_wh = tracker.search_size_wh = (width, height)


def test_published_experiments() -> None:
    assert params_from_config(load_config("atom_r18"), AtomParams) == AtomParams()
    vot = params_from_config(load_config("atom_r18_vot"), AtomParams)
    assert vot == AtomParams(
        image_sample_size=224,
        search_area_scale=4.0,
        learning_rate=0.0075,
        init_min_weight=0.0,
        window_output=True,
        localization=LocalizationParams(-1.0, 100.0, 0.3, 2.2, 0.7),
    )
    cfg = load_config("atom_r18")
    tracker = build_tracker(cfg, build_model(cfg))
    assert isinstance(tracker, AtomTracker) and isinstance(tracker.model, AtomNet)
    with pytest.raises(ConfigError, match=r"SiamRPNTracker.*IOUNET.*ATOMTracker"):
        load_config("atom_r18", ["TRACK.TYPE", "SiamRPNTracker"])
    with pytest.raises(ConfigError, match=r"MODEL.TYPE is 'siamese'.*iounet"):
        load_config("atom_r18", ["MODEL.TYPE", "siamese"])
    assert load_config("atom_r18", ["TRACK.ONLINE.AUG.ROTATE", "[]"]).TRACK.ONLINE.AUG.ROTATE == []
