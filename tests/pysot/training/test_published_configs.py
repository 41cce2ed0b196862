"""Every experiment can be trained as it is, with the published numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from yacs.config import CfgNode

from pysot.config.experiments import list_experiments
from pysot.config.loading import load_config
from pysot.datasets.targets import AnchorTargets, PointTargets
from pysot.training.builder import build_recipe, build_trainer
from pysot.training.distributed import DistributedContext
from pysot.training.recipes.base import RECIPES, Recipe
from pysot.training.trainer import TrainParams
from pysot.zoo.catalog import CATALOG
from tests.pysot.training.small_run import fresh_weights

SIAMESE = [name for name in list_experiments() if load_config(name).HEAD.TYPE in ("RPN", "BAN")]
META = torch.device("meta")
"""Shapes without numbers: a ResNet-50 is built in no time."""

# batch per process, epochs, rate of the first, of the sixth (the first after the warm-up) and of the last epoch, layers
# that learn, their factor: docs/systems/siamrpn.md, Schedule, and nanotrack.md, Training. AlexNet's list .005, .01,
# .0005 is scaled to a BASE_LR of .005, as in PySOT.
TRAINING = {
    "siamrpn_r50_l234_dwxcorr_8gpu": (28, 20, (0.001, 0.005, 0.0005), "layer2 layer3 layer4", 0.1),
    "siamrpn_r50_l234_dwxcorr_16gpu": (24, 20, (0.001, 0.005, 0.0005), "layer2 layer3 layer4", 0.1),
    "siamrpn_r50_l234_dwxcorr_otb_8gpu": (16, 20, (0.001, 0.005, 0.0025), "layer1 layer2 layer3 layer4", 0.1),
    "siamrpn_alex_dwxcorr_16gpu": (128, 50, (0.0025, 0.005, 0.00025), "layer4 layer5", 1.0),
    "nanotrack_v1": (32, 50, (0.001, 0.005, 0.0005), "features", 0.1),
    "nanotrack_v2": (32, 50, (0.001, 0.005, 0.0005), "features", 0.1),
    "nanotrack_v3": (64, 50, (0.001, 0.005, 0.0005), "features", 0.1),
}
# NEG, GRAY, probability of blur, pairs per epoch, sets
DATA = {
    "siamrpn_r50_l234_dwxcorr_8gpu": (0.2, 0.0, 0.2, 600000, "VID COCO DET YOUTUBEBB"),
    "siamrpn_r50_l234_dwxcorr_otb_8gpu": (0.2, 0.2, 0.2, 600000, "VID COCO DET YOUTUBEBB"),
    "siamrpn_alex_dwxcorr_16gpu": (0.05, 0.0, 0.2, 600000, "VID COCO DET YOUTUBEBB"),
    "nanotrack_v1": (0.2, 0.0, 0.2, 100000, "GOT"),
    "nanotrack_v2": (0.2, 0.0, 0.2, 400000, "GOT VID YOUTUBEBB COCO DET LASOT"),
    "nanotrack_v3": (0.2, 0.0, 0.2, 400000, "GOT VID YOUTUBEBB COCO DET LASOT"),
}
STEPPED = [
    "siammask_r50_l3",
    "siamrpn_alex_dwxcorr_16gpu",
    "siamrpn_mobilev2_l234_dwxcorr",
    "nanotrack_v1",
    "nanotrack_v2",
    "nanotrack_v3",
    "siamrpn_r50_l234_dwxcorr_8gpu",
]


def without_files(name: str, *opts: str) -> CfgNode:
    """The experiment's config without the weights it starts from."""
    return load_config(name, ["BACKBONE.PRETRAINED", "''", "TRAIN.DISTILL.TEACHER", "''", *opts])


def recipe_of(cfg: CfgNode) -> Recipe:
    with META:
        return build_recipe(cfg, META)


@pytest.mark.parametrize("name", TRAINING)
def test_schedule_is_the_published_one(name: str) -> None:
    cfg, (batch, epochs, rates, layers, factor) = load_config(name), TRAINING[name]
    params = TrainParams.from_config(cfg)
    assert (cfg.TRAIN.BATCH_SIZE, params.epochs, len(params.rates)) == (batch, epochs, epochs)
    np.testing.assert_allclose(params.rates[[0, 5, -1]], rates)
    assert (params.optimizer, params.momentum, params.weight_decay, params.grad_clip) == ("sgd", 0.9, 1e-4, 10.0)
    assert params.grad_reduce == "sum"
    assert (cfg.BACKBONE.TRAIN_EPOCH, " ".join(cfg.BACKBONE.TRAIN_LAYERS), cfg.BACKBONE.LAYERS_LR) == (
        10,
        layers,
        factor,
    )


@pytest.mark.parametrize("name", list_experiments())
def test_backbones_that_start_frozen_are_named_by_the_zoo(name: str) -> None:
    cfg = load_config(name)
    backbone, start = cfg.BACKBONE, cfg.BACKBONE.PRETRAINED
    unpublished = ("mobilenetv2_1.4", "mobilenetv3_small_1.0")
    if start in CATALOG and CATALOG[start].backbone:
        assert CATALOG[start].backbone == backbone.TYPE
    elif cfg.HEAD.TYPE in RECIPES and backbone.TYPE != "alexnetlegacy":  # trained as alexnet
        learns = backbone.TRAIN_EPOCH == 0 and backbone.TRAIN_LAYERS
        assert learns or start in (*CATALOG, *unpublished)


@pytest.mark.parametrize("name", DATA)
def test_data_are_the_published_ones(name: str) -> None:
    data = load_config(name).DATASET
    found = (data.NEG, data.GRAY, data.SEARCH.BLUR, data.VIDEOS_PER_EPOCH, " ".join(data.NAMES))
    assert found == DATA[name]
    assert (data.TEMPLATE.SHIFT, data.TEMPLATE.SCALE, data.SEARCH.SHIFT, data.SEARCH.SCALE) == (4, 0.05, 64, 0.18)


@pytest.mark.parametrize("name", SIAMESE)
def test_labels_have_the_size_of_the_response_map(name: str) -> None:
    cfg = without_files(name)
    targets = PointTargets if cfg.HEAD.TYPE == "BAN" else AnchorTargets
    labels = targets.from_config(cfg)(np.array([100.0, 90.0, 160.0, 150.0]), False, np.random.default_rng(0))
    model = recipe_of(cfg).model
    with META:
        cls, loc = model(torch.empty(2, 3, 127, 127), torch.empty(2, 3, 255, 255))
    label_cls, label_loc = labels["label_cls"], labels["label_loc"]
    assert (label_cls == 1).any() and (label_cls == 0).any()
    assert cls.shape[-2:] == label_cls.shape[-2:] and cls[0].numel() == 2 * label_cls.size
    assert loc.shape[-2:] == label_loc.shape[-2:] and loc[0].numel() == label_loc.size


@pytest.mark.parametrize("name", SIAMESE)
def test_groups_and_what_is_frozen(name: str) -> None:
    """The backbone waits for its epoch and then learns at its own rate; everything else at the schedule's."""
    cfg = without_files(name)
    recipe = recipe_of(cfg)
    unfreeze = cfg.BACKBONE.TRAIN_EPOCH
    heads = [child for child, _ in recipe.model.named_children() if child not in ("backbone", "refine_head")]
    stages = {0, unfreeze}
    for epoch in sorted(stages):
        groups = {group.name: group for group in recipe.enter(recipe.stage(epoch))}
        learns = epoch >= unfreeze
        assert set(groups) == {*heads, *(["backbone"] if learns else [])}
        assert all(groups[head].factor == 1 for head in heads)
        layers = tuple(f"{layer}." for layer in cfg.BACKBONE.TRAIN_LAYERS)
        for key, parameter in recipe.model.backbone.named_parameters():
            assert parameter.requires_grad == (learns and key.startswith(layers)), key
        for key, module in recipe.model.backbone.named_modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                assert module.training == (learns and key.startswith(layers)), key
        if learns:
            assert groups["backbone"].factor == cfg.BACKBONE.LAYERS_LR
        in_groups = {id(p) for group in groups.values() for p in group.parameters}
        assert in_groups == {id(p) for p in recipe.model.parameters() if p.requires_grad}


@pytest.mark.parametrize("name", STEPPED)
def test_one_step(name: str, videos: Path, tmp_path: Path) -> None:
    """Batch of two, drawn images, a backbone of no training; everything else as published."""
    backbone = load_config(name).BACKBONE
    own = {"KIND": "folder", "ROOT": str(videos), "FRAME_RANGE": "5", "NUM_USE": "2"}
    opts = [word for key, value in own.items() for word in (f"DATASET.MINE.{key}", value)]
    opts += ["DATASET.NAMES", "[MINE]", "DATASET.VIDEOS_PER_EPOCH", "2", "DATASET.NEG", "0.0", "TRAIN.BATCH_SIZE", "2"]
    opts += ["BACKBONE.PRETRAINED", fresh_weights(tmp_path, backbone.TYPE, **backbone.KWARGS)]
    opts += ["TRAIN.NUM_WORKERS", "0", "TRAIN.LOG_DIR", str(tmp_path), "TRAIN.SNAPSHOT_DIR", str(tmp_path)]
    trainer = build_trainer(without_files(name, *opts), torch.device("cpu"), DistributedContext(), quiet=True)
    model = trainer.recipe.model
    before = {key: value.clone() for key, value in model.state_dict().items()}
    trainer.enter_epoch()
    report = trainer.step(next(iter(trainer.batches())))
    assert report.stepped and np.isfinite(list(report.losses.values())).all()
    assert all(value > 0 for value in report.losses.values()), report.losses
    for key, parameter in model.named_parameters():
        if parameter.grad is not None and parameter.grad.any():
            assert not torch.equal(parameter, before[key]), key
        else:
            assert torch.equal(parameter, before[key]), key
    assert all(torch.equal(value, before[f"backbone.{key}"]) for key, value in model.backbone.state_dict().items())
    heads = {key.split(".")[0] for key, p in model.named_parameters() if p.grad is not None}
    unused = {"backbone", "refine_head"} | ({"neck"} if name.startswith("nanotrack") else set())  # never applied
    assert heads == {child for child, _ in model.named_children()} - unused
