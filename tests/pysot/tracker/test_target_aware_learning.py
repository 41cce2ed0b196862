"""Trackers that learn a classifier (ATOM, DiMP, LMT) and choose channels: off or with all of them nothing changes,
dropped ones are without influence on what is learned and found, and nothing stays of the target before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import pysot
from pysot.config.loading import load_config
from pysot.core.errors import ConfigError
from pysot.models.target_aware import Selection
from pysot.models.target_aware.params import SOLVERS
from pysot.models.target_aware.selector import TargetAwareSelector
from pysot.tracker.builder import build_tracker
from pysot.tracker.online import OnlineCandidate, OnlineTracker
from pysot.tracker.target_aware import TargetAwareTracker
from tests.pysot.tracker.test_tracker_contract import BOX, FRAME, NEXT, SMALL

KINDS = {
    **{kind: SMALL[kind] for kind in ("ATOMTracker", "DiMPTracker", "LMTTracker")},
    "LMT by crops": ("lmt_tiny", [*SMALL["LMTTracker"][1], "TRACK.LMT.FEATURES", "crops", "TRACK.LMT.N_SAMPLES", "32"]),
}
"""A small tracker of each family, and the other way that LMT reads its boxes."""
HALF = ("TARGET_AWARE.KEEP_RATIO", "0.5")
Result = tuple[float, ...]


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    """The project's own trained ones, by the key of `KINDS`."""
    return {kind: pysot.load_tracker(name, device="cpu", opts=opts).model for kind, (name, opts) in KINDS.items()}


def tracker_of(models: dict[str, Any], kind: str, *opts: str, on: bool = True) -> TargetAwareTracker:
    name, small = KINDS[kind]
    tracker = build_tracker(load_config(name, [*small, "TARGET_AWARE.ENABLED", str(on), *opts]), models[kind])
    assert isinstance(tracker, TargetAwareTracker)
    return tracker


def channels_of(tracker: TargetAwareTracker) -> list[int]:
    return [spec.channels for spec in tracker.model.level_specs]


def run(tracker: TargetAwareTracker, first: np.ndarray = FRAME) -> list[Result]:
    tracker.init(first, BOX)
    results = [tracker.track(frame) for frame in (NEXT, FRAME)]
    return [(*result.box, result.score) for result in results]


@pytest.mark.parametrize("kind", KINDS)
def test_keeping_all_channels_is_bit_equal_to_choosing_none(models: dict[str, Any], kind: str) -> None:
    plain = tracker_of(models, kind, on=False)
    full = tracker_of(models, kind, "TARGET_AWARE.KEEP_RATIO", "1")
    assert run(plain) == run(full)
    assert plain.selection is None
    assert full.selection is not None and full.selection.kept == channels_of(full)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", ["ATOMTracker", "DiMPTracker", "LMTTracker"])
def test_every_solver_chooses_the_same_each_time(models: dict[str, Any], kind: str, solver: str) -> None:
    opts = (*HALF, "TARGET_AWARE.SOLVER", solver, "TARGET_AWARE.ITERS", "20")
    first, second = (tracker_of(models, kind, *opts) for _ in range(2))
    results = run(first)
    assert results == run(second) and np.isfinite(results).all()
    assert first.selection is not None and second.selection is not None
    assert first.selection.kept == [round(count / 2) for count in channels_of(first)]
    said, again = first.selection.as_dict(), second.selection.as_dict()
    assert said["ta_channels"] == again["ta_channels"] and said["ta_importance"] == again["ta_importance"]
    assert all(loss > 0 for loss in said["ta_loss"])
    assert said["ta_iters"] == [0 if solver == "ridge" else 20] * len(said["ta_levels"])


class NoisyWhereDropped:
    """Stands before a model's function that makes maps, and adds noise to the channels that a selection dropped of the
    last ones.
    """

    def __init__(self, make: Any, selection: Selection) -> None:
        self.make, self.levels = make, selection.levels

    def __call__(self, *args: Any) -> list[Tensor]:
        maps: list[Tensor] = self.make(*args)
        whole, noisy = maps[: -len(self.levels)], []
        for x, level in zip(maps[-len(self.levels) :], self.levels, strict=True):
            assert level is not None
            noisy.append(x + ~level.kept[None, :, None, None] * torch.randn_like(x))
        return [*whole, *noisy]


@pytest.mark.parametrize("kind", ["ATOMTracker", "DiMPTracker"])
def test_dropped_channels_have_no_influence_on_the_classifier(
    models: dict[str, Any], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = tracker_of(models, kind, *HALF)
    assert isinstance(tracker, OnlineTracker)

    def learned_and_found() -> tuple[Tensor, OnlineCandidate]:
        tracker.init(FRAME, BOX)
        return tracker.filter, tracker.locate(NEXT, tracker.search_region())  # type: ignore[attr-defined]

    kernel, before = learned_and_found()
    chosen = tracker.selection
    assert chosen is not None
    monkeypatch.setattr(TargetAwareSelector, "choose", lambda *_: chosen)
    monkeypatch.setattr(models[kind], "features", NoisyWhereDropped(models[kind].features, chosen))
    noisy_kernel, after = learned_and_found()
    assert torch.equal(kernel, noisy_kernel) and torch.equal(before.sample, after.sample)
    assert (before.box_cxcywh, before.score) == (after.box_cxcywh, after.score)
    assert not torch.equal(before.features[-1], after.features[-1])  # the overlap head sees the maps as they are


@pytest.mark.parametrize("kind", ["LMTTracker", "LMT by crops"])
def test_dropped_channels_have_no_influence_on_lmt(
    models: dict[str, Any], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = tracker_of(models, kind, *HALF)
    before = run(tracker)
    chosen = tracker.selection
    assert chosen is not None
    assert before != run(tracker_of(models, kind, on=False))
    monkeypatch.setattr(TargetAwareSelector, "choose", lambda *_: chosen)
    pool = models[kind].pool
    monkeypatch.setattr(pool, "maps", NoisyWhereDropped(pool.maps, chosen))
    assert run(tracker) == before


@pytest.mark.parametrize("kind", ["ATOMTracker", "DiMPTracker"])
def test_atom_and_dimp_choose_of_the_map_that_the_classifier_takes(models: dict[str, Any], kind: str) -> None:
    tracker = tracker_of(models, kind, *HALF)
    run(tracker)
    assert tracker.selection is not None and len(tracker.selection.levels) == 1
    view = tracker.selection_view(FRAME)
    assert [x.shape[1] for x in view.maps] == channels_of(tracker) == models[kind].backbone.out_channels[-1:]
    assert view.crop.shape == (128, 128, 3) and view.crop.dtype == np.uint8
    assert view.middles == [(63.5 / 16, 63.5 / 16)]
    assert tracker.template_hw == [(4, 4)]  # twice the target's side, of four in the crop, on 8 cells


def test_lmt_chooses_of_the_maps_that_boxes_are_read_from(models: dict[str, Any]) -> None:
    tracker = tracker_of(models, "LMTTracker", *HALF)
    run(tracker)
    view = tracker.selection_view(FRAME)
    assert [x.shape[1] for x in view.maps] == channels_of(tracker) == [32, 32]
    assert [x.shape[-1] for x in view.maps] == [view.crop.shape[1] // 8, view.crop.shape[1] // 16]
    assert tracker.template_hw == [(16, 16), (8, 8)]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_stays_of_the_target_before(models: dict[str, Any], kind: str) -> None:
    tracker = tracker_of(models, kind, *HALF)
    expected = run(tracker)
    other = np.ascontiguousarray(255 - FRAME[::-1])
    assert run(tracker, other) != expected
    assert run(tracker) == expected
    fresh = tracker_of(models, kind, *HALF)
    assert run(fresh) == expected


@pytest.mark.parametrize("kind", ["ATOMTracker", "DiMPTracker", "LMTTracker"])
def test_the_first_choice_stays(models: dict[str, Any], kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = tracker_of(models, kind, *HALF)
    tracker.init(FRAME, BOX)
    chosen = tracker.selection
    for learn in (True, False):
        tracker.track(NEXT, learn=learn)
    assert tracker.selection is chosen


@pytest.mark.parametrize("kind", ["ATOMTracker", "LMTTracker"])
def test_a_crop_of_one_color_keeps_all(models: dict[str, Any], kind: str) -> None:
    gray = np.full_like(FRAME, 77)
    tracker, plain = tracker_of(models, kind, *HALF), tracker_of(models, kind, on=False)
    for one in (tracker, plain):
        one.init(gray, BOX)
    assert tracker.selection is not None and tracker.selection.kept == channels_of(tracker)
    assert tracker.track(FRAME) == plain.track(FRAME)


@pytest.mark.parametrize(
    ("kind", "opts", "message"),
    [
        ("ATOMTracker", ["TARGET_AWARE.TOPK", "[129]"], "asks for 129 channels of feature map 0, which has 128"),
        ("LMTTracker", ["TARGET_AWARE.TOPK", "[16, 40]"], "asks for 40 channels of feature map 1, which has 32"),
        (
            "DiMPTracker",
            ["TARGET_AWARE.LEVELS", "[1]"],
            r"LEVELS is \[1\], but .* of 1 feature map.s. .\[128\]",
        ),
        (
            "LMTTracker",
            ["TARGET_AWARE.LEVELS", "[0, 2]"],
            r"LEVELS is \[0, 2\], but .* of 2 feature map.s. .\[32, 32\]",
        ),
        ("LMTTracker", ["TARGET_AWARE.KEEP_RATIO", "1.5"], "KEEP_RATIO is 1.5"),
    ],
)
def test_what_maps_do_not_have(models: dict[str, Any], kind: str, opts: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tracker_of(models, kind, *opts)


@pytest.mark.parametrize("name", ["atom_r18", "dimp_tiny", "lmt_vggm_otb"])
@pytest.mark.parametrize(
    ("opts", "message"),
    [
        (
            ["TARGET_AWARE.REFIT_INTERVAL", "10"],
            "REFIT_INTERVAL is 10, but TRACK.TYPE .* learns from features",
        ),
        (["TARGET_AWARE.MODE", "index"], "MODE is index, but TRACK.TYPE .* takes maps of a fixed"),
    ],
)
def test_what_cannot_be_switched_on(name: str, opts: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(name, ["TARGET_AWARE.ENABLED", "True", *opts])


def test_one_level_of_two_can_be_chosen_of(models: dict[str, Any]) -> None:
    tracker = tracker_of(models, "LMTTracker", *HALF, "TARGET_AWARE.LEVELS", "[-1]")
    run(tracker)
    assert tracker.selection is not None and tracker.selection.kept == [16]
    assert tracker.selection.levels[0] is None
