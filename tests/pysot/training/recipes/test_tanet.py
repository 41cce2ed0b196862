"""The adversarial training of attention: maps, turns, gradients, clips, and a run that goes on exactly."""

from __future__ import annotations

import csv
import subprocess
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor
from yacs.config import CfgNode

from pysot.config.loading import load_config
from pysot.core.attention_input import clip_indices, frames_needed, target_picture, whole_frame
from pysot.core.errors import ConfigError
from pysot.datasets.builder import build_training_data
from pysot.datasets.sources.base import consecutive
from pysot.models.attention.c3d import motion_trunk
from pysot.training.builder import build_recipe, build_trainer
from pysot.training.checkpoint import load_checkpoint
from pysot.training.distributed import DistributedContext
from pysot.training.recipes.tanet import (
    APPEARANCE,
    GENERATOR,
    MOTION,
    AttentionLosses,
    AttentionRecipe,
    cross_entropy,
    map_loss,
    wanted_maps,
)
from pysot.training.trainer import TrainParams
from pysot.zoo.loading import MismatchError
from tests.pysot.training.small_run import fresh_weights, small_config
from tests.pysot.training.test_resume import command, kill_at, logged_steps

CPU = torch.device("cpu")


def attention_config(videos: Path, run: Path, **overrides: Any) -> Path:
    """A narrow network on frames of 64 pixels, two clips a step."""
    shape = {"widths": [8, 8, 16, 16], "used_layers": [2, 3], "top_down": False}
    start = fresh_weights(run, blocks=(0, 1, 2), **shape)
    return small_config(
        videos,
        run,
        HEAD={"TYPE": "ATTENTION"},
        BACKBONE={"PRETRAINED": start, "TRAIN_LAYERS": ["layer3"], "TRAIN_EPOCH": 1, "LAYERS_LR": 0.5},
        ATTENTION={
            "TYPE": "TANetTiny",
            "INPUT_SIZE": 64,
            "KWARGS": {"target_size": 32, "widths": shape["widths"], "embed": 8, "hidden": 16, "motion": 4},
            "TRAIN": {
                "D_APP": "compact",
                "D_MOT": "compact",
                "D_APP_KWARGS": {"side": 32, "widths": [8, 16]},
                "D_MOT_KWARGS": {"side": 32, "widths": [8, 16]},
                "ZOOM": 0.5,
                "GAP": 2,
            },
        },
        TRAIN__BATCH_SIZE=2,
        TRAIN__OPTIMIZER="adam",
        DATASET__VIDEOS_PER_EPOCH=12,
        DATASET__NEG=0.2,
        DATASET__MIRROR=0.5,
        **overrides,
    )


@pytest.fixture(scope="module")
def recipe(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> AttentionRecipe:
    made = build_recipe(load_config(attention_config(videos, tmp_path_factory.mktemp("recipe"))), CPU)
    assert isinstance(made, AttentionRecipe)
    made.enter(1)
    return made


def a_batch(side: int = 64, target: int = 32, count: int = 2) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(3)
    boxes = torch.tensor([[10.0, 20, 16, 12]]).repeat(count, frames_needed(3), 1)
    boxes[-1] = float("nan")
    return {
        "target": torch.randint(0, 256, (count, 3, target, target), generator=generator, dtype=torch.uint8),
        "frames": torch.randint(0, 256, (count, 5, 3, side, side), generator=generator, dtype=torch.uint8),
        "boxes": boxes,
    }


def mean(part: Any) -> Tensor:
    value: Tensor = part.value()
    return value


def test_turns_of_the_published_schedule() -> None:
    """Three, four and eight of fifteen steps (docs/systems/tanet.md, Training)."""
    losses = AttentionLosses()
    for start in (0, 15, 300):
        turns = Counter(losses.turn(step) for step in range(start, start + 15))
        assert turns == {APPEARANCE: 3, MOTION: 4, GENERATOR: 8}
    assert [losses.turn(step) for step in (0, 3, 5, 6)] == [APPEARANCE, MOTION, APPEARANCE, MOTION]
    alone = AttentionLosses(d_app_every=0, d_mot_every=0)
    assert {alone.turn(step) for step in range(30)} == {GENERATOR}
    with pytest.raises(ConfigError, match="the generator never learns"):
        AttentionLosses(d_app_every=1)


def test_wanted_maps() -> None:
    boxes = torch.tensor([[2.0, 3, 4, 2], [float("nan")] * 4, [5.2, 5.2, 0.1, 0.1], [-3.0, -3, 100, 100]])
    maps = wanted_maps(boxes, 10)
    assert maps.shape == (4, 1, 10, 10)
    assert maps[0, 0, 3:5, 2:6].eq(1).all() and maps[0].sum() == 8
    assert maps[1].sum() == 0 and maps[3].eq(1).all()
    assert maps[2].sum() == 1 and maps[2, 0, 5, 5] == 1
    soft = wanted_maps(torch.tensor([[20.0, 10, 20, 10]]), 50, "gaussian")[0, 0]
    assert divmod(int(soft.argmax()), 50) in ((14, 29), (14, 30), (15, 29), (15, 30)) and soft.max() > 0.98
    along = soft[14] / soft[14].max()
    np.testing.assert_allclose(along[36] / along[30], np.exp(-0.5 * (6.5**2 - 0.5**2) / 6.0**2), rtol=1e-4)


def test_losses_against_closed_forms() -> None:
    logits, wanted = torch.tensor([[[[0.0, 2.0]]]]), torch.tensor([[[[1.0, 0.0]]]])
    expected = np.array([3 * np.log(2), np.log1p(np.exp(2))]).mean()
    assert float(map_loss(logits, wanted, 3.0).value()) == pytest.approx(expected)
    assert float(cross_entropy(torch.tensor([0.0, 0.0]), 0.9).value()) == pytest.approx(np.log(2))
    assert float(cross_entropy(torch.tensor([4.0]), 0.0).value()) == pytest.approx(np.log1p(np.exp(4)))


def test_discriminators_get_real_and_made_maps_along_the_same_axes(recipe: AttentionRecipe) -> None:
    batch, seen = a_batch(), []
    hooks = [
        discriminator.register_forward_pre_hook(
            lambda _module, inputs: seen.append(tuple(map(torch.Tensor.size, inputs)))
        )
        for discriminator in recipe.discriminators.values()
    ]
    recipe.losses_of(APPEARANCE, batch, mean)
    recipe.losses_of(MOTION, batch, mean)
    for hook in hooks:
        hook.remove()
    assert seen[0] == seen[1] == ((6, 3, 64, 64), (6, 1, 64, 64))
    assert seen[2] == seen[3] == ((2, 3, 3, 64, 64), (2, 3, 1, 64, 64))


def test_who_learns_in_whose_turn(recipe: AttentionRecipe) -> None:
    """A discriminator's turn leaves the generator without gradients; each of its own reaches its first and last
    layers."""
    batch = a_batch()
    for turn in (APPEARANCE, MOTION):
        recipe.learner.zero_grad(set_to_none=True)
        recipe.total(recipe.losses_of(turn, batch, mean)).backward()
        assert all(p.grad is None for p in recipe.model.parameters())
        assert all(p.grad is not None for p in recipe.discriminators[turn].parameters())
    for loss in ("bce", "adv_app", "adv_mot"):
        recipe.learner.zero_grad(set_to_none=True)
        recipe.losses_of(GENERATOR, batch, mean)[loss].backward()
        assert all(p.grad is None for p in recipe.discriminators.parameters())
        for part in ("backbone.layer3", "last"):
            gradients = [p.grad for p in recipe.model.get_submodule(part).parameters()]
            assert all(g is not None and float(g.abs().sum()) > 0 for g in gradients), (loss, part)


def test_loss_of_the_generator_is_the_published_sum(recipe: AttentionRecipe) -> None:
    losses = recipe.losses_of(GENERATOR, a_batch(), mean)
    expected = losses["bce"] + 0.1 * losses["adv_app"] + 0.2 * losses["adv_mot"]
    torch.testing.assert_close(recipe.total(losses), expected)
    losses = recipe.losses_of(APPEARANCE, a_batch(), mean)
    torch.testing.assert_close(recipe.total(losses), losses[APPEARANCE])


def test_groups_belong_to_turns(recipe: AttentionRecipe) -> None:
    groups = recipe.enter(1)
    by_turn = {turn: {id(p) for g in groups if g.turn == turn for p in g.parameters} for turn in recipe.turns}
    assert by_turn[APPEARANCE] == {id(p) for p in recipe.discriminators[APPEARANCE].parameters()}
    assert by_turn[GENERATOR] == {id(p) for p in recipe.model.parameters() if p.requires_grad}
    assert not by_turn[GENERATOR] & (by_turn[APPEARANCE] | by_turn[MOTION])


def test_clips() -> None:
    assert [clip_indices(index, 6, 3, "causal") for index in (0, 1, 5)] == [[0, 0, 0], [0, 0, 1], [3, 4, 5]]
    assert [clip_indices(index, 6, 3, "centered") for index in (0, 2, 5)] == [[0, 0, 1], [1, 2, 3], [4, 5, 5]]
    assert clip_indices(0, 1, 3, "causal") == clip_indices(0, 1, 3, "centered") == [0, 0, 0]
    assert all(max(clip_indices(index, 50, 4, "causal")) == index for index in range(50))
    with pytest.raises(ConfigError, match="CLIP is 'future'"):
        clip_indices(0, 1, 3, "future")
    rng = np.random.default_rng(0)
    usable = np.array([2, 3, 5, 8, 9, 10])
    for _ in range(50):
        numbers = consecutive(rng, usable, 3, 2)
        places = np.searchsorted(usable, numbers)
        assert len(set(np.diff(places))) == 1 and 1 <= np.diff(places)[0] <= 2
    assert consecutive(rng, usable[:2], 4, 1) == [2, 3, 3, 3]


def test_pictures_of_targets() -> None:
    image = np.arange(40 * 50, dtype=np.int64).reshape(40, 50, 1).repeat(3, axis=2).astype(np.uint8)
    np.testing.assert_array_equal(target_picture(image, (10.9, 5.2, 8, 8), 8, 1.0), image[5:13, 10:18])
    np.testing.assert_array_equal(target_picture(image, (12, 8, 4, 4), 8, 2.0), image[6:14, 10:18])
    assert (target_picture(image, (7, 9, 1, 1), 16, 1.0) == image[9, 7]).all()
    assert (target_picture(image, (7.5, 9.5, 0.2, 0.2), 16, 1.0) == image[9, 7]).all()
    assert target_picture(image, (-30, -30, 45, 45), 24, 2.0).shape == (24, 24, 3)
    assert whole_frame(image, 24).shape == (24, 24, 3)


def test_the_picture_of_a_large_target_takes_no_more_memory() -> None:
    y, x = np.mgrid[:1200, :1600]
    image = np.stack([x * 255 / 1600, y * 255 / 1200, (x + y) * 255 / 2800], axis=2).astype(np.uint8)
    tracemalloc.start()
    picture = target_picture(image, (-100, -100, 1500, 1300), 32, 2.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    rows, columns = np.arange(-750, 1850).clip(0, 1199), np.arange(-850, 2150).clip(0, 1599)
    assert peak < 8 * 2**20
    assert np.abs(picture.astype(int) - whole_frame(image[rows][:, columns], 32)).max() <= 2


def test_samples_show_the_target_where_the_box_says(videos: Path, tmp_path: Path) -> None:
    """What is drawn by position does not change; boxes follow the resizing, the cropping and the mirroring."""
    overrides = {"DATASET__NEG": 0.0, "DATASET__MINE": {"KIND": "synth", "COUNT": 2, "NUM_USE": 12}}
    data = build_training_data(load_config(changed_config(videos, tmp_path, overrides)))
    sample, again = data[3], data[3]
    assert all(torch.equal(sample[key], again[key]) for key in sample)
    assert sample["frames"].shape == (5, 3, 64, 64) and sample["target"].shape == (3, 32, 32)
    for index in range(8):
        boxes = data[index]["boxes"]
        assert torch.isfinite(boxes).all()
        middle = boxes[:, :2] + boxes[:, 2:] / 2
        assert (middle > -1).all() and (middle < 65).all() and (boxes[:, 2:] > 1).all()
    negative = build_training_data(load_config(changed_config(videos, tmp_path / "neg", {"DATASET__NEG": 1.0})))[0]
    assert torch.isnan(negative["boxes"]).all()


def changed_config(videos: Path, run: Path, overrides: dict[str, Any]) -> Path:
    """`attention_config` with some values replaced; double underscores stand for dots."""
    file = attention_config(videos, run)
    content = yaml.safe_load(file.read_text())
    for dotted, value in overrides.items():
        *path, last = dotted.split("__")
        node = content
        for part in path:
            node = node[part]
        node[last] = value
    file.write_text(yaml.safe_dump(content))
    return file


def test_killed_and_resumed_equals_left_alone(repo: Path, videos: Path, tmp_path: Path) -> None:
    """Weights of the generator and of both discriminators, and the state of three optimizers, bit for bit; both
    discriminators logged,
    and a picture of the maps after every epoch.
    """
    validation = {"TRAIN__VALIDATE": {"SEQUENCES": [str(videos / "first")], "INTERVAL": 1}}
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    config = changed_config(videos, alone, validation)
    subprocess.run(command(repo, config), check=True, capture_output=True)  # with as many threads as the other
    config = changed_config(videos, killed, validation)
    kill_at(repo, config, killed, 8)
    subprocess.run(command(repo, config, "--resume", "auto"), check=True, capture_output=True)
    expected, found = (load_checkpoint(run / "snapshot" / "checkpoint_e2.pth") for run in (alone, killed))
    for group in ("state_dict", "learner"):
        assert [key for key, value in expected[group].items() if not torch.equal(value, found[group][key])] == []
    assert set(found["optimizer"]) == {GENERATOR, APPEARANCE, MOTION}
    assert [step for step in logged_steps(killed) if step] == logged_steps(alone)
    rows = list(csv.DictReader((killed / "logs" / "log.csv").open()))
    for name in ("bce", "adv_app", "adv_mot", "d_app", "d_app/real", "d_app/fake", "d_mot", "val/hit", "val/ratio"):
        assert any(row[name] for row in rows), name
    assert {path.name for path in (killed / "logs" / "maps").iterdir()} == {"epoch_001.jpg", "epoch_002.jpg"}


def released_config(videos: Path, run: Path, **train: Any) -> CfgNode:
    """`tanet_r18`, narrow, on frames of 128 pixels of `videos`, nothing downloaded."""
    cfg = load_config("tanet_r18", ["BACKBONE.PRETRAINED", "", "ATTENTION.INPUT_SIZE", "128", "TRAIN.EPOCH", "1"])
    cfg.defrost()
    cfg.ATTENTION.KWARGS = CfgNode({"width": 0.0625})
    cfg.ATTENTION.TRAIN.D_MOT_KWARGS = CfgNode({"width": 0.0625})
    cfg.DATASET.merge_from_other_cfg(CfgNode({"VIDEOS_PER_EPOCH": 7, "CACHE_MIB": 0}))
    cfg.DATASET.NAMES = ["MINE"]
    cfg.DATASET.MINE = CfgNode({"KIND": "folder", "ROOT": str(videos)})
    for key, value in {"PARTS_FROM": {}, "NUM_WORKERS": 0, **train}.items():
        cfg.TRAIN[key] = CfgNode(value) if isinstance(value, dict) else value
    cfg.TRAIN.SNAPSHOT_DIR, cfg.TRAIN.LOG_DIR, cfg.TRAIN.DEVICE = str(run / "snapshot"), str(run / "logs"), "cpu"
    cfg.TRAIN.PRINT_FREQ = 1
    return cfg


@pytest.mark.parametrize("train", [{}, {"AMP": True}, {"SYNC_BN": True}])
def test_the_released_networks_train(videos: Path, tmp_path: Path, train: dict[str, Any]) -> None:
    """A turn of each; channels-last is for the weights over pictures, not for those over clips."""
    trainer = build_trainer(released_config(videos, tmp_path, **train), CPU, DistributedContext(), quiet=True)
    learner = trainer.recipe.learner
    before = {name: value.clone() for name, value in learner.named_parameters()}
    trainer.run()
    parts = ("model.encoder", "model.motionModel", "model.decoder", "discriminators.d_app", "discriminators.d_mot")
    for part in parts:
        changed = [n for n, v in learner.named_parameters() if n.startswith(part) and not torch.equal(v, before[n])]
        assert changed, part
    assert all(torch.isfinite(value).all() for value in learner.state_dict().values())
    rows = list(csv.DictReader((tmp_path / "logs" / "log.csv").open()))
    for name in ("bce", "adv_app", "adv_mot", "d_app", "d_mot"):
        assert np.isfinite([float(row[name]) for row in rows if row[name] not in ("", "nan")]).all()


def test_the_release_states_what_tanet_r18_says() -> None:
    """Numbers of train.py of the release (docs/systems/tanet.md, Training)."""
    cfg = load_config("tanet_r18")
    params = TrainParams.from_config(cfg)
    assert (params.optimizer, params.epochs, cfg.TRAIN.BATCH_SIZE, params.weight_decay) == ("adagrad", 20, 1, 0.0)
    np.testing.assert_allclose(params.rates, 1e-4)
    train = cfg.ATTENTION.TRAIN
    assert (train.ALPHA_APP, train.ALPHA_MOT, train.D_APP_EVERY, train.D_MOT_EVERY) == (0.1, 0.2, 5, 3)
    assert (cfg.ATTENTION.INPUT_SIZE, cfg.ATTENTION.CLIP_LEN, cfg.DATASET.GOT10K.KIND) == (300, 3, "got10k")


def test_clip_networks_start_from_c3d(videos: Path, tmp_path: Path) -> None:
    """Its convolutions under bare names, whatever linear layers follow; another form is refused by name and shape."""
    motion = motion_trunk(0.0625)
    state = {key: torch.full_like(value, 0.5) for key, value in motion.state_dict().items()}
    torch.save({**state, "fc6.weight": torch.ones(4, 8), "fc8.bias": torch.ones(4)}, tmp_path / "c3d.pickle")
    start = dict.fromkeys(("motionModel", "discriminators.d_mot.motionModel"), str(tmp_path / "c3d.pickle"))
    recipe = build_recipe(released_config(videos, tmp_path, PARTS_FROM=start), CPU)
    for part in start:
        owner = recipe.model if part == "motionModel" else recipe.learner
        assert all(value.eq(0.5).all() for value in owner.get_submodule(part).state_dict().values())
    torch.save({**state, "conv1.weight": torch.ones(4, 3, 7, 7, 7)}, tmp_path / "other.pickle")
    with pytest.raises(MismatchError, match=r"motionModel.*other.pickle does not fit this TANet(.|\n)*conv1.weight"):
        build_recipe(released_config(videos, tmp_path, PARTS_FROM={"motionModel": str(tmp_path / "other.pickle")}), CPU)


@pytest.mark.slow
def test_learns_to_tell_one_target(videos: Path, tmp_path: Path) -> None:
    overrides = {"TRAIN__EPOCH": 12, "DATASET__VIDEOS_PER_EPOCH": 24, "DATASET__NEG": 0.0}
    trainer = build_trainer(
        load_config(changed_config(videos, tmp_path, overrides)), CPU, DistributedContext(), quiet=True
    )
    trainer.run()
    rows = [row for row in csv.DictReader((tmp_path / "logs" / "log.csv").open()) if row["bce"]]
    losses = [float(row["bce"]) for row in rows if row["bce"] != "nan"]
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:10])
