"""Two processes with half the batch each learn what one process learns."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.pysot.training.small_run import small_config


def losses(run: Path) -> np.ndarray:
    return np.array([float(row["total"]) for row in csv.DictReader((run / "logs" / "log.csv").open())])


def test_two_gloo_processes_follow_one(repo: Path, videos: Path, tmp_path: Path) -> None:
    together = {"TRAIN__GRAD_REDUCE": "avg", "TRAIN__SYNC_BN": True}
    one = small_config(videos, tmp_path / "one", TRAIN__BATCH_SIZE=4, **together)
    two = small_config(videos, tmp_path / "two", TRAIN__BATCH_SIZE=2, **together)
    script = str(repo / "tools" / "train.py")
    subprocess.run([sys.executable, script, "--config", str(one), "--quiet"], check=True, capture_output=True)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    subprocess.run([*torchrun, script, "--config", str(two), "--quiet"], check=True, capture_output=True)
    first, second = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert len(first) == len(second) == 12
    np.testing.assert_allclose(second, first, rtol=1e-4, atol=1e-4)
    assert first[-1] != first[0]
