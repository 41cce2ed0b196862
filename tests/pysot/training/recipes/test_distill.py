"""A student's features follow a teacher's."""

from __future__ import annotations

import pytest
import torch

from pysot.core.errors import ConfigError
from pysot.models.backbone.compact import Compact
from pysot.models.head.rpn import DepthwiseRPN
from pysot.models.meta_arch.siamese import SiamRPN
from pysot.training.recipes.distill import FeatureDistillation


def network(seed: int, top_down: bool = True) -> SiamRPN:
    torch.manual_seed(seed)
    backbone = Compact((4, 8, 12, 16), (0, 0, 1), used_layers=[2 if top_down else 3], top_down=top_down)
    return SiamRPN(backbone, None, DepthwiseRPN(1, backbone.out_channels[-1], 4))


def test_loss_falls_to_a_teacher_that_can_be_imitated() -> None:
    student, teacher = network(0), network(1, top_down=False).eval().requires_grad_(False)
    distillation = FeatureDistillation(student, "layer3", teacher)
    student.train()
    optimizer = torch.optim.Adam([*student.parameters(), *distillation.parameters()], 3e-3)
    images = [torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(2)) * 255 for _ in range(2)]
    values = []
    for _ in range(40):
        with distillation.watch() as maps:
            for image in images:
                student.features(image)
        loss = distillation(images, maps).value()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    assert values[-1] < 0.3 * values[0]
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_perfect_student_costs_nothing() -> None:
    teacher = network(3, top_down=False).eval()
    student = network(3, top_down=False).eval()
    distillation = FeatureDistillation(student, "layer3", teacher)
    with torch.no_grad():
        distillation.project.weight.copy_(torch.eye(16)[:, :, None, None])
        distillation.project.bias.zero_()  # type: ignore[union-attr]
    image = torch.rand(2, 3, 96, 96) * 255
    with torch.no_grad(), distillation.watch() as maps:
        student.features(image)
    assert distillation([image], maps).value().item() == pytest.approx(0.0, abs=1e-5)


def test_maps_of_another_size_are_brought_to_the_teachers() -> None:
    student, teacher = network(0), network(1, top_down=False).eval()
    distillation = FeatureDistillation(student, "layer2", teacher)  # stride 8 against 16
    image = torch.rand(2, 3, 96, 96) * 255
    with distillation.watch() as maps:
        student.features(image)
    mean = distillation([image], maps)
    assert mean.count == 2 * 6 * 6
    assert 0 <= mean.value().item() <= 2


def test_snapshot_holds_neither_teacher_nor_projection() -> None:
    student = network(0)
    keys = set(student.state_dict())
    distillation = FeatureDistillation(student, "layer3", network(1))
    assert set(student.state_dict()) == keys
    assert set(distillation.state_dict()) == {"project.weight", "project.bias"}


def test_student_is_left_in_its_mode() -> None:
    student = network(0).train()
    student.backbone.eval()
    FeatureDistillation(student, "layer3", network(1))
    assert student.rpn_head.training
    assert not any(module.training for module in student.backbone.modules())


def test_unknown_layer() -> None:
    with pytest.raises(ConfigError, match=r"no child 'layer9'.*layer3"):
        FeatureDistillation(network(0), "layer9", network(1))
