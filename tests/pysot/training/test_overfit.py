"""Every loss falls on one drawn sequence, and the tracker that was trained on it follows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from yacs.config import CfgNode

from pysot.config.loading import load_config
from pysot.core.geometry import iou_xyxy, xywh_to_xyxy
from pysot.models.meta_arch.siamese import SiameseModel, SiamMask
from pysot.tracker.builder import build_tracker
from pysot.training.builder import build_trainer
from pysot.training.distributed import DistributedContext
from pysot.training.trainer import Hook, StepReport, Trainer
from pysot.training.validation import inference_copy, validate
from tests.pysot.training.small_mask import LAYERS, small_siammask
from tests.pysot.training.small_run import small_config, write_video
from toolkit.datasets import load_benchmark
from toolkit.datasets.sequence import Sequence

FRAMES, NAME = 16, "rock"
TRACK = {"LR": 0.5, "PENALTY_K": 0.1, "WINDOW_INFLUENCE": 0.4}


class History(Hook):
    """The losses of every step."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def after_step(self, trainer: Trainer, report: StepReport) -> None:
        self.rows.append(report.losses)

    def falls(self) -> dict[str, float]:
        """For each loss the mean of the last tenth of the steps, as a share of that of the first tenth."""
        tenth = max(1, len(self.rows) // 10)
        columns = {name: [row[name] for row in self.rows] for name in self.rows[0]}
        return {name: float(np.mean(column[-tenth:]) / np.mean(column[:tenth])) for name, column in columns.items()}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain folder of one drawn sequence whose target moves and changes its size."""
    root = tmp_path_factory.mktemp("drawn")
    write_video(root / NAME, seed=28, count=FRAMES, size=(240, 180))
    return root


def overfit_config(drawn: Path, run: Path, steps: int, **overrides: Any) -> CfgNode:
    """Adam, 4 pairs a step, `steps` steps in each of 5 epochs; everything learns from the start."""
    settings: dict[str, Any] = {
        "BACKBONE__TRAIN_EPOCH": 0,
        "BACKBONE__LAYERS_LR": 1.0,
        "TRAIN__OPTIMIZER": "adam",
        "TRAIN__EPOCH": 5,
        "TRAIN__SAVE_INTERVAL": 0,
        "TRAIN__KEEP": 1,
        "TRAIN__SEED": 1,
        "TRAIN__LR": {"TYPE": "cos", "KWARGS": {"start_lr": 1.0, "end_lr": 0.02}},
        "DATASET__NEG": 0.0,
        "DATASET__VIDEOS_PER_EPOCH": 4 * steps,
        "DATASET__MINE__FRAME_RANGE": FRAMES,
        "DATASET__TEMPLATE": {"COLOR": 0.0},
        "DATASET__SEARCH": {"SHIFT": 32, "SCALE": 0.2, "COLOR": 0.0},
    }
    return load_config(small_config(drawn, run, **{**settings, **overrides}))


def siamrpn_config(drawn: Path, run: Path) -> CfgNode:
    return overfit_config(
        drawn,
        run,
        steps=24,
        TRAIN__BASE_LR=0.005,
        BACKBONE__KWARGS={"widths": [8, 16, 24, 32], "blocks": [0, 0, 1], "used_layers": [2], "top_down": True},
        BACKBONE__TRAIN_LAYERS=["stem", "layer1", "layer2", "layer3", "lateral"],
        ADJUST__KWARGS={"in_channels": [24], "out_channels": [32], "center_size": 8},
        RPN__KWARGS={"anchor_num": 5, "in_channels": 32, "out_channels": 32},
        TRACK=TRACK,
    )


def nanotrack_config(drawn: Path, run: Path) -> CfgNode:
    return overfit_config(
        drawn,
        run,
        steps=24,
        TRAIN__BASE_LR=0.002,
        TRAIN__LOC_WEIGHT=1.0,
        TRAIN__OUTPUT_SIZE=16,
        HEAD={"TYPE": "BAN"},
        BAN={"BAN": True, "TYPE": "NanoHeadV1"},
        BACKBONE__KWARGS={"widths": [8, 16, 24, 48], "blocks": [0, 0, 1], "used_layers": [3], "top_down": False},
        BACKBONE__TRAIN_LAYERS=["stem", "layer1", "layer2", "layer3"],
        ADJUST={"ADJUST": False},
        RPN={},
        TRACK={**TRACK, "TYPE": "NanoTracker", "OUTPUT_SIZE": 16},
    )


def siammask_config(drawn: Path, run: Path, steps: int, **overrides: Any) -> CfgNode:
    """For `small_siammask`, in place of the network that the config describes, which has the same response map."""
    settings: dict[str, Any] = {
        "BACKBONE__TRAIN_LAYERS": list(LAYERS),
        "BACKBONE__TYPE": "resnet18",  # maps of the same strides
        "BACKBONE__KWARGS": {"used_layers": [0, 1, 2, 3]},
        "ADJUST__KWARGS": {"out_channels": [16]},
        "MASK": {"MASK": True},
        "REFINE": {"REFINE": True},
        "TRAIN__MASK_WEIGHT": 4.0,
        "TRAIN__BASE_LR": 0.005,
        "TRACK": {**TRACK, "TYPE": "SiamMaskTracker"},
    }
    return overfit_config(drawn, run, steps, **{**settings, **overrides})


def train(cfg: CfgNode) -> tuple[SiameseModel, dict[str, float]]:
    """The trained model, and how far each loss fell."""
    trainer = build_trainer(cfg, torch.device("cpu"), DistributedContext(), quiet=True)
    history = History()
    trainer.hooks.append(history)
    trainer.run()
    assert isinstance(trainer.recipe.model, SiameseModel)
    return trainer.recipe.model, history.falls()


def train_siammask(drawn: Path, run: Path, steps: int, refine_steps: int) -> tuple[CfgNode, SiamMask, dict[str, float]]:
    """The two runs that make a SiamMask, the second from the first one's checkpoint."""
    _, falls = train(siammask_config(drawn, run / "all", steps))
    snapshot = str(run / "all" / "snapshot" / "checkpoint_e5.pth")
    parts = {"TRAIN__PARTS": "refine", "TRAIN__PRETRAINED": snapshot, "TRAIN__MASK_WEIGHT": 36.0}
    cfg = siammask_config(drawn, run / "refine", refine_steps, TRAIN__BASE_LR=0.01, **parts)
    model, refine_falls = train(cfg)
    assert falls.keys() == {"cls", "loc", "mask"} and refine_falls.keys() == {"refine"}
    assert isinstance(model, SiamMask)
    return cfg, model, falls | refine_falls


def only_sequence(drawn: Path) -> Sequence:
    (sequence,) = load_benchmark(str(drawn)).sequences
    return sequence


def followed(cfg: CfgNode, model: SiameseModel, drawn: Path) -> float:
    """Mean IoU on the training sequence, of which a box that stays where it was given keeps little."""
    sequence = only_sequence(drawn)
    truth = np.asarray(xywh_to_xyxy(sequence.ground_truth))
    assert iou_xyxy(truth[1:], truth[0]).mean() < 0.6
    copy = inference_copy(model)
    return validate(lambda: build_tracker(cfg, copy), [sequence])["iou"]


def mask_iou(cfg: CfgNode, model: SiameseModel, drawn: Path) -> float:
    """Mean IoU of the tracker's masks with the drawn ones, from the second frame on."""
    sequence, tracker = only_sequence(drawn), build_tracker(cfg, inference_copy(model))
    frames, overlaps = sequence.require_frames(), []
    tracker.init(frames[0], tuple(sequence.ground_truth[0]))
    for index in range(1, FRAMES):
        found = tracker.track(frames[index]).mask
        assert found is not None
        drawn_mask = cv2.imread(str(drawn / NAME / "mask" / f"{index:04d}.png"), cv2.IMREAD_GRAYSCALE) > 0
        found = found > 0.5
        overlaps.append((found & drawn_mask).sum() / (found | drawn_mask).sum())
    return float(np.mean(overlaps))


def test_siamrpn(drawn: Path, tmp_path: Path) -> None:
    cfg = siamrpn_config(drawn, tmp_path)
    model, falls = train(cfg)
    assert falls["cls"] < 0.2 and falls["loc"] < 0.5, falls
    assert followed(cfg, model, drawn) > 0.7


def test_nanotrack(drawn: Path, tmp_path: Path) -> None:
    cfg = nanotrack_config(drawn, tmp_path)
    model, falls = train(cfg)
    assert falls["cls"] < 0.2 and falls["loc"] < 0.6, falls
    assert followed(cfg, model, drawn) > 0.7


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Configs of a SiamMask build a narrow one."""
    monkeypatch.setattr("pysot.training.builder.build_model", lambda cfg: small_siammask())


@pytest.mark.usefixtures("narrow")
def test_siammask_learns(drawn: Path, tmp_path: Path) -> None:
    _, _, falls = train_siammask(drawn, tmp_path, steps=4, refine_steps=2)
    assert falls["cls"] < 0.5 and falls["loc"] < 0.8 and falls["mask"] < 0.7 and falls["refine"] < 0.5, falls


@pytest.mark.slow
@pytest.mark.usefixtures("narrow")
def test_siammask_follows(drawn: Path, tmp_path: Path) -> None:
    cfg, model, falls = train_siammask(drawn, tmp_path, steps=40, refine_steps=10)
    assert falls["cls"] < 0.2 and falls["loc"] < 0.5 and falls["mask"] < 0.4 and falls["refine"] < 0.2, falls
    assert followed(cfg, model, drawn) > 0.7
    assert mask_iou(cfg, model, drawn) > 0.65
