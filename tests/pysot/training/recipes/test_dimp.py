"""DiMP learns end to end: every iterate of its filter gets better, parts learn at their own rates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from yacs.config import CfgNode

from pysot.config.loading import load_config
from pysot.core.errors import ConfigError, SnapshotError
from pysot.models.builder import build_model
from pysot.models.meta_arch.dimp import DimpNet
from pysot.training.builder import build_recipe, build_trainer
from pysot.training.distributed import DistributedContext
from pysot.training.recipes.dimp import DimpRecipe, hinge_loss
from pysot.training.trainer import Trainer
from tests.pysot.training.small_run import small_config

CPU = torch.device("cpu")


def small_dimp(videos: Path, run: Path, **overrides: Any) -> CfgNode:
    """DiMP on a narrow backbone, two frames to learn from and two to search."""
    narrow = {"pred_input_dim": [16, 16], "pred_inter_dim": [32, 32], "reference_dim": [16, 16]}
    settings: dict[str, Any] = {
        "HEAD": {"TYPE": "DIMP", "KWARGS": {"feat_blocks": 0, "out_dim": 16}},
        "IOU": {"KWARGS": {"input_dim": [16, 24], **narrow}},
        "ADJUST": {"ADJUST": False},
        "RPN": {},
        "BACKBONE__KWARGS": {"widths": [8, 16, 16, 24], "blocks": [0, 0, 1], "used_layers": [2, 3], "top_down": False},
        "BACKBONE__TRAIN_LAYERS": ["layer2", "layer3"],
        "BACKBONE__TRAIN_EPOCH": 0,
        "BACKBONE__LAYERS_LR": 0.2,
        "TRACK": {"TYPE": "DiMPTracker"},
        "TRAIN__OPTIMIZER": "adam",
        "TRAIN__SEARCH_SIZE": 128,
        "TRAIN__NUM_TRAIN_FRAMES": 2,
        "TRAIN__NUM_TEST_FRAMES": 2,
        "TRAIN__CAUSAL": True,
        "TRAIN__CENTER_JITTER": [1.0, 2.0],
        "TRAIN__BOXES_PER_FRAME": 8,
        "TRAIN__LR_GROUPS": {"classifier.filter_optimizer": 0.01},
        "TRAIN__BASE_LR": 0.002,
        "TRAIN__LR": {"TYPE": "cos", "KWARGS": {"start_lr": 1.0, "end_lr": 0.05}},
        "DATASET__VIDEOS_PER_EPOCH": 80,
        "DATASET__GRAY": 0.0,
        **overrides,
    }
    return load_config(small_config(videos, run, **settings))


def recipe_of(trainer: Trainer) -> DimpRecipe:
    assert isinstance(trainer.recipe, DimpRecipe)
    return trainer.recipe


def losses_of_iterates(recipe: DimpRecipe, batch: dict[str, Any]) -> list[float]:
    """The hinge loss of every iterate on one batch, by the model alone."""
    model = recipe.model.eval()
    train, boxes, test, proposals = (
        batch[key].transpose(0, 1) for key in ("train_images", "train_boxes", "test_images", "proposals")
    )
    with torch.no_grad():
        output = model(train.float(), boxes, test.float(), proposals)
    centers = (batch["test_boxes"][..., :2] + batch["test_boxes"][..., 2:] / 2) / 16
    cells = torch.arange(9.0)
    squared = (cells[:, None] - centers[..., 1, None, None]) ** 2 + (cells - centers[..., 0, None, None]) ** 2
    labels = torch.exp(-squared / (2 * (0.25 * 8 / 5) ** 2))
    return [float(hinge_loss(scores.transpose(0, 1), labels).value()) for scores in output.scores]


def test_a_short_run_lowers_the_loss_of_every_iterate(videos: Path, tmp_path: Path) -> None:
    trainer = build_trainer(small_dimp(videos, tmp_path), CPU, DistributedContext(), quiet=True)
    recipe, batch = recipe_of(trainer), next(iter(trainer.loader))
    before = losses_of_iterates(recipe, batch)
    trainer.run()
    after = losses_of_iterates(recipe, batch)
    assert len(after) == 6
    assert all(late < 0.9 * early for early, late in zip(before, after, strict=True)), (before, after)


def test_losses_are_those_of_the_iterates(videos: Path, tmp_path: Path) -> None:
    trainer = build_trainer(small_dimp(videos, tmp_path), CPU, DistributedContext(), quiet=True)
    recipe, batch = recipe_of(trainer), next(iter(trainer.loader))
    recipe.enter(0)
    recipe.model.eval()
    with torch.no_grad():
        losses = {name: float(value) for name, value in recipe.losses(batch, lambda mean: mean.value()).items()}
    first, *between, last = losses_of_iterates(recipe, batch)
    assert losses["clf_init"] == pytest.approx(first, rel=1e-4)
    assert losses["clf_iter"] == pytest.approx(sum(between) / 4, rel=1e-4)
    assert losses["clf"] == pytest.approx(last, rel=1e-4)
    assert losses.keys() == recipe.weights.keys()


def test_prdimp_learns_from_densities(videos: Path, tmp_path: Path) -> None:
    """A density over places and one over boxes, through Newton's steps: both losses have a gradient everywhere."""
    cfg = small_dimp(
        videos,
        tmp_path,
        HEAD={"TYPE": "DIMP", "KWARGS": {"feat_blocks": 1, "out_dim": 16, "optimizer": "newton"}},
        TRAIN__CLF_LOSS="kl",
        TRAIN__BOX_LOSS="kl",
        TRAIN__CROP_MODE="inside_major",
        TRAIN__BOXES_PER_FRAME=32,
    )
    trainer = build_trainer(cfg, CPU, DistributedContext(), quiet=True)
    recipe, batch = recipe_of(trainer), next(iter(trainer.loader))
    recipe.enter(0)
    losses = recipe.losses(batch, lambda mean: mean.value())
    assert losses["clf_init"] < torch.tensor(9.0 * 9).log() * 1.5  # scores of fresh weights say little
    recipe.total(losses).backward()
    learned = [p for name, p in recipe.model.named_parameters() if name.startswith(("classifier", "bb_regressor"))]
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in learned)
    assert all(float(p.grad.abs().sum()) > 0 for p in recipe.model.classifier.filter_optimizer.parameters())


def test_rates_of_the_parts(videos: Path, tmp_path: Path) -> None:
    recipe = recipe_of(build_trainer(small_dimp(videos, tmp_path), CPU, DistributedContext(), quiet=True))
    groups = {group.name: group for group in recipe.enter(1)}
    assert groups["classifier.filter_optimizer"].factor == 5.0
    assert groups["backbone"].factor == 0.2
    optimizer = {id(p) for p in recipe.model.classifier.filter_optimizer.parameters()}
    assert optimizer.isdisjoint({id(p) for p in groups["classifier"].parameters})


def test_parts_may_start_from_other_snapshots(videos: Path, tmp_path: Path) -> None:
    plain = small_dimp(videos, tmp_path)
    donor = build_model(plain)
    assert isinstance(donor, DimpNet)
    save_file({name: value.contiguous() for name, value in donor.state_dict().items()}, tmp_path / "donor.safetensors")
    start = {"bb_regressor": str(tmp_path / "donor.safetensors")}
    model = build_recipe(small_dimp(videos, tmp_path, TRAIN__PARTS_FROM=start), CPU).model
    pairs = zip(model.bb_regressor.parameters(), donor.bb_regressor.parameters(), strict=True)
    assert all(torch.equal(mine, given) for mine, given in pairs)
    assert not torch.equal(model.backbone.layer2[0][0].weight, donor.backbone.layer2[0][0].weight)
    with pytest.raises(SnapshotError, match="DimpNet has no part 'rpn'"):
        build_recipe(small_dimp(videos, tmp_path, TRAIN__PARTS_FROM={"rpn": start["bb_regressor"]}), CPU)


@pytest.mark.parametrize(("key", "known"), [("CLF_LOSS", "hinge"), ("BOX_LOSS", "iou")])
def test_unknown_losses_are_named(videos: Path, tmp_path: Path, key: str, known: str) -> None:
    with pytest.raises(ConfigError, match=f"TRAIN.{key} is 'mse'; expected {known} or kl"):
        build_recipe(small_dimp(videos, tmp_path, **{f"TRAIN__{key}": "mse"}), CPU)
