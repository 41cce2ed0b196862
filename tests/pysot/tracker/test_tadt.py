"""TADT: its backbone and weights, what its search does with a target that moves and grows, and its parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

import pysot
from pysot.config.loading import load_config
from pysot.core.errors import ConfigError, SnapshotError
from pysot.core.geometry import iou_xyxy, xywh_to_xyxy
from pysot.models.backbone import BACKBONES
from pysot.models.backbone.vgg import VGG16
from pysot.models.builder import build_model
from pysot.models.meta_arch.tadt import TadtNet
from pysot.models.target_aware import SelectionParams
from pysot.models.target_aware.selector import TargetAwareSelector
from pysot.tracker.base import SearchRegion
from pysot.tracker.builder import build_tracker
from pysot.tracker.tadt import TadtParams, TadtTracker, odd_cells
from pysot.zoo.loading import load_snapshot
from toolkit.datasets import load_benchmark

CONVOLUTIONS = {0: 64, 2: 64, 5: 128, 7: 128, 10: 256, 12: 256, 14: 256, 17: 512, 19: 512, 21: 512}
"""Numbers of torchvision's vgg16 up to conv4_3, and the channels of each."""
AWARE = SelectionParams(enabled=True, select="topk_positive", keep_ratio=0.6, mode="index", kernel_shrink=0)
NEAR = TadtParams(search_factor=2.1, target_aware=AWARE)
"""A small search crop, which is quick."""


def test_the_backbone_has_torchvisions_names_and_the_stride_of_two_pools() -> None:
    backbone = VGG16()
    shapes = {name: tuple(value.shape) for name, value in backbone.state_dict().items()}
    channels = dict(zip(CONVOLUTIONS, [3, *CONVOLUTIONS.values()], strict=False))
    expected = {f"features.{n}.weight": (width, channels[n], 3, 3) for n, width in CONVOLUTIONS.items()}
    expected |= {f"features.{n}.bias": (width,) for n, width in CONVOLUTIONS.items()}
    assert shapes == expected
    small = VGG16(width_mult=0.0625).eval()
    with torch.inference_mode():
        assert [tuple(x.shape) for x in small(torch.rand(1, 3, 180, 180))] == [(1, 32, 45, 45)] * 2
        assert VGG16(("conv2_2",), pools=4, width_mult=0.1)(torch.rand(1, 3, 32, 32))[0].shape == (1, 12, 16, 16)


@pytest.mark.parametrize(("name", "mean", "std"), [("minus128", [128] * 3, [1] * 3), ("imagenet", None, None)])
def test_the_backbone_computes_vgg(name: str, mean: list[float] | None, std: list[float] | None) -> None:
    torch.manual_seed(0)
    backbone = VGG16(("conv1_2", "conv2_1"), preprocessing=name, width_mult=0.125)
    image = torch.rand(2, 3, 24, 20) * 255
    mean = mean or [255 * value for value in (0.485, 0.456, 0.406)]
    std = std or [255 * value for value in (0.229, 0.224, 0.225)]
    x = (image[:, [2, 1, 0]] - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    weights = list(backbone.state_dict().values())
    first = F.relu(F.conv2d(x, weights[0], weights[1], padding=1))
    second = F.relu(F.conv2d(first, weights[2], weights[3], padding=1))
    third = F.relu(F.conv2d(F.max_pool2d(second, 2), weights[4], weights[5], padding=1))
    for found, expected in zip(backbone(image), (second, third), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"used_layers": ["conv4_4"]}, "no 'conv4_4'. Did you mean 'conv4_"),
        ({"used_layers": ["conv4_3", "conv4_1"]}, "from shallow to deep"),
        ({"used_layers": []}, "from shallow to deep"),
        ({"preprocessing": "caffe"}, "preprocessing is 'caffe'; expected imagenet or minus128"),
    ],
)
def test_backbones_that_cannot_be(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        BACKBONES["vgg16"](**kwargs)


def small_vgg() -> TadtNet:
    torch.manual_seed(1)
    return TadtNet(VGG16(width_mult=0.125)).eval()


def test_an_imagenet_networks_file_fills_the_backbone(tmp_path: Path) -> None:
    source, target = small_vgg(), TadtNet(VGG16(width_mult=0.125))
    whole = {key.removeprefix("backbone."): value for key, value in source.state_dict().items()}
    whole |= {"features.24.weight": torch.rand(64, 64, 3, 3), "classifier.0.weight": torch.rand(8, 8)}
    path = tmp_path / "vgg16-397923af.pth"
    torch.save(whole, path)
    load_snapshot(target, path)
    assert all(torch.equal(a, b) for a, b in zip(source.parameters(), target.parameters(), strict=True))
    torch.save(source.state_dict(), path)
    load_snapshot(target, path)
    del whole["features.21.bias"]
    torch.save(whole, path)
    with pytest.raises(SnapshotError, match=r"missing \(1\): backbone.features.21.bias"):
        load_snapshot(target, path)
    torch.save({"layer1.weight": torch.rand(2, 2)}, path)
    with pytest.raises(SnapshotError, match="unexpected"):
        load_snapshot(target, path)


def scene(x: float, y: float, side: float = 40, size: tuple[int, int] = (240, 180)) -> np.ndarray:
    """A checkered square of `side` pixels around (x, y) on a smooth background."""
    width, height = size
    rows, columns = np.mgrid[:height, :width] + 0.5
    image = np.stack([80 + 40 * np.sin(columns / 19), 90 + 30 * np.cos(rows / 23), 100 + 0 * rows], axis=-1)
    u, v = (columns - x) / side + 0.5, (rows - y) / side + 0.5
    inside = (u >= 0) & (u < 1) & (v >= 0) & (v < 1)
    pattern = np.stack([250 * ((5 * u).astype(int) % 2), 30 + 0 * u, 220 * ((3 * v).astype(int) % 2)], axis=-1)
    image[inside] = pattern[inside]
    return image.clip(0, 255).astype(np.uint8)


def box_around(x: float, y: float, side: float = 40) -> tuple[float, float, float, float]:
    return x - side / 2, y - side / 2, side, side


@pytest.mark.parametrize("params", [replace(NEAR, target_aware=SelectionParams()), NEAR], ids=["all", "chosen"])
def test_follows_a_target_that_moves(params: TadtParams) -> None:
    tracker = TadtTracker(small_vgg(), params)
    tracker.init(scene(100, 80), box_around(100, 80))
    for step in range(1, 7):
        x, y = 100 + 9 * step, 80 - 5 * step
        result = tracker.track(scene(x, y))
        assert result.box == pytest.approx(box_around(x, y), abs=5)
        assert 0.8 < result.score <= 1


@pytest.mark.parametrize("rate", [1.04, 1 / 1.04])
def test_follows_a_target_that_changes_its_size(rate: float) -> None:
    """From afar: a correlation that is not normalized notices a change of a tenth, and random features later still."""
    tracker = TadtTracker(small_vgg(), replace(NEAR, target_aware=replace(AWARE, rank_loss=True)))
    tracker.init(scene(110, 90), box_around(110, 90))
    for step in range(1, 9):
        result = tracker.track(scene(110, 90, 40 * rate**step))
    assert 0.15 < np.log(result.box[2] / 40) / np.log(rate**8) < 1.2  # one of its steps at least, the right way
    assert result.box[2] == pytest.approx(result.box[3])


def test_indexing_and_masking_find_the_same() -> None:
    model, frames = small_vgg(), [scene(100 + 6 * step, 80) for step in range(4)]
    boxes = []
    for mode in ("index", "mask"):
        tracker = TadtTracker(model, replace(NEAR, target_aware=replace(AWARE, mode=mode)))
        tracker.init(frames[0], box_around(100, 80))
        boxes.append([tracker.track(frame).box for frame in frames[1:]])
        assert tracker.selection is not None
        assert tracker.kernel.shape[1] == (sum(tracker.selection.kept) if mode == "index" else 128)
    np.testing.assert_allclose(boxes[0], boxes[1])


def test_best_channels_of_all_maps_are_balanced() -> None:
    tracker = TadtTracker(small_vgg(), replace(NEAR, balance_channels=5))
    tracker.init(scene(100, 80), box_around(100, 80))
    view, peaks = tracker.selection_view(scene(100, 80)), []
    assert tracker.selection is not None
    for x, level, factor in zip(view.maps, tracker.selection.levels, tracker.balance, strict=True):
        assert level is not None
        best = level.importance.topk(5).indices
        peaks.append(factor * float(x[0, best].sum(0).max()))
    assert peaks[0] == pytest.approx(peaks[1], rel=1e-5) and tracker.balance[1] == 1.0


def test_the_published_sizes() -> None:
    tracker = TadtTracker(small_vgg(), TadtParams(target_aware=AWARE))
    tracker.init(scene(300, 250, 50, (640, 480)), box_around(300, 250, 50))
    assert tracker.input_size == 180 and tracker.kernel.shape[2:] == (13, 13)
    assert [x.shape[-1] for x in tracker.selection_view(scene(300, 250, 50, (640, 480))).maps] == [45, 45]
    tracker.init(scene(300, 250, 100, (640, 480)), box_around(300, 250, 100))
    assert tracker.target_side == 59 and tracker.kernel.shape[2:] == (15, 15)
    tracker.init(scene(300, 250, 20, (640, 480)), box_around(300, 250, 20))
    assert tracker.target_side == 44
    tracker.init(scene(120, 90), (20, 10, 160, 160))
    assert tracker.input_size == 124 and tracker.kernel.shape[2] <= 2 / 3 * 31


@given(st.floats(0, 100), st.integers(1, 101))
def test_templates_are_odd_and_leave_room(cells: float, of: int) -> None:
    found = odd_cells(cells, of)
    assert found % 2 == 1 and 1 <= found <= max(1, 2 / 3 * of + 1)
    assert found == odd_cells(1e9, of) or abs(found - cells) <= 1


def test_a_target_at_the_edge_of_what_can_be_tracked() -> None:
    tracker = TadtTracker(small_vgg(), NEAR)
    for box in (
        (-30.0, -30.0, 40.0, 40.0),
        (235.0, 175.0, 3.0, 3.0),
        (0.0, 0.0, 240.0, 180.0),
        (50.0, 50.0, 2.0, 120.0),
    ):
        tracker.init(scene(100, 80), box)
        result = tracker.track(scene(90, 80))
        assert np.isfinite(result.box).all() and 0 <= result.score <= 1
    black = np.zeros((90, 120, 3), np.uint8)
    tracker.init(black, (40, 30, 20, 20))
    assert np.isfinite(tracker.track(black).box).all()


def test_a_search_elsewhere_and_larger() -> None:
    tracker = TadtTracker(small_vgg(), NEAR)
    tracker.init(scene(60, 60), box_around(60, 60))
    far = scene(190, 140)
    region = SearchRegion((130.0, 100.0), (40.0, 40.0), 300, window_influence=0.0)
    found = tracker.locate(far, region)
    assert found.box_cxcywh[:2] == pytest.approx((190, 140), abs=5)
    assert tracker.center_xy == (60, 60)


def test_refits_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    aware = replace(AWARE, refit_interval=2, refit_score=0.0)
    tracker = TadtTracker(small_vgg(), replace(NEAR, target_aware=aware))
    tracker.init(scene(100, 80), box_around(100, 80))
    calls: list[int] = []
    choose = TargetAwareSelector.choose
    monkeypatch.setattr(TargetAwareSelector, "choose", lambda *args: (calls.append(1), choose(*args))[1])
    for step in range(5):
        tracker.track(scene(100 + step, 80))
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_size": 80.0}, "TADT.MAX_SIZE is 59.0; expected at least min_size, 80.0"),
        ({"scale_cells": 3}, "SCALE_CELLS is 3; expected an even number"),
        ({"scale_weights": (1.0,)}, "SCALE_WEIGHTS is"),
        ({"stride": 0}, "STRIDE is 0"),
        ({"search_factor": 1.0}, "SEARCH_FACTOR is 1.0"),
    ],
)
def test_parameters_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TadtParams(**changes)


def test_maps_that_do_not_fit_the_stride() -> None:
    with pytest.raises(ConfigError, match=r"STRIDE is 8, but the backbone VGG16 delivers maps of stride 4\. Set .* 4"):
        TadtTracker(small_vgg(), TadtParams(stride=8))


def test_a_backbone_whose_specs_are_wrong() -> None:
    model = small_vgg()
    model.backbone.specs = [replace(spec, stride=8) for spec in model.backbone.specs]
    with pytest.raises(ConfigError, match=r"A crop of 184 pixels gives maps of 46, 46 cells, .* promises 23"):
        TadtTracker(model, TadtParams(stride=8)).init(scene(100, 80), box_around(100, 80))


def test_the_experiment_has_the_published_numbers() -> None:
    cfg = load_config("tadt_vgg16")
    tracker = build_tracker(cfg, build_model(cfg).eval())
    assert isinstance(tracker, TadtTracker) and tracker.params == TadtParams(
        window_influence=0.5, target_aware=tracker.params.target_aware
    )
    aware = tracker.params.target_aware
    assert (aware.topk, aware.min_total, aware.mode, aware.rank_loss) == ((80, 300), 250, "index", True)
    assert (aware.select, aware.kernel_shrink, aware.label_sigma_factor) == ("topk_positive", 0, 0.1)
    assert [spec.channels for spec in tracker.model.level_specs] == [512, 512]


def test_the_small_experiment_tracks_without_any_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYSOT_ZOO", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    tracker = pysot.load_tracker("tadt_tiny", device="cpu")
    whole = load_benchmark("SYNTH", video="camera_motion_1").sequences[0]
    frames = whole.require_frames()
    tracker.init(frames[0], whole.ground_truth[0])
    boxes = [tracker.track(frames[index]).box for index in range(1, 25)]
    overlap = iou_xyxy(xywh_to_xyxy(boxes), xywh_to_xyxy(np.stack(list(whole.ground_truth[1:25]))))
    assert overlap.mean() > 0.75


@pytest.mark.parametrize("backbone", ["alexnet", "mobilenetv2", "vggm"])
def test_a_map_has_a_middle_cell_also_without_padding(backbone: str) -> None:
    model = TadtNet(BACKBONES[backbone]()).eval()
    tracker = TadtTracker(model, TadtParams(stride=model.level_specs[-1].stride))
    for side in range(90, 200, 7):
        wide = tracker._on_grid(side)
        assert wide >= side and model.level_specs[-1].cells(wide) % 2 == 1
        assert tracker._on_grid(wide) == wide
