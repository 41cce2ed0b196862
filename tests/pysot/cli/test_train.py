"""`tools/train.py` as a user calls it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pysot.cli.main import run_tool
from pysot.config.loading import load_config
from pysot.datasets.builder import build_training_data
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


def test_one_epoch_under_a_base_with_a_warm_up(data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    warmup = {"WARMUP": True, "EPOCH": 5, "KWARGS": {"start_lr": 0.001, "end_lr": 0.01}}
    config = small_config(data, tmp_path, TRAIN__LR_WARMUP=warmup, DATASET__VIDEOS_PER_EPOCH=52)
    with caplog.at_level("INFO"):
        assert run_tool("train", ["--config", str(config), "--quiet", "--opts", "TRAIN.EPOCH", "1"]) == 0
    assert "A warm-up of 5 epochs leaves none of TRAIN.EPOCH 1; it is shortened to 0." in caplog.text
    assert "1 epochs of 13 steps, 13 steps in all, 0 of them done; 4 samples a step" in caplog.text
    assert "2 steps are left, about " in caplog.text


def test_what_the_page_says_of_the_base_is_so(repo: Path, tmp_path: Path) -> None:
    """TRAIN.md: the files it shows load, and the numbers are those that are inherited or set."""
    page = (repo / "TRAIN.md").read_text("utf-8")
    blocks = re.findall(r"```yaml\n# (\w+\.yaml)\n(.*?)```", page, re.DOTALL)
    assert [name for name, _ in blocks] == ["first.yaml", "mine.yaml"]
    for name, text in blocks:
        (tmp_path / name).write_text(text)
    base, mine = load_config("siamrpn_tiny"), load_config(tmp_path / "mine.yaml")
    sizes = f"{base.TRAIN.EPOCH} epochs of {base.DATASET.VIDEOS_PER_EPOCH} pairs, {base.TRAIN.BATCH_SIZE} a step"
    assert f"{sizes}, and a warm-up of {base.TRAIN.LR_WARMUP.EPOCH} epoch " in page
    assert (mine.TRAIN.BATCH_SIZE, mine.DATASET.VIDEOS_PER_EPOCH) == (base.TRAIN.BATCH_SIZE, 2000)
    write_videos(tmp_path / "my_videos", count=3)
    for per_epoch, length in (("2000", 2000), ("0", 40)):  # NUM_USE counts where VIDEOS_PER_EPOCH does not
        opts = ["DATASET.MINE.ROOT", str(tmp_path / "my_videos"), "DATASET.MINE.NUM_USE", "40"]
        cfg = load_config(tmp_path / "mine.yaml", [*opts, "DATASET.VIDEOS_PER_EPOCH", per_epoch])
        assert len(build_training_data(cfg)) == length


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
