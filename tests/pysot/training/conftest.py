"""What training tests share: two real processes, started once, and a small training set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing as mp

from tests.pysot.training.small_run import write_videos
from tests.pysot.training.two_processes import WORLD, worker


@pytest.fixture(scope="session")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two gloo processes found (see two_processes.py)."""
    folder: Path = tmp_path_factory.mktemp("gloo")
    mp.spawn(worker, (folder,), nprocs=WORLD)
    return [torch.load(folder / f"rank{rank}.pt") for rank in range(WORLD)]


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain folder of two drawn sequences of twelve frames, with masks."""
    return write_videos(tmp_path_factory.mktemp("videos"))
