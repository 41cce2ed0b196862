"""`examples/siamban`, the walk of docs/porting.md: names, boxes, labels and losses are those of the authors' code.

What that answers is recorded (`tests/golden/README.md`); the package is used from its folder, as PLUGINS allows.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import nn

import pysot
from pysot.config.loading import load_config
from pysot.core.errors import ConfigError
from pysot.datasets.builder import build_training_data
from pysot.datasets.targets import PointTargets
from pysot.models.builder import build_model
from pysot.training.builder import build_trainer
from pysot.training.distributed import DistributedContext
from pysot.training.losses import point_cls_loss, point_loc_loss
from tests.compat.inputs import BOX, FRAMES, SCENE
from tests.golden import recorded
from tests.golden.recipe import first_fill


@pytest.fixture(scope="module")
def folder(repo: Path) -> Path:
    return repo / "examples" / "siamban"


@pytest.fixture(autouse=True)
def _importable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(folder)


def crops() -> tuple[torch.Tensor, torch.Tensor]:
    """The target, and the whole first frame, as network inputs."""
    x, y, w, h = map(int, BOX)
    frame = SCENE.frame(0)
    pair = cv2.resize(frame[y : y + h, x : x + w], (127, 127)), cv2.resize(frame, (255, 255))
    template, search = (torch.from_numpy(one.transpose(2, 0, 1)[None].astype(np.float32)) for one in pair)
    return template, search


def fill(model: Any) -> None:
    """Weights from seeds, batch norms recalibrated on the video, distances of about a target's size."""
    model.load_state_dict(first_fill({key: tuple(t.shape) for key, t in model.state_dict().items()}, {}))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    x, y, w, h = map(int, BOX)
    with torch.no_grad():
        for index in range(0, FRAMES, 3):
            frame = SCENE.frame(index)
            pair = cv2.resize(frame[y : y + h, x : x + w], (127, 127)), cv2.resize(frame, (255, 255))
            model(
                *(torch.from_numpy(one.transpose(2, 0, 1)[None].astype(np.float32)).repeat(2, 1, 1, 1) for one in pair)
            )
        for key, tensor in model.state_dict().items():
            if "loc.head.3" in key:
                tensor *= 0.2
            if key.endswith("loc.head.3.bias"):
                tensor += 3.3


def test_it_answers_as_the_authors_code(folder: Path, tmp_path: Path) -> None:
    expected, cfg = recorded("siamban.json"), load_config(folder / "siamban_r50_l234.yaml")
    model: Any = build_model(cfg)
    assert {key: list(tensor.shape) for key, tensor in model.state_dict().items()} == expected["state"]
    fill(model)
    torch.save(model.state_dict(), tmp_path / "siamban.pth")
    tracker = pysot.load_tracker(config=cfg, snapshot=tmp_path / "siamban.pth", device="cpu")
    tracker.init(SCENE.frame(0), BOX)
    for index, (*box, score) in enumerate(expected["boxes"][:4], start=1):
        result = tracker.track(SCENE.frame(index))
        assert result.box == pytest.approx(box, abs=0.01) and result.score == pytest.approx(score, abs=1e-4)

    many, rng, box = 10**6, np.random.default_rng(0), np.array([80.0, 90.0, 170.0, 160.0])
    targets = PointTargets(stride=8, output_size=25, positives=many, negatives=many, total=2 * many)
    label = targets(box, False, rng)
    assert label["label_cls"].tolist() == expected["label"]["cls"]
    assert targets(box, True, rng)["label_cls"].tolist() == expected["label"]["neg"]
    cells, reach = (torch.from_numpy(label[key])[None] for key in ("label_cls", "label_loc"))
    with torch.no_grad():
        output = model.eval()(*crops())
    positive, negative = point_cls_loss(output.cls, cells)
    cls = 0.5 * positive.value() + 0.5 * negative.value()
    assert float(cls) == pytest.approx(expected["loss"]["cls_loss"], rel=1e-4)
    loc = point_loc_loss(output.loc, cells, reach).value()
    assert float(loc) == pytest.approx(expected["loss"]["loc_loss"], rel=1e-4)


SMALL = [
    "BACKBONE.TYPE", "alexnet", "BACKBONE.KWARGS", "{width_mult: 0.25}", "BACKBONE.TRAIN_LAYERS", "[layer4, layer5]",
    "BACKBONE.PRETRAINED", "", "BACKBONE.TRAIN_EPOCH", "0", "ADJUST.ADJUST", "False", "BAN.KWARGS.in_channels", "[64]",
    "TRAIN.OUTPUT_SIZE", "17", "TRAIN.EPOCH", "2", "TRAIN.BATCH_SIZE", "2", "TRAIN.NUM_WORKERS", "0",
    "TRAIN.LR_WARMUP.WARMUP", "False", "DATASET.NAMES", "[MADE]", "DATASET.VIDEOS_PER_EPOCH", "4",
    "DATASET.MADE.KIND", "synth", "DATASET.MADE.COUNT", "1", "DATASET.MADE.NUM_USE", "4", "DATASET.NEG", "0.0",
]  # fmt: skip


def test_it_trains(folder: Path, tmp_path: Path) -> None:
    opts = [*SMALL, "TRAIN.SNAPSHOT_DIR", str(tmp_path / "snap"), "TRAIN.LOG_DIR", str(tmp_path / "logs")]
    cfg = load_config(folder / "siamban_r50_l234.yaml", opts)
    assert type(build_training_data(cfg)).__name__ == "SiamBANPairs"
    torch.manual_seed(0)
    trainer = build_trainer(cfg, torch.device("cpu"), DistributedContext(), quiet=True)
    trainer.run()
    assert trainer.step_number == 4
    learned = torch.load(tmp_path / "snap" / "checkpoint_e2.pth")["state_dict"]
    assert all(tensor.isfinite().all() for tensor in learned.values())
    assert (learned["head.loc_scale"] != 1).all()


def test_a_published_file_loads_unchanged(folder: Path, tmp_path: Path) -> None:
    """All keys of SiamBAN's own config.yaml, those of this package's experiment, behind `_BASE_`."""
    text = (folder / "siamban_r50_l234.yaml").read_text()
    published = "".join(line for line in text.splitlines(True) if not line.startswith(("PLUGINS", "HEAD")))
    extra = "DATASET: {NAMES: [VID, YOUTUBEBB, COCO, DET, GOT10K, LASOT]}\n"
    (tmp_path / "config.yaml").write_text(published + extra)
    (tmp_path / "mine.yaml").write_text("_BASE_: config.yaml\nPLUGINS: [pysot_siamban]\nHEAD: {TYPE: SIAMBAN}\n")
    cfg = load_config(tmp_path / "mine.yaml")
    assert (cfg.BAN.TYPE, cfg.TRACK.TYPE, cfg.DATASET.NAMES[-1]) == ("MultiBAN", "SiamBANTracker", "LASOT")


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
