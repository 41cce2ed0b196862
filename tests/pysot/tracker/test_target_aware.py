"""Siamese trackers that choose channels: nothing changes where all are kept, dropped ones are without influence."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import pysot
from pysot.config.loading import load_config
from pysot.core.errors import ConfigError
from pysot.models.backbone import BACKBONES
from pysot.models.builder import build_model
from pysot.models.inference import prepare_for_inference
from pysot.models.target_aware import Selection
from pysot.models.target_aware.selector import TargetAwareSelector
from pysot.tracker.base import Tracker
from pysot.tracker.builder import build_tracker
from pysot.tracker.siamese import SiameseCandidate, SiameseTracker
from pysot.tracker.target_aware import TargetAwareTracker
from pysot.zoo.loading import load_snapshot
from tests.golden.recipe import BAG_BOX, bag_frames, fill_weights_by_hash
from tests.pysot.tracker.test_tracker_contract import BOX, FRAME, NEXT, SMALL

CPU = torch.device("cpu")
KINDS = ("SiamRPNTracker", "SiamRPNLTTracker", "SiamMaskTracker", "NanoTracker")
QUICK = tuple(kind for kind in KINDS if kind != "SiamMaskTracker")


def model_of(kind: str) -> Any:
    name, opts = SMALL[kind]
    model = build_model(load_config(name, opts))
    fill_weights_by_hash(model, 1e-4)
    return prepare_for_inference(model, CPU)


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    return {kind: model_of(kind) for kind in KINDS}


def tracker_of(models: dict[str, Any], kind: str, *opts: str, on: bool = True) -> SiameseTracker:
    name, small = SMALL[kind]
    switch = ["TARGET_AWARE.ENABLED", str(on)]
    tracker = build_tracker(load_config(name, [*small, *switch, *opts]), models[kind])
    assert isinstance(tracker, SiameseTracker)
    return tracker


def run(tracker: Tracker, frames: tuple[np.ndarray, ...] = (NEXT, FRAME)) -> list[tuple[float, ...]]:
    tracker.init(FRAME, BOX)
    results = [tracker.track(frame) for frame in frames]
    return [(*result.box, result.score, *result.region) for result in results]


@pytest.mark.parametrize("kind", KINDS)
def test_keeping_all_channels_is_bit_equal_to_choosing_none(models: dict[str, Any], kind: str) -> None:
    frames = (NEXT,) if kind == "SiamMaskTracker" else (NEXT, FRAME)
    channels = [spec.channels for spec in models[kind].level_specs]
    plain = tracker_of(models, kind, on=False)
    full = tracker_of(models, kind, "TARGET_AWARE.TOPK", str(channels))
    assert run(plain, frames) == run(full, frames)
    assert plain.selection is None
    assert full.selection is not None and full.selection.kept == channels


class NoisyWhereDropped:
    """Stands before a model and adds noise to the channels that a selection dropped."""

    def __init__(self, model: Any, selection: Selection) -> None:
        self.levels, self.selection = model.levels, selection

    def __call__(self, image: Tensor) -> list[Tensor]:
        noisy = []
        for x, level in zip(self.levels(image), self.selection.levels, strict=True):
            assert level is not None
            noisy.append(x + ~level.kept[None, :, None, None] * torch.randn_like(x))
        return noisy


@pytest.mark.parametrize("kind", QUICK)
def test_dropped_channels_have_no_influence(models: dict[str, Any], kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = tracker_of(models, kind, "TARGET_AWARE.KEEP_RATIO", "0.5")
    before = run(tracker)
    chosen = tracker.selection
    assert chosen is not None and all(kept > 0 for kept in chosen.kept)
    monkeypatch.setattr(TargetAwareSelector, "choose", lambda *_: chosen)
    monkeypatch.setattr(models[kind], "levels", NoisyWhereDropped(models[kind], chosen))
    assert run(tracker) == before
    assert before != run(tracker_of(models, kind, on=False))


def test_siammask_masks_the_map_before_its_neck_only(models: dict[str, Any]) -> None:
    tracker = tracker_of(models, "SiamMaskTracker", "TARGET_AWARE.KEEP_RATIO", "0.25")
    tracker.init(FRAME, BOX)
    assert tracker.selection is not None and tracker.selection.kept == [256]
    result = tracker.track(NEXT)
    assert result.mask is not None and np.isfinite(result.mask).all()


@pytest.mark.parametrize("kind", QUICK)
def test_trackers_with_different_channels_share_a_model(models: dict[str, Any], kind: str) -> None:
    first, second = (tracker_of(models, kind, "TARGET_AWARE.KEEP_RATIO", ratio) for ratio in ("0.5", "0.75"))
    alone = run(first)
    first.init(FRAME, BOX)
    second.init(NEXT, (10, 10, 40, 40))
    mixed = []
    for frame in (NEXT, FRAME):
        result = first.track(frame)
        mixed.append((*result.box, result.score, *result.region))
        second.track(frame)
    assert mixed == alone


@pytest.mark.parametrize(
    ("kind", "solver"), [("NanoTracker", "sgd"), ("NanoTracker", "gradient"), ("SiamRPNTracker", "ridge")]
)
def test_the_selection_can_be_inspected(models: dict[str, Any], kind: str, solver: str) -> None:
    tracker = tracker_of(models, kind, "TARGET_AWARE.SOLVER", solver, "TARGET_AWARE.ITERS", "20")
    assert tracker.selection is None
    tracker.init(FRAME, BOX)
    assert tracker.selection is not None
    said = tracker.selection.as_dict()
    assert said["ta_kept"] == [round(0.75 * count) for count in said["ta_of"]]
    assert said["ta_iters"] == [0 if solver == "ridge" else 20] and said["ta_loss"][0] > 0
    first = said["ta_channels"]
    tracker.init(FRAME, BOX)
    assert tracker.selection.as_dict()["ta_channels"] == first


@pytest.mark.parametrize("kind", [kind for kind in SMALL if kind != "SiamMaskTracker"])
def test_the_target_is_in_the_middle_of_what_is_chosen_by(kind: str) -> None:
    """A white target on black: its place and size in the crop, by the crop's own pixels."""
    name, small = SMALL[kind]
    model = model_of(kind)
    tracker = build_tracker(load_config(name, [*small, "TARGET_AWARE.ENABLED", "True"]), model)
    assert isinstance(tracker, TargetAwareTracker)
    frame = np.zeros((240, 320, 3), np.uint8)
    frame[90:122, 171:211] = 255
    tracker.init(frame, (171, 90, 40, 32))
    view = tracker.selection_view(frame)
    rows, columns = np.nonzero(view.crop.max(axis=2) > 127)
    middle = (len(view.crop) - 1) / 2
    assert (rows.mean(), columns.mean()) == pytest.approx((middle, middle), abs=1)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == pytest.approx((32 * view.scale, 40 * view.scale), abs=2)
    assert len(view.maps) == len(tracker.template_hw) == len(model.level_specs)
    for spec, cell in zip(model.level_specs, view.middles, strict=True):
        assert [spec.offset + place * spec.stride for place in cell] == pytest.approx([middle, middle])


@pytest.mark.parametrize("interval", [2, 3])
@pytest.mark.parametrize("kind", ["NanoTracker", "SiamRPNLTTracker"])
def test_refits_come_every_n_frames_that_are_sure(
    models: dict[str, Any], kind: str, interval: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = tracker_of(models, kind, "TARGET_AWARE.REFIT_INTERVAL", str(interval), "TRACK.CONFIDENCE_LOW", "0.5")
    calls: list[int] = []
    choose = TargetAwareSelector.choose

    def counted(*args: Any) -> Selection:
        calls.append(1)
        return choose(*args)

    monkeypatch.setattr(TargetAwareSelector, "choose", counted)

    def commit(score: float) -> None:
        region = tracker.search_region()
        tracker.commit(NEXT, SiameseCandidate((80.0, 60.0, 30.0, 24.0), score, region, 1.0, 0, 100))

    tracker.init(FRAME, BOX)
    frames = 9
    for _ in range(frames - 1):
        commit(0.96)
    assert len(calls) - 1 == (frames - 1) // interval
    calls.clear()
    tracker.init(FRAME, BOX)
    for _ in range(frames - 1):
        commit(0.95)
    assert len(calls) == 1


def test_a_refit_keeps_the_first_template(models: dict[str, Any]) -> None:
    tracker = tracker_of(models, "NanoTracker", "TARGET_AWARE.REFIT_INTERVAL", "1", "TARGET_AWARE.REFIT_SCORE", "-1")
    tracker.init(FRAME, BOX)
    template, kernels = tracker.template[0].clone(), tracker.kernels[0].clone()
    tracker.track(np.ascontiguousarray(255 - NEXT))
    assert torch.equal(tracker.template[0], template) and not torch.equal(tracker.kernels[0], kernels)


@pytest.mark.parametrize("kind", QUICK)
def test_a_crop_of_one_color_keeps_all_and_says_so_once(
    models: dict[str, Any], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = tracker_of(models, kind)
    gray = np.full_like(FRAME, 77)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            tracker.init(gray, BOX)
    assert tracker.selection is not None
    assert tracker.selection.kept == [spec.channels for spec in models[kind].level_specs]
    assert caplog.text.count("single color") == 1
    plain = tracker_of(models, kind, on=False)
    plain.init(gray, BOX)
    assert tracker.track(FRAME).box == plain.track(FRAME).box


def test_the_first_fit_of_a_full_alexnet_is_quick() -> None:
    opts = ["TARGET_AWARE.ENABLED", "True"]
    model = prepare_for_inference(build_model(load_config("siamrpn_alex_dwxcorr")), CPU)
    for solver in ("ridge", "sgd"):
        cfg = load_config("siamrpn_alex_dwxcorr", [*opts, "TARGET_AWARE.SOLVER", solver, "TARGET_AWARE.ITERS", "100"])
        tracker = build_tracker(cfg, model)
        assert isinstance(tracker, SiameseTracker)
        tracker.init(FRAME, BOX)
        assert tracker.selection is not None and 0 < tracker.selection.seconds < 3
        assert tracker.selection.kept == [192]


def test_ta_siamrpnpp_keeps_the_released_numbers_of_channels() -> None:
    cfg = load_config("tasiamrpn_r50_l234_dwxcorr", ["TARGET_AWARE.ITERS", "10"])
    torch.manual_seed(0)
    tracker = build_tracker(cfg, build_model(cfg).eval())
    assert isinstance(tracker, SiameseTracker)
    tracker.init(FRAME, BOX)
    assert tracker.selection is not None and tracker.selection.kept == [300, 1024, 1500]
    assert [level.iterations for level in tracker.selection.levels if level] == [10, 10, 10]
    assert [x.shape[-1] for x in tracker.template] == [15, 15, 15]


@pytest.mark.parametrize(
    ("experiment", "base"),
    [
        ("tasiamrpn_r50_l234_dwxcorr", "siamrpn_r50_l234_dwxcorr"),
        ("tasiamrpn_r50_l234_dwxcorr_otb", "siamrpn_r50_l234_dwxcorr_otb"),
        ("tasiamrpn_r50_l234_dwxcorr_ridge", "siamrpn_r50_l234_dwxcorr"),
        ("tasiamrpn_r50_l234_dwxcorr_grad", "siamrpn_r50_l234_dwxcorr"),
        ("tasiamrpn_tiny", "siamrpn_tiny"),
        ("tananotrack_v2", "nanotrack_v2"),
    ],
)
def test_experiments_are_their_base_with_one_switch(experiment: str, base: str) -> None:
    cfg, plain = load_config(experiment), load_config(base)
    assert cfg.TARGET_AWARE.ENABLED and not plain.TARGET_AWARE.ENABLED
    assert base == cfg.MODEL.SNAPSHOT
    for group in plain:
        if group not in ("TARGET_AWARE", "MODEL", "META_ARC"):
            assert cfg[group] == plain[group], group


def test_the_snapshot_is_that_of_the_base(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PYSOT_ZOO", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    own, base = (pysot.load_tracker(name, device="cpu") for name in ("tasiamrpn_tiny", "siamrpn_tiny"))
    for (name, a), (_, b) in zip(own.model.state_dict().items(), base.model.state_dict().items(), strict=True):
        assert torch.equal(a, b), name
    by_config = pysot.load_tracker(config=load_config("tasiamrpn_tiny"), device="cpu")
    assert isinstance(by_config, SiameseTracker) and by_config.selector is not None


def test_a_published_snapshot_loads_strictly_and_tracks(shared: Path) -> None:
    cfg = load_config("tananotrack_v2")
    model = build_model(cfg)
    load_snapshot(model, shared / "data" / "weights" / "nanotrackv2.pth")
    tracker = build_tracker(cfg, prepare_for_inference(model, CPU))
    frames = bag_frames(shared, 12)
    tracker.init(frames[0], BAG_BOX)
    result = [tracker.track(frame) for frame in frames[1:]][-1]
    plain = build_tracker(load_config("nanotrack_v2"), model)
    plain.init(frames[0], BAG_BOX)
    expected = [plain.track(frame) for frame in frames[1:]][-1]
    assert result.box == pytest.approx(expected.box, abs=15) and result.score > 0.9


def test_channels_cannot_be_left_out_of_maps_of_a_fixed_width() -> None:
    with pytest.raises(ConfigError, match=r"MODE is index, but TRACK.TYPE NanoTracker .* takes maps of a fixed"):
        load_config("nanotrack_v2", ["TARGET_AWARE.ENABLED", "True", "TARGET_AWARE.MODE", "index"])


def test_without_learning_no_channels_are_chosen(models: dict[str, Any]) -> None:
    tracker = tracker_of(models, "NanoTracker", "TARGET_AWARE.REFIT_INTERVAL", "1", "TARGET_AWARE.REFIT_SCORE", "-1")
    tracker.init(FRAME, BOX)
    chosen = tracker.selection
    tracker.track(NEXT, learn=False)
    assert tracker.selection is chosen
    tracker.track(NEXT)
    assert tracker.selection is not chosen


def test_more_channels_than_there_are(models: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="asks for 49 channels of feature map 0, which has 48"):
        tracker_of(models, "NanoTracker", "TARGET_AWARE.TOPK", "[49]")


@pytest.mark.parametrize(("name", "side"), [("compact", 255), ("mobilenetv3_small", 255), ("resnet18_std", 288)])
def test_padded_backbones_know_which_cell_looks_at_the_middle(name: str, side: int) -> None:
    assert_middle(name, side, {"used_layers": [3]} if name == "compact" else {})


@pytest.mark.parametrize(("name", "side"), [("alexnet", 287), ("mobilenetv2", 255)])
def test_other_backbones_know_it_too(name: str, side: int) -> None:
    assert_middle(name, side, {})


def assert_middle(name: str, side: int, kwargs: dict[str, Any]) -> None:
    """Where the map changes, on the square average, when the pixels in the middle of an image do."""
    torch.manual_seed(0)
    backbone = BACKBONES[name](**kwargs).eval()
    image = torch.rand(1, 3, side, side) * 255
    moved = image.clone()
    moved[..., (side - 1) // 2 : side // 2 + 1, (side - 1) // 2 : side // 2 + 1] += 500.0
    with torch.no_grad():
        change = (backbone(moved)[-1] - backbone(image)[-1]).square().sum((0, 1)).double()
    cells = torch.arange(len(change), dtype=change.dtype)
    for axis in (0, 1):
        center = float((change.sum(axis) * cells).sum() / change.sum())
        assert center == pytest.approx(backbone.specs[-1].cell_at((side - 1) / 2), abs=0.35)
