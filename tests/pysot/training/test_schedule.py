"""Learning rates against PySOT's and the published tables; misuse says what to change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysot.core.errors import ConfigError
from pysot.training.schedule import learning_rates
from tests.golden import recorded

STEP_UP = {"start_lr": 0.001, "end_lr": 0.005, "step": 1}


def test_defaults_equal_pysots() -> None:
    rates = np.ravel(recorded("pysot_units.json")["lr_default_20ep"])
    np.testing.assert_allclose(learning_rates(20, warmup_epochs=5), rates, rtol=1e-12)


def test_resnet50_table() -> None:
    rates = learning_rates(20, "log", {"start_lr": 0.005, "end_lr": 0.0005}, warmup_epochs=5, warmup_options=STEP_UP)
    table = [0.001, 0.00138, 0.001904, 0.002627, 0.003624, 0.005, 0.004242, 0.003598, 0.003053, 0.00259]
    table += [0.002197, 0.001864, 0.001581, 0.001341, 0.001138, 0.000965, 0.000819, 0.000695, 0.000589, 0.0005]
    np.testing.assert_allclose(rates, table, atol=5.1e-7)


def test_nanotrack_table() -> None:
    rates = learning_rates(50, "log", {"start_lr": 0.005, "end_lr": 0.0005}, warmup_epochs=5, warmup_options=STEP_UP)
    np.testing.assert_allclose(rates[:5], 0.001 * 5.0 ** (np.arange(5) / 5), rtol=1e-12)
    np.testing.assert_allclose(rates[5:], np.logspace(np.log10(0.005), np.log10(0.0005), 45), rtol=1e-12)


def test_curve_is_scaled_to_the_base_rate() -> None:
    """AlexNet's list starts at 0.01 with a base rate of 0.005: the groups get half of the list, as in PySOT."""
    options = {"start_lr": 0.01, "end_lr": 0.0005}
    rates = learning_rates(
        50,
        "log",
        options,
        base_lr=0.005,
        warmup_epochs=5,
        warmup_options={"start_lr": 0.005, "end_lr": 0.01, "step": 1},
    )
    assert (
        rates[0] == pytest.approx(0.0025) and rates[5] == pytest.approx(0.005) and rates[-1] == pytest.approx(0.00025)
    )
    np.testing.assert_allclose(learning_rates(50, "log", options, base_lr=0.02), learning_rates(50, "log", options) * 4)


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("step", {"start_lr": 1, "step": 2, "mult": 0.5}, [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]),
        ("step", {"start_lr": 1, "end_lr": 1 / 16, "step": 2}, [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]),
        ("multi-step", {"start_lr": 1, "steps": [2, 5], "mult": 0.1}, [1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01]),
        ("multi-step", {"start_lr": 1, "end_lr": 0.01, "steps": [2, 5]}, [1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01]),
        ("linear", {"start_lr": 8, "end_lr": 1}, [8, 7, 6, 5, 4, 3, 2, 1]),
        ("log", {"start_lr": 128, "end_lr": 1}, [128, 64, 32, 16, 8, 4, 2, 1]),
        ("cos", {"start_lr": 3, "end_lr": 1}, 2 + np.cos(np.pi * np.arange(8) / 8)),
    ],
)
def test_courses(kind: str, options: dict[str, Any], expected: list[float]) -> None:
    rates = learning_rates(8, kind, options, base_lr=float(options["start_lr"]))
    assert rates.dtype == np.float64
    np.testing.assert_allclose(rates, expected, rtol=1e-12)


@given(
    st.integers(1, 60),
    st.sampled_from(["log", "step", "multi-step", "linear", "cos"]),
    st.sampled_from(["log", "step", "linear", "cos"]),
    st.integers(0, 10),
)
def test_every_pairing_has_a_positive_rate_per_epoch(epochs: int, kind: str, warmup_kind: str, warmup: int) -> None:
    warmup = min(warmup, epochs - 1)
    rates = learning_rates(epochs, kind, base_lr=0.3, warmup_epochs=warmup, warmup_kind=warmup_kind)
    assert rates.shape == (epochs,) and (rates > 0).all()
    assert rates[warmup] == pytest.approx(0.3)
    assert (np.diff(rates[warmup:]) <= 0).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "lgo"}, ["TRAIN.LR.TYPE", "lgo", "log", "multi-step"]),
        ({"warmup_epochs": 3, "warmup_kind": "cosine"}, ["TRAIN.LR_WARMUP.TYPE", "cosine", "cos"]),
        ({"options": {"stop_lr": 1}}, ["TRAIN.LR.KWARGS", "stop_lr"]),
        ({"warmup_epochs": -1}, ["TRAIN.LR_WARMUP.EPOCH", "-1"]),
        ({"epochs": 0}, ["TRAIN.EPOCH", "0"]),
        ({"options": {"start_lr": -1}}, ["TRAIN.LR.KWARGS", "positive"]),
        ({"options": {"end_lr": 0}}, ["TRAIN.LR.KWARGS", "positive"]),
        ({"kind": "linear", "options": {"end_lr": 0}}, ["TRAIN.LR.KWARGS", "positive"]),
        ({"kind": "step", "options": {"step": 0}}, ["TRAIN.LR.KWARGS", "step is 0"]),
        ({"kind": "step", "options": {"step": 20, "end_lr": 0.001}}, ["TRAIN.LR.KWARGS", "20"]),
        ({"kind": "step", "options": {"start_lr": 0, "end_lr": 0.001, "step": 1}}, ["TRAIN.LR.KWARGS"]),
        ({"kind": "step", "options": {"start_lr": -1, "end_lr": 0.001, "step": 1}}, ["TRAIN.LR.KWARGS"]),
        ({"kind": "multi-step", "options": {"steps": [], "end_lr": 0.001}}, ["TRAIN.LR.KWARGS", "steps"]),
    ],
)
def test_misuse_names_the_key(arguments: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        learning_rates(**{"epochs": 10, **arguments})
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(("epochs", "warmup"), [(1, 1), (1, 5), (3, 5)])
def test_a_warm_up_leaves_an_epoch_of_a_short_run(epochs: int, warmup: int, caplog: pytest.LogCaptureFixture) -> None:
    rates = learning_rates(epochs, "log", warmup_epochs=warmup, warmup_options=STEP_UP)
    assert len(rates) == epochs and rates[-1] == 0.005
    assert list(rates) == list(learning_rates(epochs, "log", warmup_epochs=epochs - 1, warmup_options=STEP_UP))
    assert f"TRAIN.EPOCH {epochs}; it is shortened to {epochs - 1}" in caplog.text
