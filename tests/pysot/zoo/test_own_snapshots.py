"""The snapshots that come with the project: small, quick to load, and as good as the model zoo says."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch

import pysot
from pysot.core.experiments import experiments_dir
from pysot.zoo.loading import read_state_dict
from pysot.zoo.locate import find_snapshot
from toolkit.datasets import load_benchmark
from toolkit.evaluation.ope import RULES, OpeTruth
from toolkit.protocols.ope import run_ope

SCORES = {"siamrpn_tiny": {"rotation_1": 0.797, "occlusion_1": 0.320}}
"""Success on two sequences of SYNTH, one thread."""


@pytest.fixture(autouse=True)
def no_other_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYSOT_ZOO", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_every_own_snapshot_is_tested() -> None:
    assert {path.parent.name for path in experiments_dir().glob("*/model.safetensors")} == set(SCORES)


@pytest.mark.parametrize("name", SCORES)
def test_small_and_quick(name: str) -> None:
    path = find_snapshot(name, download=False)
    assert path.stat().st_size <= 4_000_000
    pysot.load_tracker(name, device="cpu")  # imports done
    began = time.perf_counter()
    pysot.load_tracker(name, device="cpu")
    assert time.perf_counter() - began < 1.0
    assert all(torch.isfinite(value).all() for value in read_state_dict(path).values())


def test_the_default_is_ours() -> None:
    weights = read_state_dict(find_snapshot("siamrpn_tiny", download=False))
    state = pysot.load_tracker(device="cpu").model.state_dict()  # type: ignore[attr-defined]
    np.testing.assert_array_equal(state["rpn_head.cls.head.9.weight"], weights["rpn_head.cls.head.9.weight"])


@pytest.mark.parametrize(("name", "sequence"), [(name, sequence) for name in SCORES for sequence in SCORES[name]])
def test_scores_what_the_zoo_says(name: str, sequence: str) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        scene = load_benchmark("SYNTH", video=sequence).sequences[0]
        boxes_xywh = run_ope(pysot.load_tracker(name, device="cpu"), scene).boxes_xywh
    finally:
        torch.set_num_threads(before)
    success = float(OpeTruth([scene], RULES["pysot"]).score([boxes_xywh]).success.mean())
    assert success == pytest.approx(SCORES[name][sequence], abs=0.02)
