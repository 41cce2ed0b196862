"""DiMP: the recorded run, when it learns, its border modes and its parameters. What it promises of any input is in
test_online.py.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pysot.config.loading import load_config
from pysot.config.params import params_from_config
from pysot.core.errors import ConfigError, SotError
from pysot.models.builder import build_model
from pysot.models.head.dimp import DimpClassifier
from pysot.models.head.iounet import IouNet
from pysot.models.meta_arch.dimp import DimpNet
from pysot.online.augmentation import AugmentationParams
from pysot.online.box_refinement import BoxParams
from pysot.online.localization import Finding, LocalizationParams, Peak
from pysot.tracker.base import SearchRegion, State
from pysot.tracker.builder import build_tracker
from pysot.tracker.dimp import DimpParams, DimpTracker
from tests.golden.recipe import BAG_BOX, bag_frames, golden_dimp
from tests.pysot.tracker.small_online import (
    BOX,
    PATH,
    SmallBackbone,
    fixed_size,
    make_tracker,
    scene,
    small_model,
    small_params,
)

DIMP = DimpParams(
    memory_size=50,
    train_skipping=20,
    aug=AugmentationParams(rotate=(10, -10, 45, -45), blur=(3, 1, 1, 3, 2, 2), dropout_num=2),
)
"""As published for most benchmarks."""


def test_recorded_run(shared: Path) -> None:
    params = replace(DIMP, integer_division=False)
    aug, box = replace(params.aug, random_shift=0.0, dropout_num=0), replace(params.box, num_random=0)
    tracker = DimpTracker(golden_dimp().requires_grad_(False), replace(params, aug=aug, box=box))
    recorded = json.loads((shared / "golden" / "pytracking_dimp18_track.json").read_text())["track_deterministic"]
    frames = bag_frames(shared, 21)
    tracker.init(frames[0], BAG_BOX)
    states = {"normal": State.TRACKED, "hard_negative": State.TRACKED, "not_found": State.LOST}
    for frame, box_xywh, score, flag in zip(
        frames[1:], recorded["bbox"], recorded["score"], recorded["flag"], strict=True
    ):
        result = tracker.track(frame)
        assert result.box == pytest.approx(box_xywh, abs=1e-2)
        assert result.score == pytest.approx(score, abs=1e-4) and result.state is states[flag]


@pytest.fixture(scope="module")
def model() -> DimpNet:
    found = small_model("DiMP")
    assert isinstance(found, DimpNet)
    return found


def findings(*found: tuple[Finding, float]) -> Callable[..., Peak]:
    queue = iter(found)
    return lambda *_args, **_kwargs: Peak((0.0, 0.0), (pair := next(queue))[1], pair[0])


@pytest.mark.parametrize(
    ("changes", "finding", "score", "steps", "stored"),
    [
        ({}, Finding.NORMAL, 0.7, 0, 1),
        ({"train_skipping": 1, "net_opt_update_iter": 3}, Finding.NORMAL, 0.7, 3, 1),
        ({"train_skipping": 1}, Finding.UNCERTAIN, 0.7, 0, 0),
        ({"net_opt_hn_iter": 4}, Finding.HARD_NEGATIVE, 0.7, 4, 1),
        ({"train_skipping": 1, "net_opt_hn_iter": 0}, Finding.HARD_NEGATIVE, 0.7, 0, 1),
        ({"low_score_opt_thr": 0.5, "net_opt_low_iter": 2}, Finding.NORMAL, 0.4, 2, 1),
        ({"low_score_opt_thr": 0.5, "net_opt_low_iter": 2}, Finding.NORMAL, 0.6, 0, 1),
        ({"train_sample_interval": 2}, Finding.NORMAL, 0.7, 0, 1),  # counted from the first frame on
        ({"train_sample_interval": 3}, Finding.NORMAL, 0.7, 0, 0),
        ({"train_sample_interval": 3}, Finding.HARD_NEGATIVE, 0.7, 1, 1),
    ],
)
def test_when_it_learns(
    model: DimpNet,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    finding: Finding,
    score: float,
    steps: int,
    stored: int,
) -> None:
    tracker = make_tracker(model, small_params("DiMP", **changes))
    assert isinstance(tracker, DimpTracker)
    tracker.init(scene(60, 50), BOX)
    before, expected = tracker.memory.count, tracker.filter
    monkeypatch.setattr("pysot.tracker.dimp.locate_peak", findings((finding, score)))
    tracker.track(scene(60, 50))
    assert tracker.memory.count == before + stored
    with torch.no_grad():
        features = tracker.memory["features"].permute(0, 3, 1, 2)[:, None]
        weights = tracker.memory.weights_like(features)[:, None]
        boxes = tracker.memory["boxes"][:, None]
        expected = model.classifier.improve(expected, features, boxes, iterations=steps, weights=weights)[-1]
    torch.testing.assert_close(tracker.filter, expected, atol=0, rtol=0)


def test_memory_holds_boxes_of_the_views_and_of_the_refined_target(model: DimpNet) -> None:
    params = small_params("DiMP", aug=AugmentationParams(rotate=(), blur=(), shift=(0.5, -0.25), dropout_num=1))
    tracker = make_tracker(model, params)
    assert isinstance(tracker, DimpTracker)
    tracker.init(scene(60, 50), BOX)
    plain, shifted, mirrored, dropped = tracker.memory["boxes"].tolist()
    assert plain == dropped and plain[2:] == pytest.approx([32, 32])  # 160 / 5
    assert [b - a for a, b in zip(plain, shifted, strict=True)] == pytest.approx([-20, 40, 0, 0])
    assert abs(mirrored[0] - plain[0]) <= 160 / 6 and mirrored[2:] == plain[2:]
    candidate = tracker.locate(scene(62, 51), tracker.search_region())
    tracker.commit(scene(62, 51), candidate)
    box = candidate.view.box_in_patch(tracker.center_xy, tracker.size_wh)
    assert tracker.memory["boxes"][-1].tolist() == pytest.approx(box, abs=1e-4)
    assert tracker.size_wh != (30, 30)


def test_far_is_counted_from_where_the_target_was(model: DimpNet, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def record(*_args: object, **more: Any) -> Peak:
        seen.update(more)
        return Peak((0.0, 0.0), 0.0, Finding.NOT_FOUND)

    monkeypatch.setattr("pysot.tracker.dimp.locate_peak", record)
    tracker = make_tracker(model, small_params("DiMP", border_mode="inside"))
    tracker.init(scene(20, 50), (20, 50, 30, 30))
    view = tracker.locate(scene(20, 50), tracker.search_region()).view
    cell = 16 * view.scale
    wanted = [(a - b) / cell for a, b in zip((34.5, 64.5), view.center_xy, strict=True)]
    assert seen["previous_xy"] == pytest.approx(wanted) and wanted[0] < -1


@pytest.mark.parametrize(("border", "center"), [("replicate", 50), ("inside", 74.5), ("inside_major", 74.5)])
def test_crops_that_stay_inside_find_the_target_near_the_border(model: DimpNet, border: str, center: float) -> None:
    tracker = make_tracker(model, fixed_size(small_params("DiMP", border_mode=border)))
    tracker.init(scene(60, 50), BOX)
    frame = scene(30, 30)
    candidate = tracker.locate(frame, SearchRegion((50.0, 50.0), (30.0, 30.0), 160))
    assert candidate.view.scale * candidate.view.side == pytest.approx(150, abs=1)
    assert candidate.view.center_xy == pytest.approx((center, center), abs=1)
    assert candidate.box_cxcywh[:2] == pytest.approx((44.5, 44.5), abs=15)  # a cell
    result = tracker.commit(frame, candidate)
    assert result.box == pytest.approx((30, 30, 30, 30), abs=15)


def test_a_crop_larger_than_the_image_shrinks(model: DimpNet) -> None:
    params = fixed_size(small_params("DiMP", border_mode="inside", patch_max_scale_change=2.0))
    tracker = make_tracker(model, params)
    tracker.init(scene(60, 40), (50, 30, 50, 50))
    view = tracker.locate(scene(60, 40), tracker.search_region()).view
    assert view.scale * view.side == pytest.approx(150, abs=1)  # the image's height, not 250
    assert view.center_xy[1] == pytest.approx(74.5, abs=1)


def test_softmax_makes_scores_probabilities() -> None:
    torch.manual_seed(2)
    classifier = DimpClassifier(16, feat_blocks=0, out_dim=16, offset=7.5, optimizer="newton", softmax_reg=1.0)
    head = IouNet((8, 16), (8, 8), (8, 8), (8, 16), offsets=(3.5, 7.5))
    net = DimpNet(SmallBackbone(), classifier, head).eval().requires_grad_(False)
    params = small_params("DiMP", score_preprocess="softmax", localization=LocalizationParams(not_found_thr=0.0))
    tracker = make_tracker(net, fixed_size(params))
    assert isinstance(tracker, DimpTracker)
    tracker.init(scene(60, 50), BOX)
    candidate = tracker.locate(scene(60, 50), tracker.search_region())
    scores = classifier.scores(tracker.filter, candidate.sample.permute(2, 0, 1)[None, None])
    total = scores.exp().sum() + torch.tensor(1.0).exp()
    assert candidate.score == pytest.approx(float(scores.max().exp() / total), rel=1e-5)
    assert candidate.box_cxcywh[:2] == pytest.approx((74.5, 64.5), abs=12)


class Overflowing(torch.nn.Module):
    """Steps that leave the range of numbers at the second one."""

    softmax_reg = None

    def forward(self, start: Tensor, samples: Tensor, *_rest: object) -> list[Tensor]:
        return [start, start + 1, start * float("nan"), start * float("inf")]


def test_a_step_that_overflows_is_not_taken_and_is_said_once(
    model: DimpNet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = make_tracker(model, small_params("DiMP", train_skipping=1))
    assert isinstance(tracker, DimpTracker)
    tracker.init(scene(60, 50), BOX)
    monkeypatch.setattr("pysot.tracker.dimp.locate_peak", findings(*[(Finding.NORMAL, 0.7)] * 4))
    monkeypatch.setitem(model.classifier._modules, "filter_optimizer", Overflowing())
    before = tracker.filter
    with caplog.at_level(logging.WARNING):
        for place in PATH[:3]:
            assert np.isfinite(tracker.track(scene(*place)).box).all()
    torch.testing.assert_close(tracker.filter, before + 3)
    assert len([r for r in caplog.records if "overflowed" in r.message]) == 1


def test_a_real_step_that_overflows(model: DimpNet, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = make_tracker(model, small_params("DiMP", train_skipping=1))
    assert isinstance(tracker, DimpTracker)
    tracker.init(scene(60, 50), BOX)
    step = model.classifier.filter_optimizer.log_step_length
    monkeypatch.setattr(step, "data", torch.full_like(step, 200.0))  # exp(200) is more than float32 holds
    for place in PATH[:3]:
        result = tracker.track(scene(*place))
        assert result.state is State.TRACKED and tracker.filter.isfinite().all()


def test_damaged_weights_are_explained(model: DimpNet, monkeypatch: pytest.MonkeyPatch) -> None:
    weight = model.classifier.filter_initializer.filter_conv.weight
    monkeypatch.setattr(weight, "data", torch.full_like(weight, float("nan")))
    with pytest.raises(SotError, match=r"filter made of the first frame is not finite.*DimpNet.*another snapshot"):
        make_tracker(model, small_params("DiMP")).init(scene(60, 50), BOX)


@pytest.mark.parametrize("side", [3, 5])
def test_odd_filters(side: int) -> None:
    torch.manual_seed(2)
    classifier = DimpClassifier(16, feat_blocks=0, out_dim=16, offset=7.5, filter_size=side)
    head = IouNet((8, 16), (8, 8), (8, 8), (8, 16), offsets=(3.5, 7.5))
    net = DimpNet(SmallBackbone(), classifier, head).eval().requires_grad_(False)
    tracker = make_tracker(net, fixed_size(small_params("DiMP")))
    tracker.init(scene(60, 50), BOX)
    errors = [np.subtract(tracker.track(scene(x, y)).box[:2], (x, y)) for x, y in PATH]
    assert np.abs(errors).max() < 16 and np.abs(np.mean(errors, axis=0)).max() < 6


@pytest.mark.parametrize("name", ["dimp_r18", "dimp_r50"])
def test_published_parameters(name: str) -> None:
    assert params_from_config(load_config(name), DimpParams) == DIMP


def test_published_parameters_for_vot() -> None:
    vot18 = params_from_config(load_config("dimp_r18_vot18"), DimpParams)
    assert vot18 == params_from_config(load_config("dimp_r50_vot18"), DimpParams)
    assert vot18 == DimpParams(
        image_sample_size=224,
        search_area_scale=4.0,
        memory_size=250,
        learning_rate=0.0075,
        init_min_weight=0.0,
        train_skipping=10,
        window_output=True,
        hn_without_window=True,
        net_opt_iter=25,
        net_opt_update_iter=3,
        net_opt_hn_iter=3,
        localization=LocalizationParams(0.0, 100.0, 0.45, 2.2, 0.7),
    )
    vot19 = params_from_config(load_config("dimp_r50_vot19"), DimpParams)
    assert (vot19.image_sample_size, vot19.search_area_scale, vot19.memory_size) == (256, 4.5, 100)
    assert (vot19.net_opt_iter, vot19.net_opt_update_iter, vot19.net_opt_hn_iter) == (15, 2, 2)
    assert vot19.box.iter == 3 and vot19.aug.expansion == 1.4 and vot19.learning_rate == 0.0075


def test_published_parameters_of_the_densities() -> None:
    wide = {"image_sample_size": 352, "search_area_scale": 6.0, "border_mode": "inside_major"}
    box = BoxParams(iter=10, step=2.5e-3, space="relative")
    assert params_from_config(load_config("super_dimp"), DimpParams) == replace(DIMP, **wide, box=box)
    density = replace(DIMP, box=box, score_preprocess="softmax", localization=LocalizationParams(not_found_thr=0.04))
    assert params_from_config(load_config("prdimp_r18"), DimpParams) == density
    assert params_from_config(load_config("prdimp_r50"), DimpParams) == replace(density, **wide)
    vot = params_from_config(load_config("prdimp_r50_vot18"), DimpParams)
    assert (vot.image_sample_size, vot.train_skipping, vot.net_opt_iter, vot.memory_size) == (224, 1, 25, 250)
    assert vot.localization == LocalizationParams(0.0, 99999.0, 999999.0, 2.2, 0.7)


def test_experiments_build_their_tracker() -> None:
    cfg = load_config("prdimp_r18")
    tracker = build_tracker(cfg, build_model(cfg))
    assert isinstance(tracker, DimpTracker) and isinstance(tracker.model, DimpNet)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"border_mode": "mirror"}, r"TRACK.ONLINE.BORDER_MODE is 'mirror'.*replicate, inside, inside_major"),
        ({"patch_max_scale_change": 0.5}, r"PATCH_MAX_SCALE_CHANGE is 0.5.*1 or more"),
        ({"score_preprocess": "exp"}, r"SCORE_PREPROCESS is 'exp'; expected none or softmax"),
        ({"net_opt_hn_iter": -1}, r"NET_OPT_HN_ITER is -1.*0 or more"),
        ({"train_sample_interval": 0}, r"TRAIN_SAMPLE_INTERVAL is 0.*1 or more"),
    ],
)
def test_parameters_that_cannot_work(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        small_params("DiMP", **changes)
