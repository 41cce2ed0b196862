"""`examples/plugin` is built, installed into an environment of its own, and used by every command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import cv2
import numpy as np
import pytest

CONFIG = """
META_ARC: example
BACKBONE: {TYPE: example_net, KWARGS: {width: 8}, TRAIN_LAYERS: [features], TRAIN_EPOCH: 0}
HEAD: {TYPE: HEATMAP}
TRACK: {TYPE: HeatmapTracker, HEATMAP_WINDOW: 0.4}
DATASET: {NAMES: [DRAWN], VIDEOS_PER_EPOCH: 4, DRAWN: {KIND: synth, COUNT: 1, CACHE: 1, NUM_USE: 4}}
TRAIN: {EPOCH: 1, BATCH_SIZE: 2, NUM_WORKERS: 1, LR_WARMUP: {WARMUP: false}, LOG_DIR: logs, SNAPSHOT_DIR: snapshot}
"""


class Installed:
    """The commands, in a Python that has the toolkit of this checkout and the plug-in."""

    def __init__(self, python: Path, folder: Path) -> None:
        self.python, self.folder = python, folder

    def pysot(self, *words: str, code: int = 0, **environment: str) -> str:
        done = subprocess.run(
            [str(self.python), "-m", "pysot.cli.main", *words],
            cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": "", **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, repo: Path) -> Installed:
    """The plug-in's wheel in a fresh environment beside this one's packages; two sequences of noise; the config."""
    folder = tmp_path_factory.mktemp("plugin")
    source = folder / "source"
    subprocess.run(["cp", "-r", str(repo / "examples" / "plugin"), str(source)], check=True)
    venv.create(folder / "env", with_pip=False, symlinks=True)
    python = folder / "env" / "bin" / "python"
    site = next((folder / "env").glob("lib/python*/site-packages"))
    (site / "here.pth").write_text(f"{repo}\n{sysconfig.get_paths()['purelib']}\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", "--no-build-isolation", str(source)], check=True)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (folder / "data" / "EXAMPLE" / name).mkdir(parents=True)
        for index in range(4):
            image = cv2.blur(rng.integers(0, 255, (90, 120, 3), dtype=np.uint8), (9, 9))
            cv2.imwrite(str(folder / "data" / "EXAMPLE" / name / f"{index + 1:04d}.png"), image)
        (folder / "data" / "EXAMPLE" / name / "groundtruth.txt").write_text("40,30,24,20\n" * 4)
    (folder / "example").mkdir()
    (folder / "example" / "config.yaml").write_text(CONFIG)
    return Installed(python, folder)


def test_the_package_goes_through_every_command(installed: Installed) -> None:
    folder = installed.folder
    snapshot = str(folder / "model.safetensors")
    installed.pysot("train", "--config", "example/config.yaml", "--out", snapshot, "--device", "cpu")
    run = ["--config", "example/config.yaml", "--snapshot", snapshot, "--device", "cpu"]
    where = ["--dataset", "example", "--dataset_root", str(folder / "data")]
    installed.pysot("test", *run, *where, "--workers", "2")
    assert len(list(folder.glob("results/EXAMPLE/*/steady/*/*_001.txt"))) == 2
    scores = folder / "scores.json"
    table = installed.pysot("eval", *where, "--tracker_path", "results", "--json", str(scores))
    assert "the first frame again and again" in table and "Walk" in table
    assert json.loads(scores.read_text())["protocol"] == "steady"
    video = str(folder / "data" / "EXAMPLE" / "a")
    installed.pysot("demo", video, *run, "--init-box", "40,30,24,20", "--no-display", "--save", str(folder / "out.avi"))
    assert (folder / "out.avi").stat().st_size > 0


def test_its_key_is_a_key_like_any_other(installed: Installed) -> None:
    run = ["demo", "data/EXAMPLE/a", "--config", "example/config.yaml", "--snapshot", "model.safetensors"]
    said = installed.pysot(*run, "--no-display", "--init-box", "1,1,9,9", "--opts", "TRACK.HEATMAP_WINDOW", "x", code=2)
    assert "TRACK.HEATMAP_WINDOW is a float (default 0.4); got 'x'" in said


def test_it_is_a_small_package(repo: Path) -> None:
    files = (repo / "examples" / "plugin").rglob("*.py")
    assert sum(len(path.read_text().splitlines()) for path in files) < 200
