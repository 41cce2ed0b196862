"""The overlap head learns, and nothing else does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from yacs.config import CfgNode

from pysot.config.loading import load_config
from pysot.core.errors import ConfigError
from pysot.models.meta_arch.atom import AtomNet
from pysot.training.builder import build_trainer
from pysot.training.distributed import DistributedContext
from pysot.training.recipes.atom import IouRecipe, squared_error
from pysot.training.recipes.base import BackbonePlan
from pysot.training.trainer import Hook, StepReport, Trainer
from tests.pysot.training.small_run import small_config


class Losses(Hook):
    def __init__(self) -> None:
        self.values: list[float] = []

    def after_step(self, trainer: Trainer, report: StepReport) -> None:
        self.values.append(report.losses["iou"])


def small_atom(videos: Path, run: Path, **overrides: Any) -> CfgNode:
    """ATOM on a narrow backbone that stays as it is; two test frames for each reference."""
    settings: dict[str, Any] = {
        "HEAD": {"TYPE": "IOUNET"},
        "ADJUST": {"ADJUST": False},
        "RPN": {},
        "IOU": {
            "KWARGS": {
                "input_dim": [16, 16],
                "pred_input_dim": [16, 16],
                "pred_inter_dim": [32, 32],
                "reference_dim": [16, 16],
            }
        },
        "BACKBONE__KWARGS": {"widths": [8, 16, 16, 16], "blocks": [0, 0, 1], "used_layers": [2, 3], "top_down": False},
        "BACKBONE__TRAIN_LAYERS": [],
        "TRACK": {"TYPE": "ATOMTracker"},
        "TRAIN__OPTIMIZER": "adam",
        "TRAIN__SEARCH_SIZE": 128,
        "TRAIN__CENTER_JITTER": [0.0, 2.0],
        "TRAIN__NUM_TEST_FRAMES": 2,
        "TRAIN__BASE_LR": 0.003,
        "TRAIN__LR": {"TYPE": "cos", "KWARGS": {"start_lr": 1.0, "end_lr": 0.05}},
        "DATASET__GRAY": 0.0,
        **overrides,
    }
    return load_config(small_config(videos, run, **settings))


def test_the_loss_falls_and_the_backbone_stays(videos: Path, tmp_path: Path) -> None:
    cfg = small_atom(videos, tmp_path, DATASET__VIDEOS_PER_EPOCH=160)
    trainer = build_trainer(cfg, torch.device("cpu"), DistributedContext(), quiet=True)
    losses = Losses()
    trainer.hooks.append(losses)
    model = trainer.recipe.model
    assert isinstance(model, AtomNet)
    before = {key: value.clone() for key, value in model.backbone.state_dict().items()}
    trainer.run()
    tenth = len(losses.values) // 10
    first, last = sum(losses.values[:tenth]) / tenth, sum(losses.values[-tenth:]) / tenth
    assert last < 0.6 * first
    assert all(torch.equal(value, before[key]) for key, value in model.backbone.state_dict().items())


def test_test_frames_are_rated_against_their_own_reference(videos: Path, tmp_path: Path) -> None:
    """The loss of a batch is that of its samples one by one (in eval mode, where batch norm mixes nothing)."""
    cfg = small_atom(videos, tmp_path)
    trainer = build_trainer(cfg, torch.device("cpu"), DistributedContext(), quiet=True)
    batch = next(iter(trainer.loader))
    recipe = trainer.recipe
    recipe.enter(0)
    recipe.model.eval()

    def loss(part: Any) -> float:
        with torch.no_grad():
            return float(recipe.losses(part, lambda mean: mean.value())["iou"])

    singles = [loss({key: value[k : k + 1] for key, value in batch.items()}) for k in range(len(batch["index"]))]
    assert loss(batch) == pytest.approx(sum(singles) / len(singles), rel=1e-4)


def test_squared_error_counts_every_box() -> None:
    mean = squared_error(torch.tensor([[1.0, 0.0], [0.5, -1.0]]), torch.tensor([[0.0, 0.0], [0.0, 1.0]]))
    assert float(mean.value()) == pytest.approx((1 + 0.25 + 4) / 4)


def test_parts_learn_at_their_own_rate(videos: Path, tmp_path: Path) -> None:
    model = build_trainer(
        small_atom(videos, tmp_path), torch.device("cpu"), DistributedContext(), quiet=True
    ).recipe.model
    plan = BackbonePlan([], 0, 1.0)
    factors = {"bb_regressor": 0.5, "bb_regressor.iou_predictor": 2.0}
    groups = {group.name: group for group in IouRecipe(model, {"iou": 1.0}, plan, factors).enter(0)}
    inner = {id(p) for p in model.bb_regressor.iou_predictor.parameters()}
    assert {id(p) for p in groups["bb_regressor.iou_predictor"].parameters} == inner
    assert groups["bb_regressor.iou_predictor"].factor == 2.0
    everything = [id(p) for group in groups.values() for p in group.parameters]
    assert sorted(everything) == sorted(id(p) for p in model.bb_regressor.parameters())


def test_unknown_parts_are_named(videos: Path, tmp_path: Path) -> None:
    model = build_trainer(
        small_atom(videos, tmp_path), torch.device("cpu"), DistributedContext(), quiet=True
    ).recipe.model
    with pytest.raises(ConfigError, match=r"LR_GROUPS: AtomNet has no part \['neck'\].*bb_regressor"):
        IouRecipe(model, {"iou": 1.0}, BackbonePlan([], 0, 1.0), {"neck": 2.0})
