"""Every backbone with every head: learns, tracks, looks where its specs say, or is refused in one message."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pysot.cli.compose import WAYS, as_markdown, compose, heads, matrix, verdict
from pysot.cli.main import main
from pysot.config.loading import load_config
from pysot.core.anchors import grid_centers
from pysot.core.errors import ConfigError
from pysot.models.backbone import BACKBONES
from pysot.models.builder import build_model
from pysot.tracker.builder import build_tracker
from pysot.training.builder import build_trainer
from pysot.training.distributed import DistributedContext
from tests.pysot.training.small_run import write_videos
from toolkit.synthetic import random_scene

NAMES, HEADS = sorted(BACKBONES), list(heads())
SMALL = {  # quick trackers and short runs
    "TRAIN.EPOCH": 1, "TRAIN.BATCH_SIZE": 2, "TRAIN.NUM_WORKERS": 0, "TRAIN.LR_WARMUP.WARMUP": False,
    "TRAIN.BASE_LR": 1e-4, "TRAIN.LR.KWARGS.start_lr": 1e-4, "TRAIN.LR.KWARGS.end_lr": 1e-4, "TRAIN.DEVICE": "cpu",
    "DATASET.NAMES": ["MINE"], "DATASET.VIDEOS_PER_EPOCH": 4, "DATASET.MINE.KIND": "folder",
    "DATASET.MINE.FRAME_RANGE": 5, "DATASET.MINE.NUM_USE": 4, "DATASET.NEG": 0.0,
}  # fmt: skip
ONLINE = {
    "TRAIN.SEARCH_SIZE": 160, "TRAIN.BOXES_PER_FRAME": 4, "TRACK.ONLINE.IMAGE_SAMPLE_SIZE": 160,
    "TRACK.ONLINE.MEMORY_SIZE": 12, "TRACK.ONLINE.INIT_CG_ITER": 4, "TRACK.ONLINE.INIT_GN_ITER": 1,
    "TRACK.ONLINE.NET_OPT_ITER": 2, "TRACK.ONLINE.AUG.ROTATE": [20], "TRACK.ONLINE.AUG.BLUR": [2, 2],
    "TRACK.ONLINE.AUG.SHIFT": [0.6, 0.6], "TRACK.ONLINE.AUG.DROPOUT_NUM": 1,
}  # fmt: skip
LMT = {
    "HEAD.KWARGS.hidden": 16, "TRACK.LMT.PATCH_SIDE": 160, "TRACK.LMT.N_SAMPLES": 16, "TRACK.LMT.BBREG.NUM": 40,
    "TRACK.LMT.ITER_UPDATE": 1, "TRACK.LMT.N_NEG_UPDATE": 20, "TRACK.LMT.N_POS_UPDATE": 20,
    "META.NUM_POS": 12, "META.NUM_NEG": 12, "META.NUM_IOU": 10, "ADV.ENABLED": False,
}  # fmt: skip


NARROW = {"alexnet": 0.25, "alexnetlegacy": 0.25, "mobilenetv2": 0.5, "vgg16": 0.125}
LARGE = ("resnet34", "resnet50", "resnet50_std")
"""Backbones that learn in the whole matrix, and are only followed with in the sample."""


def opts_of(backbone: str, head: str) -> dict[str, Any]:
    kind = heads()[head]["HEAD.TYPE"]
    narrow = {"BACKBONE.KWARGS.width_mult": NARROW[backbone]} if backbone in NARROW else {}
    return {**SMALL, **narrow, **(ONLINE if kind in ("IOUNET", "DIMP") else LMT if kind == "LMT" else {})}


def calibrate(model: nn.Module) -> None:
    """Batch norms with the statistics of images: random weights then give values of ordinary size."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    images = F.interpolate(torch.rand(2, 3, 24, 24) * 255, size=(160, 160), mode="bilinear")
    with torch.no_grad():
        model.backbone.train()(images)  # type: ignore[operator, union-attr]


def run_cell(backbone: str, head: str, selects: bool, attends: bool, folder: Path, *, learns: bool = True) -> None:
    ways = {"TARGET_AWARE.ENABLED": selects, "ATTENTION.ENABLED": attends}
    places = {"TRAIN.LOG_DIR": str(folder / "logs"), "TRAIN.SNAPSHOT_DIR": str(folder / "snapshot")}
    opts = {**opts_of(backbone, head), **ways, **places, "DATASET.MINE.ROOT": str(write_videos(folder / "videos"))}
    if verdict(backbone, head) != "works":
        with pytest.raises(ConfigError):
            compose(backbone, head, opts)
        return
    torch.manual_seed(0)
    cfg = compose(backbone, head, opts)
    if head == "TADT":
        model: Any = build_model(cfg)
        calibrate(model)
        with pytest.raises(ConfigError, match="can be tracked, not trained"):
            build_trainer(cfg, torch.device("cpu"), DistributedContext(), quiet=True)
    elif not learns:
        model = build_model(cfg)
        calibrate(model)
    else:
        trainer = build_trainer(cfg, torch.device("cpu"), DistributedContext(), quiet=True)
        model = trainer.recipe.model
        calibrate(model)
        trainer.enter_epoch()
        trainer.run()
        assert trainer.step_number == 2
    scene = random_scene(3, attributes=(), count=4, size=(200, 150))
    tracker = build_tracker(cfg, model.eval().requires_grad_(False))
    tracker.init(scene.frame(0), scene.box(0))
    for index in (1, 2, 3):
        assert np.isfinite(tracker.track(scene.frame(index)).box).all()


def sample() -> list[tuple[str, str, bool, bool]]:
    """Every backbone and every head twice: plain, and with selection, attention or both."""
    chosen = []
    for shift, ways in ((0, WAYS[:1]), (5, WAYS[1:])):
        for number, (name, way) in enumerate(zip(NAMES, itertools.cycle(ways), strict=False)):
            chosen.append((name, HEADS[(number + shift) % len(HEADS)], *way))
    return chosen


@pytest.mark.parametrize(("backbone", "head", "selects", "attends"), sample())
def test_a_sample_of_cells(backbone: str, head: str, selects: bool, attends: bool, tmp_path: Path) -> None:
    run_cell(backbone, head, selects, attends, tmp_path, learns=backbone not in LARGE)


@pytest.mark.slow
@pytest.mark.parametrize(("selects", "attends"), WAYS)
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("backbone", NAMES)
def test_every_cell(backbone: str, head: str, selects: bool, attends: bool, tmp_path: Path) -> None:
    run_cell(backbone, head, selects, attends, tmp_path)


def table(repo: Path) -> str:
    text = (repo / "docs" / "composition.md").read_text()
    return text.split("<!-- begin: matrix -->\n")[1].split("<!-- end: matrix -->")[0].strip()


def test_the_table_names_what_is_registered(repo: Path) -> None:
    rows = [line.strip("| ").split(" | ") for line in table(repo).splitlines() if line.startswith("| ")]
    assert [name.split(" (")[0] for name in rows[0][1:]] == HEADS and [row[0] for row in rows[2:]] == NAMES
    share = np.mean([cell == "yes" for row in rows[2:] for cell in row[1:]])
    assert share >= 0.75
    for backbone, head in zip(NAMES, HEADS, strict=False):
        works = rows[2 + NAMES.index(backbone)][1 + HEADS.index(head)] == "yes"
        assert works == (verdict(backbone, head) == "works"), (backbone, head)


def test_a_pair_is_printed_as_a_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every head that the first backbone takes; the text loads to what is tried for the table."""
    for head in HEADS:
        if verdict("resnet18", head) == "works":
            assert main(["compose", "resnet18", head]) == 0
            (tmp_path / "mine.yaml").write_text(capsys.readouterr().out)
            assert load_config(tmp_path / "mine.yaml") == compose("resnet18", head)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["resnet19", "DIMP"], "backbone 'resnet19' is not in the table.*resnet18"),
        (["resnet18"], "head 'None' is not in the table.*DIMP"),
        (["vggm", "DIMP"], "takes two maps"),
    ],
)
def test_a_pair_that_is_none(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compose", *words]) == 2
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.slow
def test_the_table_is_current(repo: Path) -> None:
    assert table(repo) == as_markdown(matrix())


@pytest.mark.parametrize(
    ("backbone", "adjusts"),
    [
        pytest.param(name, bool((number + other) % 2), marks=[pytest.mark.slow] if other else [])
        for number, name in enumerate(NAMES)
        for other in (0, 1)
    ],
)
def test_a_response_looks_where_the_template_fits(backbone: str, adjusts: bool) -> None:
    """Independent of the specs: the template's own features are found where its image was put."""
    torch.manual_seed(1)
    narrow = {"BACKBONE.KWARGS.width_mult": NARROW[backbone]} if backbone in NARROW else {}
    cfg = compose(backbone, "DepthwiseRPN", {"ADJUST.ADJUST": adjusts, **narrow})
    model: Any = build_model(cfg)
    calibrate(model)
    stride = model.backbone.specs[-1].stride
    moved_xy = (2 * stride, -stride)
    search = F.interpolate(torch.rand(1, 3, 65, 65) * 255, size=(383, 383), mode="bilinear")
    top, left = 64 + moved_xy[1], 64 + moved_xy[0]
    with torch.no_grad():
        maps = (
            model.eval().features(search[:, :, top : top + 255, left : left + 255], template=True)[-1],
            model.features(search)[-1],
        )
    z, x = (level - level.mean(dim=(2, 3), keepdim=True) for level in maps)
    cells, border = z.shape[-1], (z.shape[-1] - 1) // 3  # of the template only the middle: near its border it sees it
    inner = slice(border, cells - border)
    windows = x.unfold(2, cells, 1).unfold(3, cells, 1)[..., inner, inner]
    likeness = F.cosine_similarity(
        windows.permute(2, 3, 0, 1, 4, 5).flatten(2), z[:, :, inner, inner].flatten()[None, None], dim=-1
    )
    row, column = divmod(int(likeness.argmax()), len(likeness))
    grid = model.response(255, 383)
    centers = grid_centers(grid)
    assert grid.side == len(likeness)
    assert (centers[column], centers[row]) == pytest.approx(moved_xy, abs=1)


@pytest.mark.parametrize(
    ("head", "opts", "message"),
    [
        ("PixelRPN", {"RPN.KWARGS.template_size": 9}, r"template_size 8, but it is 9. Set it to 8, or leave it out"),
        ("DepthwiseRPN", {"ADJUST.ADJUST": False, "RPN.KWARGS.in_channels": 7}, "in_channels 64, but it is 7"),
        ("LMT cells", {"HEAD.KWARGS.stride": 8}, "HEAD.KWARGS.stride is 8; expected 16"),
    ],
)
def test_what_is_stated_and_does_not_fit(head: str, opts: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compose("compact" if head == "DepthwiseRPN" else "mobilenetv3_small", head, {"ADJUST.ADJUST": False, **opts})
