"""`examples/siamban`, the walk of docs/porting.md: names, boxes, labels and losses are those of the authors' code.

What that answers is recorded (`tests/golden/README.md`); the package is used from its folder, as PLUGINS allows.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml
from numpy.typing import NDArray
from torch import Tensor, nn
from yacs.config import CfgNode

import pysot
from pysot.config import parts, plugins
from pysot.config.loading import load_config
from pysot.core.errors import ConfigError
from pysot.datasets.builder import build_training_data
from pysot.models.builder import build_model
from pysot.models.head import BAN_HEADS
from pysot.training.recipes.base import RECIPES
from tests.compat.inputs import BOX, SCENE
from tests.golden import recorded
from tests.golden.recipe import BAG_BOX, bag_frames, first_fill

MADE = ["DATASET.NAMES", "[MADE]", "DATASET.MADE.KIND", "synth", "DATASET.MADE.COUNT", "1", "DATASET.MADE.NUM_USE", "4"]
LABELED = np.array([80.0, 90.0, 170.0, 160.0])
"""The box, corners in search pixels, whose labels are recorded."""


@pytest.fixture(scope="module")
def folder(repo: Path) -> Path:
    return repo / "examples" / "siamban"


@pytest.fixture(scope="module", autouse=True)
def _importable(folder: Path) -> Any:
    """The package can be imported, and what it registers is forgotten afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        for registry in (BAN_HEADS, *parts.SLOTS):
            patch.setattr(registry, "_entries", dict(registry._entries))
        patch.setattr(parts, "DECLARED", dict(parts.DECLARED))
        patch.setattr(plugins, "_imported", set(plugins._imported))
        yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "pysot_siamban"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def cfg(folder: Path) -> CfgNode:
    return load_config(folder / "siamban_r50_l234.yaml")


@pytest.fixture(scope="module")
def model(cfg: CfgNode) -> Any:
    """Weights from seeds, batch norms calibrated on the video, distances of about a target's size; in eval mode."""
    model: Any = build_model(cfg)
    model.load_state_dict(first_fill({key: tuple(t.shape) for key, t in model.state_dict().items()}, {}))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    templates, searches = zip(*(crops(SCENE.frame(index)) for index in (0, 4)), strict=True)
    with torch.no_grad():
        model(torch.cat(templates), torch.cat(searches))
        for key, tensor in model.state_dict().items():
            if "loc.head.3" in key:
                tensor *= 0.2
            if key.endswith("loc.head.3.bias"):
                tensor += 3.3
    return model.eval()


@pytest.fixture(scope="module")
def tracker(cfg: CfgNode, model: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """As a user gets it: the weights from a file in the authors' form."""
    path = tmp_path_factory.mktemp("weights") / "siamban.pth"
    torch.save({"state_dict": {f"module.{key}": tensor for key, tensor in model.state_dict().items()}}, path)
    return pysot.load_tracker(config=cfg, snapshot=path, device="cpu")


def crops(frame: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """The target's place in the first frame, and the whole of `frame`, as network inputs."""
    x, y, w, h = map(int, BOX)
    pair = cv2.resize(frame[y : y + h, x : x + w], (127, 127)), cv2.resize(frame, (255, 255))
    template, search = (torch.from_numpy(one.transpose(2, 0, 1)[None].astype(np.float32)) for one in pair)
    return template, search


def labels(folder: Path, negative: bool) -> dict[str, NDArray[Any]]:
    """Of the box `LABELED`, by the plug-in's training pairs, with no cell left out."""
    many = [word for key in ("POS_NUM", "NEG_NUM") for word in (f"TRAIN.{key}", "1000000")]
    opts = [*MADE, *many, "TRAIN.TOTAL_NUM", "2000000"]
    pairs: Any = build_training_data(load_config(folder / "siamban_r50_l234.yaml", opts))
    assert type(pairs).__name__ == "SiamBANPairs"
    made: dict[str, NDArray[Any]] = pairs.labels(LABELED, negative, np.random.default_rng(0))
    return made


def assert_follows(tracker: Any, box: Any, frames: list[Any], expected: list[list[float]]) -> None:
    tracker.init(frames[0], box)
    for frame, (*wanted, score) in zip(frames[1:], expected, strict=True):
        result = tracker.track(frame)
        assert result.box == pytest.approx(wanted, abs=0.01) and result.score == pytest.approx(score, abs=1e-4)


def test_names_and_shapes_are_the_authors(model: Any) -> None:
    own = {key: list(tensor.shape) for key, tensor in model.state_dict().items()}
    assert own == recorded("siamban.json")["state"]


def test_boxes_are_the_authors(tracker: Any) -> None:
    assert_follows(tracker, BOX, [SCENE.frame(index) for index in range(3)], recorded("siamban.json")["boxes"][:2])


@pytest.mark.slow
def test_boxes_of_a_real_video_are_the_authors(tracker: Any, shared: Path) -> None:
    expected = recorded("siamban.json")["bag"]
    assert len(expected) == 14
    assert_follows(tracker, BAG_BOX, bag_frames(shared, 15), expected)


def test_labels_and_losses_are_the_authors(cfg: CfgNode, model: Any, folder: Path) -> None:
    expected, made = recorded("siamban.json"), labels(folder, negative=False)
    assert made["label_cls"].tolist() == expected["label"]["cls"]
    assert labels(folder, negative=True)["label_cls"].tolist() == expected["label"]["neg"]
    template, search = crops(SCENE.frame(0))
    batch = {"template": template, "search": search}
    batch |= {key: torch.from_numpy(array)[None] for key, array in made.items()}
    recipe = RECIPES["SIAMBAN"].from_config(cfg, model, torch.device("cpu"))
    with torch.no_grad():
        losses = recipe.losses(batch, lambda mean: mean.value())
    assert float(losses["cls"]) == pytest.approx(expected["loss"]["cls_loss"], rel=1e-4)
    assert float(losses["loc"]) == pytest.approx(expected["loss"]["loc_loss"], rel=1e-4)
    assert float(recipe.total(losses)) == pytest.approx(expected["loss"]["total_loss"], rel=1e-4)


SMALL = [
    "BACKBONE.TYPE", "alexnet", "BACKBONE.KWARGS", "{width_mult: 0.25}", "BACKBONE.TRAIN_LAYERS", "[layer4, layer5]",
    "BACKBONE.PRETRAINED", "", "BACKBONE.TRAIN_EPOCH", "0", "ADJUST.ADJUST", "False", "BAN.KWARGS.in_channels", "[64]",
    "TRAIN.OUTPUT_SIZE", "17", "DATASET.VIDEOS_PER_EPOCH", "4", "DATASET.NEG", "0.0",
]  # fmt: skip


def test_it_learns(folder: Path) -> None:
    """Two steps on one batch, each of which lowers the loss."""
    cfg = load_config(folder / "siamban_r50_l234.yaml", [*SMALL, *MADE])
    torch.manual_seed(0)
    model, pairs = build_model(cfg), build_training_data(cfg)
    recipe = RECIPES["SIAMBAN"].from_config(cfg, model, torch.device("cpu"))
    groups = recipe.enter(recipe.stage(0))
    assert [group.name for group in groups] == ["backbone", "head"]
    optimizer = torch.optim.SGD([{"params": list(group.parameters)} for group in groups], cfg.TRAIN.BASE_LR)
    batch = torch.utils.data.default_collate([pairs[index] for index in range(4)])
    totals = []
    for _ in range(3):
        losses = recipe.losses(batch, lambda mean: mean.value())
        assert set(losses) == {"cls", "loc"} and all(loss.isfinite() for loss in losses.values())
        total = recipe.total(losses)
        totals.append(total.item())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    assert totals[0] > totals[1] > totals[2], totals


def test_a_published_file_loads_unchanged(folder: Path, tmp_path: Path) -> None:
    """All keys of SiamBAN's own config.yaml, which neither a plug-in nor HEAD.TYPE is among, behind `_BASE_`."""
    published = yaml.safe_load((folder / "siamban_r50_l234.yaml").read_text())
    del published["PLUGINS"], published["HEAD"]
    published["TRAIN"] |= {"START_EPOCH": 0, "RESUME": ""}
    published["TRACK"] |= {"BASE_SIZE": 8, "CONTEXT_AMOUNT": 0.5}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(published))
    (tmp_path / "mine.yaml").write_text("_BASE_: config.yaml\nPLUGINS: [pysot_siamban]\nHEAD: {TYPE: SIAMBAN}\n")
    cfg = load_config(tmp_path / "mine.yaml")
    assert (cfg.BAN.TYPE, cfg.TRACK.TYPE, cfg.DATASET.NAMES[-1]) == ("MultiBAN", "SiamBANTracker", "LASOT")
    assert (cfg.TRAIN.LR.KWARGS.end_lr, cfg.TRAIN.OUTPUT_SIZE) == (0.00005, 25)


@pytest.mark.slow
def test_an_installed_package_needs_no_mention(folder: Path, repo: Path, tmp_path: Path) -> None:
    """pip installs it; its entry point is found by every command."""
    source = tmp_path / "source"
    subprocess.run(["cp", "-r", str(folder), str(source)], check=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(tmp_path / "site"), str(source)], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "pysot.cli.main", "compose", "alexnet", "MultiBAN"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{repo}{os.pathsep}{tmp_path / 'site'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "MultiBAN" in done.stdout


@pytest.mark.parametrize(
    ("opts", "message"),
    [
        (["BAN.KWARGS", "{cls_out_channels: 1}"], "cls_out_channels is 1; MultiBAN has 2"),
        (["POINT.STRIDE", "16"], "POINT.STRIDE is 16"),
        (["ADJUST.ADJUST", "False", "BACKBONE.KWARGS", "{used_layers: [1, 2]}"], "must look at the same places"),
        (["HEAD.TYPE", "BAN"], "SiamBANTracker.*BAN"),
    ],
)
def test_what_does_not_fit_is_refused(opts: list[str], message: str, folder: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        build_model(load_config(folder / "siamban_r50_l234.yaml", opts))
    assert re.search(message, str(refused.value)), refused.value
