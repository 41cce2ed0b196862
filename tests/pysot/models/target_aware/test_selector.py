"""The selector: which channels its rules keep, what it refuses, and what a selection does to feature maps."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pysot.core.errors import ConfigError, SotError
from pysot.models.target_aware import SELECTORS, LevelSelection, SearchView, Selection, SelectionParams, make_selector
from pysot.models.target_aware.params import RULES, SOLVERS, USUAL_RATIO
from pysot.models.target_aware.selector import TargetAwareSelector, best_channels, fill_up

ON = SelectionParams(enabled=True)


def maps(channels: tuple[int, ...] = (12, 20), side: int = 11, mean: float = 0.1) -> list[Tensor]:
    """Noise; in each map channel 3 has a bump in the middle."""
    generator = torch.Generator().manual_seed(sum(channels))
    made = []
    for count in channels:
        x = mean + 0.2 * torch.rand(1, count, side, side, generator=generator)
        x[0, 3, side // 2 - 1 : side // 2 + 2, side // 2 - 1 : side // 2 + 2] += 1.0
        made.append(x)
    return made


def view_of(search: list[Tensor], color: int = 255) -> SearchView:
    """A crop, black but for one pixel of `color`, that the maps look at the middle of."""
    crop = np.zeros((8, 8, 3), np.uint8)
    crop[0, 0] = color
    return SearchView(crop, search, [((x.shape[2] - 1) / 2, (x.shape[3] - 1) / 2) for x in search], 1.0)


def fit(params: SelectionParams, search: list[Tensor]) -> Selection:
    selector = make_selector(params, [x.shape[1] for x in search])
    assert selector is not None
    return selector.choose(view_of(search), [(6, 6)] * len(search))


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_channel_on_the_target_is_kept(solver: str) -> None:
    selection = fit(replace(ON, solver=solver, topk=(1,)), maps())
    assert [level.indices for level in selection.levels if level] == [[3], [3]]
    assert selection.kept == [1, 1] and selection.seconds > 0


def test_equal_seeds_give_equal_selections() -> None:
    params = replace(ON, solver="sgd", keep_ratio=0.5)
    first, second = fit(params, maps()), fit(params, maps())
    assert [level.indices for level in first.levels if level] == [level.indices for level in second.levels if level]
    for a, b in zip(first.levels, second.levels, strict=True):
        assert a is not None and b is not None and torch.equal(a.importance, b.importance)


IMPORTANCE = st.lists(st.floats(-5, 5, allow_subnormal=False), min_size=1, max_size=12)


@settings(max_examples=80, deadline=None)
@given(IMPORTANCE, st.sampled_from(RULES), st.integers(1, 12))
def test_rules(values: list[float], rule: str, count: int) -> None:
    count = min(count, len(values))
    kept = best_channels(torch.tensor(values, dtype=torch.float64), rule, count).tolist()
    inside = [v for v, k in zip(values, kept, strict=True) if k]
    outside = [v for v, k in zip(values, kept, strict=True) if not k]
    positive = sum(v > 0 for v in values)
    strength = abs if rule == "topk_abs" else float
    expected = {"positive": positive, "topk_positive": min(count, positive)}.get(rule, count)
    assert len(inside) == max(1, expected)
    assert min(map(strength, inside)) >= max(map(strength, outside), default=float("-inf"))


@given(IMPORTANCE, st.integers(1, 12))
def test_ties_go_to_the_first_channel(values: list[float], count: int) -> None:
    count = min(count, len(values))
    kept = best_channels(torch.tensor(values, dtype=torch.float64), "topk", count)
    expected = sorted(range(len(values)), key=lambda i: (-values[i], i))[:count]
    assert kept.nonzero().flatten().tolist() == sorted(expected)


def test_too_few_channels_are_filled_up_from_the_deepest_level() -> None:
    kept = {0: torch.tensor([True, False, False]), 1: torch.tensor([False, True, False])}
    importance = {0: torch.tensor([3.0, 1.0, 2.0]), 1: torch.tensor([-2.0, 5.0, -1.0])}
    four = fill_up(kept, importance, 4)
    assert four[0].tolist() == [True, False, False] and four[1].tolist() == [True, True, True]
    five, all_of_them = fill_up(kept, importance, 5), fill_up(kept, importance, 100)
    assert five[0].tolist() == [True, False, True]
    assert all(mask.all() for mask in all_of_them.values())
    assert kept[1].tolist() == [False, True, False]
    emptied = fill_up({0: torch.zeros(3, dtype=torch.bool)}, importance, 0)
    assert emptied[0].tolist() == [True, False, False]


def test_min_total_reaches_the_selector() -> None:
    assert sum(fit(replace(ON, topk=(2,), min_total=9), maps()).kept) == 9


def test_levels_that_are_not_selected_keep_everything() -> None:
    search = maps((12, 20, 16))
    selection = fit(replace(ON, levels=(-1, 0), topk=(2, 3, 4)), search)
    assert selection.levels[1] is None and selection.kept == [2, 4]
    out = selection.apply(search)
    assert out[1] is search[1]
    assert [int((x.abs().sum((0, 2, 3)) > 0).sum()) for x in out] == [2, 20, 4]


def test_the_share_counts_unless_a_number_is_given() -> None:
    search = maps((12, 20))
    assert fit(replace(ON, keep_ratio=0.25), search).kept == [3, 5]
    assert fit(replace(ON, keep_ratio=0.25, topk=(7,)), search).kept == [3, 5]
    assert fit(replace(ON, topk=(7,)), search).kept == [7, 7]
    assert fit(ON, search).kept == [round(12 * USUAL_RATIO), round(20 * USUAL_RATIO)]


def selection_of(kept: list[bool]) -> Selection:
    return Selection([LevelSelection(torch.tensor(kept), torch.arange(len(kept)).float())])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_mask_zeroes_and_changes_nothing_else(dtype: torch.dtype) -> None:
    selection = selection_of([True, False, True, False])
    x = torch.randn(3, 4, 5, 6).to(dtype)
    before = x.clone()
    (once,) = selection.apply([x])
    assert torch.equal(x, before) and once.dtype is dtype and once.shape == x.shape
    assert torch.equal(once[:, [0, 2]], x[:, [0, 2]]) and not once[:, [1, 3]].any()
    assert torch.equal(selection.apply([once])[0], once)
    assert torch.equal(selection.pick([x])[0], x[:, [0, 2]])


def test_keeping_all_hands_on_the_map_itself() -> None:
    x = torch.randn(1, 4, 5, 5)
    assert selection_of([True] * 4).apply([x])[0] is x


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"topk": (13,)}, "TOPK asks for 13 channels of feature map 0, which has 12.*KEEP_RATIO"),
        ({"topk": (1, 21)}, "asks for 21 channels of feature map 1, which has 20"),
        ({"topk": (1, 2, 3)}, "TOPK .1, 2, 3. has 3 entries for 2 feature map"),
        ({"lr": (1e-3, 1e-3, 1e-3)}, "LR .* has 3 entries for 2 feature map"),
        ({"levels": (0, 2)}, "LEVELS is .0, 2., but .* of 2 feature map.s."),
        ({"levels": (1, -1)}, "at most once"),
        ({"levels": (0,), "rank_loss": True, "rank_level": 1}, "RANK_LEVEL is 1, which is not selected"),
        ({"type": "NoSelector"}, "no channel selector 'NoSelector'.*TAFSelector"),
    ],
)
def test_what_does_not_fit_the_network(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_selector(replace(ON, **changes), (12, 20))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"topk": (1, 2), "lr": (1e-3, 1e-3, 1e-3)}, "differ in length: TOPK .1, 2., LR"),
        ({"topk": (0,)}, "TOPK is .0.; expected whole numbers from 1"),
        ({"topk": ("a",)}, "TOPK is .'a'."),
        ({"levels": (0.5,)}, "LEVELS is .0.5."),
        ({"solver": "adam"}, "SOLVER is 'adam'; expected one of sgd, ridge, gradient"),
        ({"select": "best"}, "SELECT is 'best'"),
        ({"importance": "sum"}, "IMPORTANCE is 'sum'"),
        ({"mode": "drop"}, "MODE is 'drop'; expected mask or index"),
        ({"keep_ratio": 0.0}, "KEEP_RATIO is 0.0"),
        ({"keep_ratio": 1.5}, "KEEP_RATIO is 1.5"),
        ({"iters": 0}, "ITERS is 0"),
        ({"lr": ()}, "LR is "),
        ({"momentum": (1.0,)}, "MOMENTUM is .1.0."),
        ({"ridge_lambda": 0.0}, "RIDGE_LAMBDA is 0.0; expected a number above 0"),
        ({"kernel_shrink": -2}, "KERNEL_SHRINK is -2"),
        ({"refit_interval": -1}, "REFIT_INTERVAL is -1"),
    ],
)
def test_values_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SelectionParams(**changes)


def test_nothing_is_selected_when_switched_off() -> None:
    assert make_selector(SelectionParams(topk=(9999,)), (12,)) is None
    assert list(SELECTORS) == ["TAFSelector"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_features_that_are_not_finite(value: float) -> None:
    search = maps()
    search[1][0, 5, 2, 2] = value
    with pytest.raises(SotError, match="Feature map 1 of the first frame is not finite"):
        fit(ON, search)


def test_constant_features_keep_everything_and_are_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    selector = TargetAwareSelector(replace(ON, topk=(1,)), (12, 20))
    flat = [torch.full_like(x, 0.7) for x in maps()]
    for _ in range(3):
        assert selector.choose(view_of(flat), [(6, 6)] * 2).kept == [12, 20]
    assert caplog.text.count("No channels can be preferred") == 1


@pytest.mark.parametrize("solver", SOLVERS)
def test_one_dead_map_does_not_hinder_the_others(solver: str) -> None:
    search = maps()
    search[0] = torch.zeros_like(search[0])
    selection = fit(replace(ON, solver=solver, topk=(2,)), search)
    assert selection.kept == [2, 2]
    assert selection.levels[1] is not None and 3 in selection.levels[1].indices


def test_a_descent_that_diverges_is_solved_in_closed_form(caplog: pytest.LogCaptureFixture) -> None:
    wild = replace(ON, solver="sgd", lr=(10.0,), lr_auto=False, keep_ratio=0.5)
    with caplog.at_level(logging.WARNING):
        selection = fit(wild, maps())
    assert "diverged on feature map 0; solved by ridge" in caplog.text
    ridge = fit(replace(ON, keep_ratio=0.5), maps())
    assert [level.indices for level in selection.levels if level] == [level.indices for level in ridge.levels if level]


def test_sgd_and_ridge_agree_on_most_channels() -> None:
    """24 of 96 channels carry the target at different strengths, all are noisy; by chance they would share half."""
    generator = torch.Generator().manual_seed(3)
    x = torch.rand(1, 96, 15, 15, generator=generator)
    label = TargetAwareSelector(ON, (96,)).label((15, 15), (8, 8), (7, 7)).float()
    x[0, ::4] += torch.linspace(0.1, 2.0, 24)[:, None, None] * label
    kept = [
        set(level.indices)
        for solver in ("sgd", "ridge")
        for level in fit(replace(ON, solver=solver, keep_ratio=0.5, early_stop=0.0), [x]).levels
        if level
    ]
    assert len(kept[0] & kept[1]) >= 0.8 * 48


def test_a_selection_is_said_as_json() -> None:
    read = json.loads(json.dumps(fit(replace(ON, topk=(2, 3), levels=(1,)), maps()).as_dict(), allow_nan=False))
    assert read["ta_levels"] == [1] and read["ta_kept"] == [3] and read["ta_of"] == [20] and read["ta_iters"] == [0]
    assert 3 in read["ta_channels"][0] and len(read["ta_importance"][0]) == 20 and read["ta_fit_time"] > 0
    everything = TargetAwareSelector(ON, (12, 20)).choose(view_of(maps(), color=0), [(6, 6)] * 2).as_dict()
    assert everything["ta_kept"] == [12, 20] and everything["ta_loss"] == [None, None]
