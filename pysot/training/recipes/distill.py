"""Feature distillation: a small backbone learns to see like a trained one (Romero et al., FitNets, ICLR 2015)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from yacs.config import CfgNode

from pysot.config.loading import load_config
from pysot.core.errors import ConfigError
from pysot.models.builder import build_model
from pysot.models.inference import prepare_for_inference
from pysot.models.meta_arch.siamese import SiameseModel
from pysot.training.losses import Mean
from pysot.zoo.loading import load_snapshot
from pysot.zoo.locate import find_snapshot


class FeatureDistillation(nn.Module):
    """Compares a layer of the student, projected by a learned 1x1 convolution, with the teacher's deepest map.

    The loss at a cell is 1 - cosine similarity over channels. A student's map of another size is averaged or
    enlarged to the teacher's. The teacher's weights are no part of this module's state_dict.

    Args:
        student: its `backbone` runs as usual; the layer's output is caught on the way.
        layer: name of a child of the student's backbone.
        teacher: in inference form, on the same device.
    """

    def __init__(self, student: SiameseModel, layer: str, teacher: SiameseModel) -> None:
        super().__init__()
        children = dict(student.backbone.named_children())
        if layer not in children:
            raise ConfigError(f"TRAIN.DISTILL.LAYER: the backbone has no child '{layer}'. It has: {list(children)}.")
        self._outside = (children[layer], teacher)  # a tuple, so that neither is registered as a child
        self.project = nn.Conv2d(_channels(student, children[layer]), teacher.backbone.out_channels[-1], 1)

    @contextmanager
    def watch(self) -> Iterator[list[Tensor]]:
        """Fills the list it gives with the layer's output at every pass of the student's backbone inside."""
        with caught(self._outside[0]) as maps:
            yield maps

    def forward(self, images: list[Tensor], student_maps: list[Tensor]) -> Mean:
        """Mean cosine distance over the cells of all `images`, given the student's maps of the same images."""
        parts = []
        for image, student_map in zip(images, student_maps, strict=True):
            with torch.no_grad():
                target = self._outside[1].backbone(image)[-1]
            projected = self.project(student_map)
            if projected.shape[-2:] != target.shape[-2:]:
                projected = F.adaptive_avg_pool2d(projected, target.shape[-2:])
            parts.append((1 - F.cosine_similarity(projected.float(), target.float(), dim=1)).flatten())
        return Mean.of(torch.cat(parts))

    @classmethod
    def from_config(cls, cfg: CfgNode, student: SiameseModel, device: torch.device) -> FeatureDistillation:
        """With the teacher of TRAIN.DISTILL and its published weights."""
        name = cfg.TRAIN.DISTILL.TEACHER
        teacher = build_model(load_config(name))
        if not isinstance(teacher, SiameseModel):
            raise ConfigError(
                f"TRAIN.DISTILL.TEACHER: {name} is no siamese tracker. Name one with HEAD.TYPE RPN or BAN."
            )
        load_snapshot(teacher, find_snapshot(name))
        return cls(student, cfg.TRAIN.DISTILL.LAYER, prepare_for_inference(teacher, device))


@contextmanager
def caught(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Every output of `layer` inside the block, in order."""
    maps: list[Tensor] = []
    handle = layer.register_forward_hook(lambda module, inputs, output: maps.append(output))
    try:
        yield maps
    finally:
        handle.remove()


def _channels(student: SiameseModel, layer: nn.Module) -> int:
    """Channels that `layer` delivers, found by running the student once on a blank image."""
    was_training = [(module, module.training) for module in student.modules()]
    student.eval()
    with torch.no_grad(), caught(layer) as maps:
        student.backbone(torch.zeros(1, 3, 127, 127))
    for module, training in was_training:
        module.training = training
    return int(maps[0].shape[1])
