"""The snapshots that come with the project: small, quick to load, and as good as the catalog says."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch

import pysot
from pysot.config.experiments import experiments_dir
from pysot.zoo.catalog import CATALOG
from pysot.zoo.hashing import sha256_of
from pysot.zoo.loading import read_state_dict
from pysot.zoo.locate import find_snapshot
from toolkit.datasets import load_benchmark
from toolkit.evaluation.ope import RULES, OpeTruth
from toolkit.protocols.ope import run_ope

OWN = {entry.name: entry for entry in CATALOG.values() if entry.is_own}
TRACKERS = [entry.name for entry in OWN.values() if entry.is_tracker]
CHECKS = [(name, sequence) for name in TRACKERS for sequence in OWN[name].checks]


@pytest.fixture(autouse=True)
def no_other_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYSOT_ZOO", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_every_own_snapshot_has_a_row() -> None:
    here = {path.parent.name: path for path in experiments_dir().glob("*/model.safetensors")}
    lacking = "\n".join(f"python tools/zoo.py add {here[name]}" for name in sorted(set(here) - set(OWN)))
    assert not lacking, f"These snapshots have no row in pysot/zoo/catalog.py; this prints it:\n{lacking}"
    assert not set(OWN) - set(here), "These rows of the catalog have no file in experiments/."


def test_all_together_are_small() -> None:
    assert sum(find_snapshot(name, download=False).stat().st_size for name in OWN) < 30_000_000


@pytest.mark.parametrize("name", OWN)
def test_the_row_is_of_this_file(name: str) -> None:
    path = find_snapshot(name, download=False)
    found = (sha256_of(path), path.stat().st_size)
    assert found == (OWN[name].sha256, OWN[name].size), f"`python tools/zoo.py add {path}` prints the row of this file"
    assert all(torch.isfinite(value).all() for value in read_state_dict(path).values())
    assert len(OWN[name].checks) >= 2 or not OWN[name].is_tracker


@pytest.mark.parametrize("name", TRACKERS)
def test_quick_to_load(name: str) -> None:
    pysot.load_tracker(name, device="cpu")  # imports done
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        pysot.load_tracker(name, device="cpu")
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 1.0


def test_the_default_is_ours() -> None:
    weights = read_state_dict(find_snapshot("atom_tiny", download=False))
    state = pysot.load_tracker(device="cpu").model.state_dict()
    key = "bb_regressor.iou_predictor.weight"
    np.testing.assert_array_equal(state[key], weights[key])


@pytest.mark.parametrize(("name", "sequence"), CHECKS)
def test_scores_what_the_catalog_says(name: str, sequence: str) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        scene = load_benchmark("SYNTH", video=sequence).sequences[0]
        boxes_xywh = run_ope(pysot.load_tracker(name, device="cpu"), scene).boxes_xywh
    finally:
        torch.set_num_threads(before)
    success = float(OpeTruth([scene], RULES["pysot"]).score([boxes_xywh]).success.mean())
    assert success == pytest.approx(OWN[name].checks[sequence], abs=0.02)
