"""ATOM: the recorded run, what it promises of any input, and its parameters."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pysot.core.config import load_config
from pysot.core.errors import ConfigError, SotError
from pysot.models.backbone.base import Backbone
from pysot.models.builder import build_model
from pysot.models.head.iounet import IouNet
from pysot.models.iou_model import AtomNet
from pysot.online.augmentation import AugmentationParams
from pysot.online.localisation import Finding, LocalisationParams, Peak
from pysot.online.patch import PatchView
from pysot.tracker.atom import AtomParams, AtomTracker
from pysot.tracker.base import SearchRegion, State
from pysot.tracker.builder import build_tracker, params_from_config
from tests.golden import BAG_BOX, bag_frames, golden_atom, read_json

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
    tracker = GivenPeaks(golden_atom(shared).double().requires_grad_(False), params)
    recorded = read_json(shared / "golden" / "pytracking_atom_track.json")["track_deterministic_float64"]
    frames = bag_frames(shared, 10)
    tracker.init(frames[0], BAG_BOX)
    for frame, expected in zip(frames[1:], recorded["bbox"], strict=True):
        assert tracker.track(frame).box == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
def test_recorded_run(shared: Path) -> None:
    """With the classifier: each frame from the recorded box before it."""
    tracker = RecordedTracker(golden_atom(shared).double().requires_grad_(False), recorded_params())
    recorded = read_json(shared / "golden" / "pytracking_atom_track.json")["track_deterministic_float64"]
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


class SmallBackbone(Backbone):
    """Mixtures of mean colours: maps of strides 8 and 16."""

    out_channels = [8, 16]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 16, 1)

    def forward(self, image: Tensor) -> list[Tensor]:
        fine = torch.relu(self.fine(F.avg_pool2d(image, 8) / 64 - 2))
        return [fine, torch.relu(self.coarse(F.avg_pool2d(fine, 2)))]


def small_params(**changes: object) -> AtomParams:
    aug = AugmentationParams(rotate=(20, -20), blur=(2, 2), shift=(0.6, 0.6), dropout_num=2)
    params = AtomParams(
        image_sample_size=160,
        memory_size=12,
        compressed_dim=8,
        train_skipping=3,
        init_cg_iter=20,
        init_gn_iter=2,
        aug=aug,
    )
    return replace(params, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model() -> AtomNet:
    torch.manual_seed(0)
    return AtomNet(SmallBackbone(), IouNet((8, 16), (8, 8), (8, 8), (8, 16))).eval().requires_grad_(False)


def scene(x: float, y: float, size: tuple[int, int] = (200, 150)) -> np.ndarray:
    """A striped square of 30 pixels with its corner at (x, y) on a smooth background."""
    width, height = size
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([80 + 40 * np.sin(columns / 19), 90 + 30 * np.cos(rows / 23), 100 + 0 * rows], axis=-1)
    inside = (columns >= x) & (columns < x + 30) & (rows >= y) & (rows < y + 30)
    image[inside] = np.stack([250 * ((columns - x) // 5 % 2), 30 + 0 * rows, 220 * ((rows - y) // 7 % 2)], axis=-1)[
        inside
    ]
    return image.astype(np.uint8)


BOX = (60.0, 50.0, 30.0, 30.0)
NEAR = 12
"""Pixels; the small network's cells are 15 pixels wide."""
PATH = [(62, 51), (65, 52), (68, 50), (70, 54), (73, 55), (77, 57), (80, 56)]


def fixed_size(params: AtomParams) -> AtomParams:
    """Boxes of an untrained IoU-Net wander; with steps of length 0 they keep their size."""
    return replace(params, box=replace(params.box, step=0.0, num_random=0))


def test_follows_a_moving_target(model: AtomNet) -> None:
    tracker = AtomTracker(model, fixed_size(small_params()))
    tracker.init(scene(60, 50), BOX)
    for x, y in PATH:
        result = tracker.track(scene(x, y))
        assert result.state is State.TRACKED and result.score > 0.4
        assert result.box == pytest.approx((x, y, 30, 30), abs=NEAR)


def test_equal_seeds_give_equal_boxes(model: AtomNet) -> None:
    def run(seed: int, again: bool = False) -> list[tuple[float, ...]]:
        tracker = AtomTracker(model, small_params(seed=seed))
        for _ in range(1 + again):
            tracker.init(scene(60, 50), BOX)
            boxes = [tracker.track(scene(x, y)).box for x, y in PATH]
        return boxes

    assert run(3) == run(3) == run(3, again=True)
    assert run(3) != run(4)


def test_locate_changes_nothing_and_commit_learns(model: AtomNet) -> None:
    tracker = AtomTracker(model, small_params())
    tracker.init(scene(60, 50), BOX)
    twin = copy.deepcopy(tracker)
    first = tracker.locate(scene(64, 52), tracker.search_region())
    tracker.locate(scene(64, 52), SearchRegion((20.0, 20.0), (10.0, 50.0), 320))
    second = tracker.locate(scene(64, 52), tracker.search_region())
    assert first.box_cxcywh == second.box_cxcywh and tracker.memory.count == twin.memory.count
    result, expected = tracker.commit(scene(64, 52), first), twin.track(scene(64, 52))
    assert result == expected and tracker.memory.count == twin.memory.count == 9
    assert result.score == first.score


def test_a_wider_region_finds_a_target_far_away(model: AtomNet) -> None:
    tracker = AtomTracker(model, fixed_size(small_params()))
    tracker.init(scene(60, 50, (400, 300)), BOX)
    frame = scene(230, 180, (400, 300))
    candidate = tracker.locate(frame, SearchRegion((200.0, 150.0), (30.0, 30.0), 320))
    assert candidate.box_cxcywh[:2] == pytest.approx((244.5, 194.5), abs=20)
    memory = tracker.memory["features"].shape
    result = tracker.commit(frame, candidate)
    assert result.box == pytest.approx((230, 180, 30, 30), abs=20)
    assert tracker.memory["features"].shape[1:] == memory[1:]


class Broken:
    """Replaces chosen calls of the backbone by maps full of one value."""

    def __init__(self, model: AtomNet, value: float, levels: tuple[int, ...] = (0, 1)) -> None:
        self.on = False

        def hook(_module: nn.Module, _inputs: object, maps: list[Tensor]) -> list[Tensor]:
            if not self.on:
                return maps
            return [torch.full_like(m, value) if level in levels else m for level, m in enumerate(maps)]

        self.handle = model.backbone.register_forward_hook(hook)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("not_found_thr", [0.25, -1.0])
def test_maps_that_are_not_finite_lose_the_target_and_poison_nothing(
    model: AtomNet, value: float, not_found_thr: float
) -> None:
    params = fixed_size(small_params(localisation=LocalisationParams(not_found_thr=not_found_thr)))
    tracker, broken = AtomTracker(model, params), Broken(model, value)
    try:
        tracker.init(scene(60, 50), BOX)
        tracker.track(scene(*PATH[0]))
        before = tracker.memory.count, tracker.filter.clone(), tracker.center_xy
        broken.on = True
        lost = [tracker.track(scene(*place)) for place in PATH[1:3]]
        broken.on = False
        assert all(result.state is State.LOST and result.score == 0 for result in lost)
        assert np.isfinite(lost[-1].box).all()
        assert tracker.memory.count == before[0] and torch.equal(tracker.filter, before[1])
        assert tracker.center_xy == before[2]
        for x, y in PATH[3:]:
            result = tracker.track(scene(x, y))
            assert result.state is State.TRACKED and result.box == pytest.approx((x, y, 30, 30), abs=NEAR)
        assert tracker.memory["features"].isfinite().all() and np.isfinite(tracker.memory.weights).all()
        broken.on = True
        with pytest.raises(SotError, match=r"features of the first frame are not finite.*AtomNet"):
            tracker.init(scene(60, 50), BOX)
    finally:
        broken.handle.remove()


def test_a_broken_shallow_map_keeps_the_box_of_the_classifier(model: AtomNet) -> None:
    tracker, broken = AtomTracker(model, small_params()), Broken(model, float("nan"), levels=(0,))
    try:
        tracker.init(scene(60, 50), BOX)
        broken.on = True
        result = tracker.track(scene(64, 52))
        assert result.state is State.TRACKED and result.box == pytest.approx((64, 52, 30, 30), abs=NEAR)
    finally:
        broken.handle.remove()


def test_black_frames(model: AtomNet) -> None:
    tracker, black = AtomTracker(model, fixed_size(small_params())), np.zeros((150, 200, 3), np.uint8)
    tracker.init(scene(60, 50), BOX)
    tracker.track(scene(*PATH[0]))
    for _ in range(3):
        result = tracker.track(black)
        assert np.isfinite(result.box).all() and result.state is State.LOST
    assert tracker.track(scene(*PATH[0])).state is State.TRACKED
    tracker.init(black, BOX)
    assert all(np.isfinite(tracker.track(frame).box).all() for frame in (black, scene(60, 50)))


@pytest.mark.parametrize(
    "box",
    [
        (60, 50, 0.5, 0.5),  # its search crop is smaller than the smallest one
        (60, 50, 3, 2),
        (-50, -50, 400, 400),  # larger than the image
        (-1000, -1000, 5000, 5000),
        (-20, -20, 25, 25),
        (190, 140, 40, 40),
        (0, 60, 200, 2),
    ],
)
def test_targets_of_any_size_and_place(model: AtomNet, box: tuple[float, ...]) -> None:
    tracker = AtomTracker(model, small_params())
    tracker.init(scene(60, 50), box)
    for x, y in PATH:
        result = tracker.track(scene(x, y))
        assert np.isfinite(result.box).all() and result.box[2] > 0 and result.box[3] > 0


def test_resolution_may_change_inside_a_sequence(model: AtomNet, caplog: pytest.LogCaptureFixture) -> None:
    tracker = AtomTracker(model, fixed_size(small_params()))
    tracker.init(scene(160, 110), (160, 110, 30, 30))
    with caplog.at_level(logging.INFO, logger="pysot.tracker.online"):
        x, y, width, height = tracker.track(scene(10, 10, (50, 40))).box
    assert "from (150, 200) to (40, 50)" in caplog.text
    assert width <= 50 and height <= 40 and -width < x < 50 and -height < y < 40
    assert np.isfinite(tracker.track(scene(10, 10, (300, 300))).box).all()


def scores_like(*found: Finding) -> Callable[..., Peak]:
    queue = iter(found)
    return lambda *_args, **_kwargs: Peak((2.0, 1.0), 0.7, next(queue))


def test_what_each_finding_does(model: AtomNet, monkeypatch: pytest.MonkeyPatch) -> None:
    order = (Finding.NOT_FOUND, Finding.UNCERTAIN, Finding.HARD_NEGATIVE, Finding.NORMAL, Finding.NORMAL)
    tracker = AtomTracker(model, small_params(train_skipping=5))
    tracker.init(scene(60, 50), BOX)
    monkeypatch.setattr("pysot.tracker.atom.locate_peak", scores_like(*order))
    seen = []
    for _ in order:
        filter_before, count, place = tracker.filter, tracker.memory.count, tracker.center_xy
        state = tracker.track(scene(60, 50)).state
        learned = not torch.equal(filter_before, tracker.filter)
        seen.append((state, tracker.memory.count - count, learned, tracker.center_xy != place))
    assert seen == [
        (State.LOST, 0, False, False),
        (State.UNCERTAIN, 0, False, True),
        (State.TRACKED, 1, True, True),
        (State.TRACKED, 1, False, True),
        (State.TRACKED, 1, True, True),  # the fifth frame
    ]


def test_uncertain_frames_may_keep_the_search_area(model: AtomNet, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = AtomTracker(model, small_params(update_scale_when_uncertain=False))
    tracker.init(scene(60, 50), BOX)
    monkeypatch.setattr("pysot.tracker.atom.locate_peak", scores_like(Finding.UNCERTAIN, Finding.NORMAL))
    tracker.track(scene(60, 50))
    assert tracker.search_region().size_wh == (30, 30) != tracker.size_wh
    tracker.track(scene(60, 50))
    assert tracker.search_region().size_wh == tracker.size_wh


def test_window_keeps_to_the_middle(model: AtomNet) -> None:
    tracker = AtomTracker(model, fixed_size(small_params(window_output=True, hn_without_window=True)))
    tracker.init(scene(60, 50), BOX)
    frame = scene(90, 60)
    windowed = tracker.locate(frame, tracker.search_region())
    plain = tracker.locate(frame, replace(tracker.search_region(), window_influence=0.0))
    assert windowed.score < plain.score


def test_published_experiments() -> None:
    assert params_from_config(load_config("atom_r18"), AtomParams) == AtomParams()
    vot = params_from_config(load_config("atom_r18_vot"), AtomParams)
    assert vot == AtomParams(
        image_sample_size=224,
        search_area_scale=4.0,
        learning_rate=0.0075,
        init_min_weight=0.0,
        window_output=True,
        localisation=LocalisationParams(-1.0, 100.0, 0.3, 2.2, 0.7),
    )
    cfg = load_config("atom_r18")
    tracker = build_tracker(cfg, build_model(cfg))
    assert isinstance(tracker, AtomTracker) and isinstance(tracker.model, AtomNet)
    with pytest.raises(ConfigError, match=r"SiamRPNTracker.*IOUNET.*ATOMTracker"):
        load_config("atom_r18", ["TRACK.TYPE", "SiamRPNTracker"])
    with pytest.raises(ConfigError, match=r"MODEL.TYPE is 'siamese'.*iounet"):
        load_config("atom_r18", ["MODEL.TYPE", "siamese"])
    assert load_config("atom_r18", ["TRACK.ONLINE.AUG.ROTATE", "[]"]).TRACK.ONLINE.AUG.ROTATE == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_sample_size": 100}, r"IMAGE_SAMPLE_SIZE is 100.*multiple of 32"),
        ({"search_area_scale": 0.0}, r"SEARCH_AREA_SCALE is 0.0.*above 0"),
        ({"learning_rate": 1.0}, r"LEARNING_RATE is 1.0.*between 0 and 1"),
        ({"hn_learning_rate": 0.0}, r"HN_LEARNING_RATE is 0.0.*between 0 and 1"),
        ({"init_min_weight": 1.0}, r"INIT_MIN_WEIGHT is 1.0.*0 up to"),
        ({"train_skipping": 0}, r"TRAIN_SKIPPING is 0.*1 or more"),
    ],
)
def test_parameters_that_cannot_work(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        small_params(**changes)


def test_memory_smaller_than_the_first_samples_is_rejected(model: AtomNet) -> None:
    with pytest.raises(ConfigError, match=r"5 slots.*8 samples|5 slots.*9 samples"):
        AtomTracker(model, small_params(memory_size=5)).init(scene(60, 50), BOX)
