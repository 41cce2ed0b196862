"""Small ATOM and DiMP trackers, scenes for them to follow, and networks that break."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pysot.models.backbone.base import Backbone, FeatureSpec
from pysot.models.head.dimp import DimpClassifier
from pysot.models.head.iounet import IouNet
from pysot.models.meta_arch.atom import AtomNet, OverlapNet
from pysot.models.meta_arch.dimp import DimpNet
from pysot.online.augmentation import AugmentationParams
from pysot.tracker.atom import AtomParams, AtomTracker
from pysot.tracker.dimp import DimpParams, DimpTracker
from pysot.tracker.online import OnlineParams, OnlineTracker

KINDS = ("ATOM", "DiMP")
BOX = (60.0, 50.0, 30.0, 30.0)
NEAR = 12
"""Pixels; the small network's cells are 15 pixels wide."""
PATH = [(62, 51), (65, 52), (68, 50), (70, 54), (73, 55), (77, 57), (80, 56)]


class SmallBackbone(Backbone):
    """Mixtures of mean colors: maps of strides 8 and 16."""

    specs = [FeatureSpec(8, 8, 3.5), FeatureSpec(16, 16, 7.5)]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 16, 1)

    def forward(self, image: Tensor) -> list[Tensor]:
        fine = torch.relu(self.fine(F.avg_pool2d(image, 8) / 64 - 2))
        return [fine, torch.relu(self.coarse(F.avg_pool2d(fine, 2)))]


def small_model(kind: str) -> OverlapNet:
    torch.manual_seed(0 if kind == "ATOM" else 2)  # random features that tell the target from its background
    backbone, head = SmallBackbone(), IouNet((8, 16), (8, 8), (8, 8), (8, 16), offsets=(3.5, 7.5))
    if kind == "ATOM":
        return AtomNet(backbone, head).eval().requires_grad_(False)
    return (
        DimpNet(backbone, DimpClassifier(16, feat_blocks=0, out_dim=16, offset=7.5), head).eval().requires_grad_(False)
    )


def small_params(kind: str, **changes: Any) -> Any:
    """Hyper-parameters of a quick tracker: 8 samples of the first frame, crops of 10 x 10 cells."""
    aug = AugmentationParams(rotate=(20, -20), blur=(2, 2), shift=(0.6, 0.6), dropout_num=2)
    common: dict[str, Any] = {"image_sample_size": 160, "memory_size": 12, "train_skipping": 3, "aug": aug}
    if kind == "ATOM":
        common |= {"compressed_dim": 8, "init_cg_iter": 20, "init_gn_iter": 2}
        return AtomParams(**common | changes)
    return DimpParams(**common | {"net_opt_iter": 40} | changes)


def make_tracker(model: OverlapNet, params: OnlineParams) -> OnlineTracker:
    """The tracker that takes these parameters."""
    if isinstance(params, AtomParams):
        assert isinstance(model, AtomNet)
        return AtomTracker(model, params)
    assert isinstance(model, DimpNet) and isinstance(params, DimpParams)
    return DimpTracker(model, params)


def fixed_size(params: Any) -> Any:
    """Boxes of an untrained IoU-Net wander; with steps of length 0 they keep their size."""
    return replace(params, box=replace(params.box, step=0.0, num_random=0))


def scene(x: float, y: float, size: tuple[int, int] = (200, 150)) -> np.ndarray:
    """A striped square of 30 pixels with its corner at (x, y) on a smooth background."""
    width, height = size
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([80 + 40 * np.sin(columns / 19), 90 + 30 * np.cos(rows / 23), 100 + 0 * rows], axis=-1)
    inside = (columns >= x) & (columns < x + 30) & (rows >= y) & (rows < y + 30)
    image[inside] = np.stack([250 * ((columns - x) // 5 % 2), 30 + 0 * rows, 220 * ((rows - y) // 7 % 2)], axis=-1)[
        inside
    ]
    return image.astype(np.uint8)


class Broken:
    """Replaces the backbone's maps, or chosen ones, by maps full of one value, while `on`."""

    def __init__(self, model: OverlapNet, value: float, levels: tuple[int, ...] = (0, 1)) -> None:
        self.on = False

        def hook(_module: nn.Module, _inputs: object, maps: list[Tensor]) -> list[Tensor]:
            if not self.on:
                return maps
            return [torch.full_like(m, value) if level in levels else m for level, m in enumerate(maps)]

        self.handle = model.backbone.register_forward_hook(hook)
