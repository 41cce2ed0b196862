"""The loop: what a step does, when it refuses, and what it reports."""

from __future__ import annotations

import csv
import errno
import math
import os
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pysot.config.loading import load_config, override_config
from pysot.core.device import resolve_device
from pysot.core.errors import ConfigError, SotError, TrainingError
from pysot.models.builder import build_model
from pysot.training.builder import build_trainer, check_backbone
from pysot.training.checkpoint import load_checkpoint
from pysot.training.distributed import DistributedContext
from pysot.training.hooks import DurationHook, GradientHook, duration
from pysot.training.loading import RunSampler
from pysot.training.losses import Mean
from pysot.training.optim import Group, build_optimizer, set_learning_rate
from pysot.training.recipes.base import Batch, MeanOf, Recipe
from pysot.training.trainer import Hook, StepReport, Trainer, TrainParams
from tests.pysot.training.small_run import small_config


class Line(Recipe):
    """Learns y = 3 x by its mean squared error."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(1, 1, bias=False), {"fit": 1.0, "size": 0.0})

    @property
    def weight(self) -> Tensor:
        return next(self.model.parameters())

    def losses(self, batch: Batch, mean: MeanOf) -> dict[str, Tensor]:
        errors = (self.model(batch["x"]) - 3 * batch["x"]).square()
        size = self.weight.square().sum()
        return {"fit": mean(Mean(errors.sum(), torch.tensor(float(len(errors))))), "size": size}

    def stage(self, epoch: int) -> int:
        return 0

    def enter(self, stage: int) -> list[Group]:
        return [Group("line", list(self.model.parameters()))]


def weight_of(trainer: Trainer) -> float:
    assert isinstance(trainer.recipe, Line)
    return trainer.recipe.weight.item()


class Reports(Hook):
    def __init__(self) -> None:
        self.seen: list[StepReport] = []
        self.epochs, self.ended = 0, 0

    def after_step(self, trainer: Trainer, report: StepReport) -> None:
        self.seen.append(report)

    def after_epoch(self, trainer: Trainer) -> None:
        self.epochs += 1

    def after_run(self, trainer: Trainer) -> None:
        self.ended += 1


def line_trainer(batches: list[dict[str, Any]], steps_per_epoch: int = 0, **params: Any) -> tuple[Trainer, Reports]:
    steps_per_epoch = steps_per_epoch or len(batches)
    epochs = len(batches) // steps_per_epoch
    reports = Reports()
    numbers = TrainParams(epochs=epochs, rates=np.full(epochs, 0.1), weight_decay=0.0, **params)
    return Trainer(Line(), batches, steps_per_epoch, numbers, DistributedContext(), [reports]), reports  # type: ignore[arg-type]


def batch(*values: float) -> dict[str, Any]:
    return {"x": torch.tensor(values)[:, None], "index": torch.arange(len(values)) + 70}


def test_learns_and_reports() -> None:
    trainer, reports = line_trainer([batch(1.0, 0.5)] * 40, steps_per_epoch=10, momentum=0.5)
    trainer.run()
    assert weight_of(trainer) == pytest.approx(3.0, abs=0.1)
    assert [reports.epochs, reports.ended, len(reports.seen)] == [4, 1, 40]
    assert reports.seen[-1].losses["fit"] < 0.01 * reports.seen[0].losses["fit"]
    assert reports.seen[0].total == pytest.approx(reports.seen[0].losses["fit"])


def test_a_run_says_once_how_long_it_takes(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    times = iter([1000.0, 1612.0])  # after the first step, and after ten more
    monkeypatch.setattr("pysot.training.hooks.time", SimpleNamespace(perf_counter=lambda: next(times)))
    monkeypatch.setattr("pysot.training.hooks.peak_memory_mib", lambda _device: 812.4)
    trainer, _ = line_trainer([batch(1.0)] * 30, steps_per_epoch=10)
    trainer.hooks = [DurationHook()]
    with caplog.at_level("INFO"):
        trainer.run()
    text = "19 steps are left, about 19 min at 61.20 s a step; 812 MiB at most so far, loader processes not counted"
    assert [record.getMessage() for record in caplog.records] == [text]
    assert [duration(seconds) for seconds in (40.4, 119, 7500, 90000)] == ["40 s", "2 min", "2 h 05 min", "25 h 00 min"]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_not_finite_stops_and_names_the_batch(bad: float) -> None:
    trainer, reports = line_trainer([batch(1.0), batch(1.0, bad), batch(1.0)])
    weights: list[float] = []
    trainer.hooks.append(Recorder(weights))
    with pytest.raises(TrainingError, match=r"loss is not finite at epoch 1, step 2 .*\[70, 71\].*--resume auto"):
        trainer.run()
    assert weight_of(trainer) == weights[-1]
    assert reports.ended == 1


class Recorder(Hook):
    def __init__(self, weights: list[float]) -> None:
        self.weights = weights

    def after_step(self, trainer: Trainer, report: StepReport) -> None:
        self.weights.append(weight_of(trainer))


def test_diverged_batch_is_passed_over() -> None:
    trainer, reports = line_trainer([batch(1.0), batch(1e4)])
    weights: list[float] = []
    trainer.hooks.append(Recorder(weights))
    trainer.run()
    assert [report.stepped for report in reports.seen] == [True, False]
    assert weights[0] == weights[1]


def test_gradient_is_clipped() -> None:
    trainer, reports = line_trainer([batch(20.0)], grad_clip=0.5, momentum=0.0)
    before = weight_of(trainer)
    trainer.run()
    assert reports.seen[0].grad_norm > 100
    moved = abs(weight_of(trainer) - before)
    assert moved == pytest.approx(0.1 * 0.5, rel=1e-3)


@pytest.mark.parametrize("amp", [torch.bfloat16, torch.float16])
def test_mixed_precision_learns(amp: torch.dtype) -> None:
    trainer, _ = line_trainer([batch(1.0, 0.5)] * 40, amp=amp, momentum=0.5)
    trainer.run()
    assert weight_of(trainer) == pytest.approx(3.0, abs=0.15)


def test_an_overflow_of_short_floats_is_counted_and_does_not_step() -> None:
    """The scale of the loss is far too large at first; it is halved until the gradient fits, and only then is a step
    made.
    """
    trainer, reports = line_trainer([batch(1.0, 0.5)] * 12, amp=torch.float16)
    trainer.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**20)
    weights = [weight_of(trainer)]

    class Weights(Hook):
        def after_step(self, trainer: Trainer, report: StepReport) -> None:
            weights.append(weight_of(trainer))

    trainer.hooks.append(Weights())
    trainer.run()
    stepped = [report.stepped for report in reports.seen]
    assert stepped == [before != after for before, after in pairwise(weights)]
    assert 0 < stepped.index(True) < 8 and all(stepped[stepped.index(True) :])


def test_groups_have_their_own_rates() -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    groups = [Group("a", list(first.parameters()), 0.1), Group("b", list(second.parameters())), Group("empty", [])]
    optimizer = build_optimizer("sgd", groups, 0.01, 0.9, 1e-4)
    assert [(g["name"], g["lr"]) for g in optimizer.param_groups] == [("a", 0.001), ("b", 0.01)]
    set_learning_rate(optimizer, 0.5)
    assert [g["lr"] for g in optimizer.param_groups] == [0.05, 0.5]


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
def test_every_optimizer_steps(kind: str) -> None:
    trainer, reports = line_trainer([batch(1.0)] * 30, optimizer=kind)
    trainer.run()
    assert reports.seen[-1].total < reports.seen[0].total


def test_unknown_optimizer_and_nothing_to_train() -> None:
    with pytest.raises(ConfigError, match=r"'adamm'.*Did you mean 'adam'"):
        build_optimizer("adamm", [Group("a", list(nn.Linear(1, 1).parameters()))], 0.1, 0.9, 0.0)
    with pytest.raises(ConfigError, match="nothing to train"):
        build_optimizer("sgd", [Group("a", [])], 0.1, 0.9, 0.0)


def test_processes_share_a_step() -> None:
    whole = list(RunSampler(3, 4, DistributedContext()))
    halves = [list(RunSampler(3, 2, DistributedContext(rank, 2))) for rank in (0, 1)]
    assert whole == [first + second for first, second in zip(*halves, strict=True)]
    assert list(RunSampler(3, 4, DistributedContext(), first=2)) == whole[2:]


def run_small(videos: Path, folder: Path, **overrides: Any) -> Trainer:
    cfg = load_config(small_config(videos, folder, **overrides))
    trainer = build_trainer(cfg, resolve_device("cpu"), DistributedContext(), quiet=True)
    trainer.run()
    return trainer


def test_run_writes_log_checkpoints_and_best(videos: Path, tmp_path: Path) -> None:
    sequences = {"TRAIN__VALIDATE": {"SEQUENCES": [str(videos / "first")], "INTERVAL": 1, "MAX_FRAMES": 4}}
    run_small(videos, tmp_path, TRAIN__KEEP=1, TRAIN__PRINT_FREQ=4, TRAIN__NUM_WORKERS=1, **sequences)
    rows = list(csv.DictReader((tmp_path / "logs" / "log.csv").open()))
    assert [int(row["step"]) for row in rows if row["total"]] == [4, 6, 8, 12]
    assert [row["pairs"] for row in rows if row["total"]] == ["16.0", "24.0", "32.0", "48.0"]
    assert len([row for row in rows if row["val/auc"]]) == 2
    files = {path.name for path in (tmp_path / "snapshot").glob("*.pth")}
    assert files == {"latest.pth", "best.pth", "checkpoint_e2.pth"}
    best = load_checkpoint(tmp_path / "snapshot" / "best.pth")
    assert best["best"] == max(float(row["val/auc"]) for row in rows if row["val/auc"])
    assert "MINE" in best["config"]
    assert list((tmp_path / "logs" / "tensorboard").iterdir())


def test_a_run_may_begin_at_a_later_epoch(videos: Path, tmp_path: Path) -> None:
    """The second epoch alone, with the weights of the first: a stage of its own, which starts with a new optimizer."""
    run_small(videos, tmp_path / "whole")
    first, last = (tmp_path / "whole" / "snapshot" / f"checkpoint_e{epoch}.pth" for epoch in (1, 2))
    settings = {"TRAIN__START_EPOCH": 1, "TRAIN__PRETRAINED": str(first)}
    run_small(videos, tmp_path / "late", **settings)
    found = load_checkpoint(tmp_path / "late" / "snapshot" / "checkpoint_e2.pth")["state_dict"]
    expected = load_checkpoint(last)["state_dict"]
    assert [name for name in expected if not torch.equal(expected[name], found[name])] == []
    whole, late = (list(csv.DictReader((tmp_path / run / "logs" / "log.csv").open())) for run in ("whole", "late"))
    assert [(row["step"], row["lr"], row["total"]) for row in late] == [
        (row["step"], row["lr"], row["total"]) for row in whole[6:]
    ]
    cfg = load_config(small_config(videos, tmp_path / "late", TRAIN__START_EPOCH=0))
    resumed = build_trainer(cfg, resolve_device("cpu"), DistributedContext(), resume=str(first), quiet=True)
    assert (resumed.epoch, resumed.step_number) == (1, 6)


def test_gradients_are_logged_before_they_are_clipped() -> None:
    trainer, _ = line_trainer([{"x": torch.tensor([[1.0], [3.0]])}] * 3, grad_clip=1.0)
    seen: dict[int, dict[str, float]] = {}

    class Log:
        def curves(self, step: int, values: dict[str, float]) -> None:
            seen[step] = values

    with torch.no_grad():
        trainer.recipe.weight.fill_(1.0)  # type: ignore[attr-defined]
    trainer.hooks.append(GradientHook(Log(), interval=2))  # type: ignore[arg-type]
    trainer.run()
    assert list(seen) == [2, 3]  # by the interval, and at the end of the epoch
    weight = 1 + 0.1  # moved by the rate times a gradient of norm 1
    gradient = abs(2 * 5 * (weight - 3))  # of the mean of (w - 3)^2 x^2
    assert seen[2] == pytest.approx(
        {
            "grad_all/weight": gradient,
            "weight_all/weight": weight,
            "w-g/weight": weight / gradient,
            "grad/weight": gradient,
            "grad/tot": gradient,
        }
    )


def test_gradients_go_to_tensorboard_alone(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tags: dict[int, set[str]] = {}
    monkeypatch.setattr(
        "tensorboardX.SummaryWriter.add_scalar", lambda self, tag, value, step: tags.setdefault(step, set()).add(tag)
    )
    run_small(videos, tmp_path, TRAIN__LOG_GRADS=True, TRAIN__PRINT_FREQ=3)
    assert list(tags) == [3, 6, 9, 12]
    frozen, learning = ({tag for tag in tags[step] if tag.startswith("grad/")} for step in (6, 9))
    assert frozen == {"grad/tot", "grad/neck", "grad/rpn_head"} and learning == {*frozen, "grad/backbone"}
    assert {"grad_all/rpn_head/cls/head/3/bias", "weight_all/rpn_head/cls/head/3/bias"} <= tags[6]
    columns = next(csv.reader((tmp_path / "logs" / "log.csv").open()))
    assert "total" in columns and not any("grad/" in column or "weight" in column for column in columns)


def test_a_bad_batch_is_traced_to_its_files(videos: Path, tmp_path: Path) -> None:
    cfg = load_config(small_config(videos, tmp_path))
    trainer = build_trainer(cfg, resolve_device("cpu"), DistributedContext(), quiet=True)
    with torch.no_grad():
        next(trainer.recipe.model.rpn_head.parameters()).fill_(math.nan)  # type: ignore[union-attr]
    with pytest.raises(
        TrainingError,
        match=r"not finite at epoch 1, step 1 .*\[0, 1, 2, 3\]:\n  sample 0 of MINE: (negative, )?template",
    ):
        trainer.run()


def test_full_disk_keeps_the_old_checkpoint(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_small(videos, tmp_path, TRAIN__EPOCH=1)
    kept = (tmp_path / "snapshot" / "latest.pth").read_bytes()

    replace = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(target).suffix == ".pth":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(TrainingError, match=r"latest.pth cannot be written: No space left.*stays.*--resume auto"):
        run_small(videos, tmp_path, TRAIN__EPOCH=1)
    assert (tmp_path / "snapshot" / "latest.pth").read_bytes() == kept


def test_damaged_frame_in_the_middle_of_an_epoch(videos: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "videos"
    shutil.copytree(videos, copy)
    for index in (2, 5, 7):
        (copy / "first" / "img" / f"{index:04d}.png").write_bytes(b"\x89PNG not a picture")
    run_small(
        copy,
        tmp_path / "run",
        TRAIN__NUM_WORKERS=1,
        DATASET__MINE={
            "KIND": "folder",
            "ROOT": str(copy),
            "FRAME_RANGE": 5,
            "NUM_USE": 24,
        },
    )
    rows = list(csv.DictReader((tmp_path / "run" / "logs" / "log.csv").open()))
    assert len(rows) == 12
    assert sum(float(row["skipped_draws"]) for row in rows) > 0


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"DATASET__VIDEOS_PER_EPOCH": 3}, "holds no batch of 4"),
        ({"DATASET__NAMES": ["MIME"]}, r"no group DATASET.MIME.*Did you mean 'MINE'"),
        ({"DATASET__MINE": {"KIND": "folder", "ROOT": "/nowhere/at/all"}}, "/nowhere/at/all"),
        ({"DATASET__MINE": {"KIND": "fodler", "ROOT": "."}}, r"'fodler'.*Did you mean 'folder'"),
        ({"DATASET__MINE": {"KIND": "folder", "ROOT": ".", "SPEED": 3}}, "speed"),
        ({"TRAIN__OUTPUT_SIZE": 17}, r"OUTPUT_SIZE is 17.*25 x 25"),
        ({"TRAIN__VALIDATE": {"SEQUENCES": ["/nowhere"]}}, r"TRAIN\.VALIDATE\.SEQUENCES \(empty it .*/nowhere"),
        ({"TRAIN__AMP_DTYPE": "fp8"}, "fp8"),
        ({"TRAIN__GRAD_REDUCE": "max"}, "max"),
        ({"TRAIN__OPTIMIZER": "sgdd"}, "sgdd"),
        ({"TRAIN__LR__TYPE": "coz"}, "coz"),
        ({"TRAIN__PRETRAINED": "/nowhere.pth"}, "nowhere.pth"),
        ({"TRAIN__DISTILL": {"TEACHER": "nanotrack_v3", "LAYER": "layer9"}}, "layer9|nanotrack_v3"),
        ({"BACKBONE__TRAIN_LAYERS": ["layer7"], "BACKBONE__TRAIN_EPOCH": 0}, "layer7"),
        ({"TRAIN__START_EPOCH": 2}, r"TRAIN\.START_EPOCH is 2; expected 0 to TRAIN\.EPOCH - 1 = 1"),
        (
            {"HEAD": {"TYPE": "TADT"}, "TRACK": {"TYPE": "TADTTracker"}},
            "HEAD.TYPE TADT can be tracked, not trained.*RPN",
        ),
    ],
)
def test_bad_configs(videos: Path, tmp_path: Path, overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(SotError, match=message):
        run_small(videos, tmp_path, **overrides)


@pytest.mark.parametrize(
    ("name", "fitting"),
    [
        ("siamrpn_r50_l234_dwxcorr_8gpu", "such as pysot_resnet50 of the zoo"),
        ("atom_r18", "such as resnet18 of the zoo"),
        ("lmt_vggm_otb", "such as imagenet-vgg-m of the zoo"),
        ("nanotrack_v2", "such as nanotrack_v1 or nanotrack_v2 of the zoo"),
    ],
)
def test_a_frozen_backbone_needs_weights(name: str, fitting: str) -> None:
    cfg = load_config(name, ["BACKBONE.PRETRAINED", ""])
    with torch.device("meta"):
        model = build_model(cfg)
    model.backbone.requires_grad_(False)
    with pytest.raises(ConfigError, match=f"BACKBONE.PRETRAINED and TRAIN.PRETRAINED are empty.*{fitting}"):
        check_backbone(cfg, model)
    check_backbone(override_config(cfg, ["BACKBONE.PRETRAINED", "weights.pth"]), model)
    check_backbone(override_config(cfg, ["TRAIN.PARTS_FROM.backbone", "weights.pth"]), model)
    model.backbone.requires_grad_(True)
    check_backbone(cfg, model)
