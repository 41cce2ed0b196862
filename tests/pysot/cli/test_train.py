"""`tools/train.py` as a user calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pysot.cli.main import run_tool
from pysot.config.loading import load_config
from pysot.models.builder import build_model
from pysot.zoo.loading import load_snapshot
from tests.pysot.training.small_run import small_config, write_videos


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_videos(tmp_path_factory.mktemp("data"), count=4)


def test_trains_exports_and_goes_on(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = small_config(data, tmp_path, TRAIN__EPOCH=1, DATASET__VIDEOS_PER_EPOCH=8)
    out = tmp_path / "weights.safetensors"
    assert run_tool("train", ["--config", str(config), "--quiet", "--out", str(out)]) == 0
    load_snapshot(build_model(load_config(config)), out)
    more = ["--resume", "auto", "--seed", "123456", "--opts", "TRAIN.EPOCH", "2"]
    assert run_tool("train", ["--config", str(config), "--quiet", *more]) == 0
    assert (tmp_path / "snapshot" / "checkpoint_e2.pth").is_file()
    assert "Traceback" not in capsys.readouterr().err


def test_own_data_in_five_lines(data: Path, tmp_path: Path) -> None:
    """The config that TRAIN.md shows: a published experiment as base, the user's own folder as data."""
    config = tmp_path / "mine.yaml"
    config.write_text(
        f"_BASE_: {small_config(data, tmp_path / 'base')}\n"
        "DATASET:\n"
        "  NAMES: [MY_VIDEOS]\n"
        f"  MY_VIDEOS: {{KIND: folder, ROOT: {data}, FRAME_RANGE: 50}}\n"
        "  VIDEOS_PER_EPOCH: 4\n"
    )
    assert run_tool("train", ["--config", str(config), "--quiet", "--opts", "TRAIN.EPOCH", "1"]) == 0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--resume", "/nowhere/latest.pth"], "/nowhere/latest.pth does not exist"),
        (["--opts", "TRAIN.EPOC", "2"], "Did you mean"),
        (["--device", "cuda:77"], "cuda"),
    ],
)
def test_bad_input(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    assert run_tool("train", ["--config", str(small_config(data, tmp_path)), "--quiet", *more]) == 2
    error = capsys.readouterr().err
    assert error.startswith("train: ")
    assert message in error


def test_unknown_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tool("train", ["--config", "siamrpn_tinny"]) == 2
    assert "siamrpn_tiny" in capsys.readouterr().err
