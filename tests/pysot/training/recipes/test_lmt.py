"""Meta-training: exact gradients through the step, what learns when, resuming, and that it teaches a tracker."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor

from pysot.config.loading import load_config
from pysot.core.device import resolve_device
from pysot.core.errors import TrainingError
from pysot.models.backbone import BACKBONES
from pysot.models.backbone.vggm import VggM
from pysot.models.head.lmt import CellPool, LmtHead, PyramidPool
from pysot.models.meta_arch.lmt import LmtNet
from pysot.training.builder import build_trainer
from pysot.training.checkpoint import load_checkpoint
from pysot.training.distributed import DistributedContext
from pysot.training.losses import Mean
from pysot.training.recipes.base import BackbonePlan
from pysot.training.recipes.lmt import MetaParams, MetaRecipe, validate_tasks, with_gradient
from pysot.training.recipes.lmt_adversarial import AdversarialParams
from pysot.training.trainer import Hook, StepReport, Trainer
from tests.pysot.training.small_run import fresh_weights

torch.set_num_threads(1)
LAYERS = ["layer3"]


def model(seed: int = 0) -> LmtNet:
    torch.manual_seed(seed)
    backbone = BACKBONES["compact"](widths=(4, 4, 6, 6), blocks=(0, 0, 0), used_layers=(3,), top_down=False)
    pool = PyramidPool(backbone, width=4, size=3)
    return LmtNet(backbone, pool, LmtHead(36, hidden=8, init="he"), alpha_init=1e-3)


def batch(tasks: int = 2, side: int = 64, double: bool = False) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(1)
    kind = torch.float64 if double else torch.float32

    def boxes(count: int) -> Tensor:
        corners = torch.rand(tasks, 2, count, 2, generator=random) * 30
        return torch.cat([corners, corners + 10 + 20 * torch.rand(tasks, 2, count, 2, generator=random)], -1).to(kind)

    return {
        "patches": (torch.rand(tasks, 2, 3, side, side, generator=random) * 255).to(kind),
        "positives": boxes(5),
        "negatives": boxes(7),
        "boxes": boxes(6),
        "overlaps": torch.rand(tasks, 2, 6, generator=random).to(kind),
        "swap": torch.tensor([False, True] * tasks)[:tasks],
        "adversarial": torch.tensor([True, False] * tasks)[:tasks],
        "index": torch.arange(tasks),
    }


def recipe(net: LmtNet, layers: list[str] | None = None, **options: Any) -> MetaRecipe:
    adversarial = options.pop("adversarial", None)
    plan = BackbonePlan(layers or LAYERS, 1, 0.5)
    return MetaRecipe(net, plan, MetaParams(**options), adversarial)


def value(mean: Mean) -> Tensor:
    return mean.value()


@pytest.mark.parametrize("stage", [0, 1])
def test_gradients_of_all_weights_equal_finite_differences(stage: int) -> None:
    """Weights of the head, of the pooling, of the backbone in the second stage, and rates; with masks fixed by seed."""
    net = model().double()
    learning = recipe(net, adversarial=AdversarialParams(mode="random", num_cells=2))
    learning.enter(stage)
    data = batch(double=True)
    learning.losses(data, value)["outer"].backward()
    names = ["head.cls.fc1.weight", "head.iou.fc5.bias", "pool.levels.0.weight", "rates.head/cls/fc2/weight"]
    names += ["backbone.layer3.0.0.weight"] * stage
    parameters = dict(net.named_parameters())
    for name in names:
        weight = parameters[name]
        assert weight.grad is not None, name
        place = int(weight.grad.abs().argmax())
        found, before, step = float(weight.grad.flatten()[place]), float(weight.flatten()[place].detach()), 1e-6
        sides = []
        for moved in (before + step, before - step):
            with torch.no_grad():
                weight.view(-1)[place] = moved
            sides.append(float(learning.losses(data, value)["outer"].detach()))
        with torch.no_grad():
            weight.view(-1)[place] = before
        assert found == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-4), name


def test_the_backbone_is_adapted_in_the_second_stage_only() -> None:
    torch.manual_seed(0)
    backbone = VggM()
    net = LmtNet(backbone, CellPool(backbone), LmtHead(4608, hidden=4), adapt_backbone=True)
    data: dict[str, Tensor] = {
        name: torch.randint(0, 256, (1, 2, count, 3, 107, 107), dtype=torch.uint8, generator=torch.Generator())
        for name, count in (("positives", 2), ("negatives", 2), ("boxes", 2))
    }
    data |= {"overlaps": torch.rand(1, 2, 2), "swap": torch.tensor([False]), "adversarial": torch.tensor([False])}
    data["index"] = torch.arange(1)
    learning = recipe(net, ["conv3"])
    for stage in (0, 1):
        learning.enter(stage)
        net.zero_grad()
        learning.losses(data, value)["outer"].backward()
        rate = dict(net.named_parameters())["rates.backbone/conv3/weight"].grad
        assert (rate is not None and bool(rate.any())) == (stage == 1)
        assert (backbone.conv3.weight.grad is not None) == (stage == 1) and backbone.conv1.weight.grad is None


def test_stages_and_rates() -> None:
    learning = recipe(model(), lr_alpha=0.25, base_lr=1.0)
    groups = {group.name: group for group in learning.enter(0)}
    assert set(groups) == {"pool", "head", "rates"} and groups["rates"].factor == 0.25
    groups = {group.name: group for group in learning.enter(1)}
    assert groups["backbone"].factor == 0.5 and not learning.model.backbone.training
    assert not any(p.requires_grad for p in learning.model.backbone.get_submodule("stem").parameters())


def test_swapped_classes_swap_the_loss() -> None:
    """With a head that prefers neither class the loss before the step is the same; the step turns the other way."""
    learning = recipe(model(), iou_weight=0.0)
    learning.enter(0)
    data = batch(1)
    plain = learning.task(data, 0, training=True)
    swapped = learning.task({**data, "swap": torch.tensor([True])}, 0, training=True)
    assert float(plain["inner_before"]) != pytest.approx(float(swapped["inner_before"]))
    both = [
        learning.task({**data, "positives": data[a], "negatives": data[b], "swap": torch.tensor([flag])}, 0, True)
        for a, b, flag in (("positives", "negatives", False), ("negatives", "positives", True))
    ]
    torch.testing.assert_close(both[0]["outer"], both[1]["outer"])


def test_masks_change_the_outer_loss_of_marked_tasks_only() -> None:
    data = batch()
    net = model()
    plain, masked = recipe(net), recipe(net, adversarial=AdversarialParams(num_cells=2))
    for learning in (plain, masked):
        learning.enter(0)
    difference = [
        float((masked.task(data, number, True)["outer"] - plain.task(data, number, True)["outer"]).detach())
        for number in (0, 1)
    ]
    assert difference[0] > 0 == difference[1]
    assert "generator" not in masked.task(data, 0, True)
    inner = recipe(net, adversarial=AdversarialParams(num_cells=2, inner=True))
    inner.enter(0)
    assert not torch.equal(inner.task(data, 0, True)["outer"], masked.task(data, 0, True)["outer"])


def test_the_mask_generator_learns_beside_the_model() -> None:
    learning = recipe(model(), adversarial=AdversarialParams(mode="gnet", num_cells=2))
    assert "generator" in {group.name for group in learning.enter(0)}
    losses = learning.losses(batch(), value)
    learning.total(losses).backward()
    generator = learning.adversary.generator_net
    assert generator is not None and all(p.grad is not None and bool(p.grad.any()) for p in generator.parameters())
    assert not any(name.startswith("generator") for name in learning.model.state_dict())


def test_a_task_that_is_not_finite_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    learning = recipe(model())
    learning.enter(0)
    data = batch()
    alone = learning.losses({**data, "index": data["index"][:1]}, value)["outer"]
    data["patches"][1] = math.nan
    both = learning.losses(data, value)["outer"]
    torch.testing.assert_close(both, alone)
    assert "task 1 passed over" in caplog.text
    data["patches"][0] = math.nan
    assert not bool(learning.losses(data, value)["outer"].isfinite())


def test_rates_are_kept_at_zero_or_above_when_asked() -> None:
    net = model()
    with torch.no_grad():
        for rate in net.rates.parameters():
            rate.sub_(1.0)
    learning = recipe(net, clamp_alpha=True)
    learning.enter(0)
    learning.losses(batch(1), value)
    assert all(float(rate.detach().min()) == 0 for rate in net.rates.parameters())


def test_a_given_gradient_is_what_backward_finds() -> None:
    weight = torch.randn(3, requires_grad=True)
    (2 * with_gradient(torch.tensor(5.0), [weight], [torch.tensor([1.0, 2, 3])])).backward()
    assert weight.grad is not None and weight.grad.tolist() == [2, 4, 6]


def meta_config(videos: Path, run: Path, **changes: Any) -> Path:
    """The config file of a run of seconds."""
    train = {"EPOCH": 2, "BATCH_SIZE": 2, "NUM_WORKERS": 0, "PRINT_FREQ": 1, "SAVE_INTERVAL": 1, "SEARCH_SIZE": 127}
    shape = {"widths": [4, 8, 8, 8], "blocks": [0, 0, 0], "used_layers": [2, 3], "top_down": False}
    content: dict[str, Any] = {
        "_BASE_": "lmt_tiny",
        "BACKBONE": {"KWARGS": shape, "PRETRAINED": fresh_weights(run, **shape), "TRAIN_EPOCH": 1},
        "HEAD": {"KWARGS": {"width": 8, "size": 3, "hidden": 16}},
        "ADV": {"NUM_CELLS": 2, "WARMUP": 1},
        "TRAIN": {
            **train,
            "LOG_DIR": str(run / "logs"),
            "SNAPSHOT_DIR": str(run / "snapshot"),
            "DEVICE": "cpu",
            "VALIDATE": {"SEQUENCES": [], "INTERVAL": 1, "MAX_FRAMES": 3},
        },
        "DATASET": {
            "NAMES": ["MINE"],
            "VIDEOS_PER_EPOCH": 6,
            "MINE": {"KIND": "folder", "ROOT": str(videos), "FRAME_RANGE": 5, "NUM_USE": 6},
        },
    }
    for key, change in changes.items():
        content[key] = {**content.get(key, {}), **change}
    run.mkdir(parents=True, exist_ok=True)
    file = run / "config.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def test_a_stopped_run_goes_on_exactly(videos: Path, tmp_path: Path) -> None:
    """Stopped in the middle of the first epoch; the second trains the backbone, and uses masks."""
    device = resolve_device("cpu")
    whole = build_trainer(
        load_config(meta_config(videos, tmp_path / "whole")), device, DistributedContext(), quiet=True
    )
    whole.run()
    cfg = load_config(meta_config(videos, tmp_path / "parts"))
    part = build_trainer(cfg, device, DistributedContext(), quiet=True)

    class StopError(Exception):
        pass

    class StopHook(Hook):
        def after_step(self, trainer: Trainer, report: StepReport) -> None:
            if trainer.step_number == 2:
                raise StopError

    part.hooks.append(StopHook())
    with pytest.raises(StopError):
        part.run()
    build_trainer(cfg, device, DistributedContext(), resume="auto", quiet=True).run()
    expected, found = (
        load_checkpoint(tmp_path / name / "snapshot" / "checkpoint_e2.pth")["state_dict"] for name in ("whole", "parts")
    )
    assert [name for name in expected if not torch.equal(expected[name], found[name])] == []
    first = load_checkpoint(tmp_path / "whole" / "snapshot" / "checkpoint_e1.pth")["state_dict"]
    assert not torch.equal(first["backbone.layer3.0.0.weight"], expected["backbone.layer3.0.0.weight"])


def test_validation_reports_accuracy_and_overlap_error(videos: Path, tmp_path: Path) -> None:
    changes = {"META": {"VAL_TASKS": 2}}
    path = meta_config(videos, tmp_path, **changes)
    content = yaml.safe_load(path.read_text())
    content["TRAIN"]["EPOCH"], content["TRAIN"]["VALIDATE"]["SEQUENCES"] = 1, [str(videos / "first")]
    content["BACKBONE"]["TRAIN_EPOCH"] = 5
    path.write_text(yaml.safe_dump(content))
    build_trainer(load_config(path), resolve_device("cpu"), DistributedContext(), quiet=True).run()
    header, *rows = (tmp_path / "logs" / "log.csv").read_text().splitlines()
    names = header.split(",")
    expected = {"outer", "inner_before", "inner_after", "accuracy", "iou_error", "val/accuracy", "val/iou_error"}
    assert expected <= set(names)
    last = dict(zip(names, rows[-1].split(","), strict=True))
    assert 0 <= float(last["val/accuracy"]) <= 1 and 0 <= float(last["val/iou_error"]) <= 1


def test_validation_learns_nothing_and_repeats() -> None:
    learning = recipe(model())
    learning.enter(0)
    before = {name: weight.clone() for name, weight in learning.model.state_dict().items()}
    samples = [{name: rows[number] for name, rows in batch().items()} for number in (0, 1)]
    first = validate_tasks(learning, samples)
    assert first == validate_tasks(learning, samples) and set(first) == {"accuracy", "iou_error"}
    assert all(torch.equal(before[name], weight) for name, weight in learning.model.state_dict().items())


def test_a_batch_without_a_finite_task_stops_the_run(videos: Path, tmp_path: Path) -> None:
    trainer = build_trainer(
        load_config(meta_config(videos, tmp_path)), resolve_device("cpu"), DistributedContext(), quiet=True
    )
    trainer.enter_epoch()
    bad = next(iter(trainer.batches()))
    bad["patches"] = bad["patches"] * math.nan
    with pytest.raises(TrainingError, match="not finite"):
        trainer.step(bad)
