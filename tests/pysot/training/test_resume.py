"""A killed run that goes on ends with the weights of a run that was left alone, bit for bit."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from pysot.config.loading import load_config
from pysot.core.device import resolve_device
from pysot.core.errors import SnapshotError
from pysot.training.builder import build_trainer
from pysot.training.checkpoint import load_checkpoint
from pysot.training.distributed import DistributedContext
from tests.pysot.training.small_run import small_config

STEPS_PER_EPOCH, STEPS = 6, 12


def command(repo: Path, config: Path, *more: str) -> list[str]:
    return [sys.executable, str(repo / "tools" / "train.py"), "--config", str(config), "--quiet", *more]


def logged_steps(run: Path) -> list[int]:
    path = run / "logs" / "log.csv"
    if not path.is_file():
        return []
    return [int(row["step"]) for row in csv.DictReader(path.open()) if row["step"]]


def kill_at(repo: Path, config: Path, run: Path, step: int, *more: str) -> None:
    """Starts training and sends SIGKILL once `step` steps are in the log."""
    process = subprocess.Popen(command(repo, config, *more), stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 120
        while (logged_steps(run) or [0])[-1] < step:
            assert process.poll() is None, process.stderr.read().decode()  # type: ignore[union-attr]
            assert time.monotonic() < deadline
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()  # type: ignore[union-attr]


def final_weights(run: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = load_checkpoint(run / "snapshot" / "checkpoint_e2.pth")["state_dict"]
    return state


def test_killed_and_resumed_equals_left_alone(repo: Path, videos: Path, tmp_path: Path) -> None:
    """Two kills at random steps, before and after the backbone is unfrozen at step 6."""
    rng = np.random.default_rng()  # a new place every time
    places = int(rng.integers(1, STEPS_PER_EPOCH)), int(rng.integers(STEPS_PER_EPOCH, STEPS - 1))
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    subprocess.run(command(repo, small_config(videos, alone)), check=True, capture_output=True)
    config = small_config(videos, killed)
    kill_at(repo, config, killed, places[0])
    kill_at(repo, config, killed, places[1], "--resume", "auto")
    subprocess.run(command(repo, config, "--resume", "auto"), check=True, capture_output=True)

    expected, found = final_weights(alone), final_weights(killed)
    different = [name for name in expected if not torch.equal(expected[name], found[name])]
    assert not different, f"killed at steps {places}: {different[:5]} of {len(expected)} differ"
    assert logged_steps(killed) == list(range(1, STEPS + 1))
    fresh = final_weights(alone)["backbone.layer3.0.0.weight"]
    stem = load_checkpoint(alone / "snapshot" / "checkpoint_e1.pth")["state_dict"]["backbone.layer3.0.0.weight"]
    assert not torch.equal(fresh, stem), "the backbone never learned"


def test_frozen_stage_leaves_backbone_alone(videos: Path, tmp_path: Path) -> None:
    cfg = load_config(small_config(videos, tmp_path, TRAIN__EPOCH=1))
    trainer = build_trainer(cfg, resolve_device("cpu"), DistributedContext(), quiet=True)
    before = {name: value.clone() for name, value in trainer.recipe.model.state_dict().items()}
    trainer.run()
    for name, value in trainer.recipe.model.state_dict().items():
        if name.startswith("backbone."):
            assert torch.equal(before[name], value), name
        elif name.endswith("weight"):
            assert not torch.equal(before[name], value), name


def test_resume_from_another_architecture(videos: Path, tmp_path: Path) -> None:
    cfg = load_config(small_config(videos, tmp_path / "a", TRAIN__EPOCH=1))
    build_trainer(cfg, resolve_device("cpu"), DistributedContext(), quiet=True).run()
    wider = small_config(videos, tmp_path / "b", RPN__KWARGS={"anchor_num": 5, "in_channels": 16, "out_channels": 24})
    with pytest.raises(SnapshotError, match=r"another architecture.*\n.*wrong shape"):
        build_trainer(
            load_config(wider),
            resolve_device("cpu"),
            DistributedContext(),
            resume=str(tmp_path / "a" / "snapshot" / "checkpoint_e1.pth"),
        )


def test_resume_with_another_batch_size(videos: Path, tmp_path: Path) -> None:
    cfg = load_config(small_config(videos, tmp_path, TRAIN__EPOCH=1))
    build_trainer(cfg, resolve_device("cpu"), DistributedContext(), quiet=True).run()
    other = load_config(small_config(videos, tmp_path, TRAIN__BATCH_SIZE=2))
    with pytest.raises(SnapshotError, match="12"):
        build_trainer(other, resolve_device("cpu"), DistributedContext(), resume="auto")
