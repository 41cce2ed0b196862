"""Meta-training does what it is for: after it, one step on a frame classifies later frames, and the tracker follows.

The convolutions stay random; only the pooling, the heads and the rates learn, from squares of random patterns.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import default_collate

from pysot.config.loading import load_config
from pysot.config.params import params_from_config
from pysot.core.geometry import iou_xyxy, xywh_to_xyxy
from pysot.datasets.augmentation import ViewParams
from pysot.datasets.samples.tasks import PatchViews, TaskDataset, TaskParams
from pysot.datasets.sources.base import AnnotatedFrame, Source
from pysot.models.backbone import BACKBONES
from pysot.models.head.lmt import LmtHead, PyramidPool
from pysot.models.inference import prepare_for_inference
from pysot.models.meta_arch.lmt import LmtNet
from pysot.online.meta_step import binary_loss, right_share
from pysot.tracker.lmt.params import LmtParams
from pysot.tracker.lmt.tracker import LmtTracker
from pysot.training.recipes.base import BackbonePlan
from pysot.training.recipes.lmt import MetaParams, MetaRecipe, validate_tasks

torch.set_num_threads(1)
UPDATES, TASKS = 60, 3
HELD_OUT = 10_000
"""Videos from this number on are never trained on."""


def scene(video: int, x: float, y: float) -> NDArray[np.uint8]:
    """A square of 40 pixels with the pattern of this video, before its clutter."""
    rng = np.random.default_rng(video)
    clutter = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    image = np.asarray(cv2.resize(clutter, (160, 120), interpolation=cv2.INTER_CUBIC) // 2 + 40, dtype=np.uint8)
    pattern = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    image[round(y) : round(y) + 40, round(x) : round(x) + 40] = cv2.resize(pattern, (40, 40), interpolation=0)
    return image


class Patterns(Source):
    def __init__(self, first: int, count: int) -> None:
        super().__init__("patterns", num_use=count)
        self.first, self.count = first, count

    def __len__(self) -> int:
        return self.count

    def draw(self, video: int, rng: np.random.Generator, num_frames: int = 2) -> list[AnnotatedFrame]:
        places = [np.array([*rng.uniform(0, (120, 80)).round(), 40, 40]) for _ in range(num_frames)]
        return [AnnotatedFrame(scene(self.first + video, p[0], p[1]), p, None, f"pattern {video}") for p in places]


def tasks(first: int, count: int) -> TaskDataset:
    views = PatchViews(191, ViewParams(shift=24, scale=0.1))
    return TaskDataset([Patterns(first, count)], views, TaskParams(num_iou=32, label_shuffle=0.0), seed=1)


@pytest.fixture(scope="module")
def learned() -> MetaRecipe:
    torch.manual_seed(0)
    backbone = BACKBONES["compact"](widths=(8, 12, 16, 16), blocks=(0, 0, 0), used_layers=(2,), top_down=False)
    pool = PyramidPool(backbone, width=12, size=3)
    model = LmtNet(backbone, pool, LmtHead(108, hidden=24, init="he"), alpha_init=3e-3)
    with torch.no_grad():
        backbone.get_submodule("stem.0").weight.mul_(0.03)  # type: ignore[operator, union-attr]  # for gray levels
    recipe = MetaRecipe(model, BackbonePlan([], 10**9, 1.0), MetaParams())
    groups = recipe.enter(0)
    optimizer = torch.optim.Adam(
        [{"params": g.parameters, "lr": 3e-4 if g.name == "rates" else 5e-3} for g in groups if g.parameters]
    )
    data = tasks(0, 200)
    for update in range(UPDATES):
        batch = default_collate([data[update * TASKS + number] for number in range(TASKS)])
        optimizer.zero_grad()
        recipe.losses(batch, lambda mean: mean.value())["outer"].backward()
        optimizer.step()
    return recipe


def held_out(count: int = 12) -> list[dict[str, Tensor]]:
    data = tasks(HELD_OUT, 50)
    return [data[index] for index in range(count)]


def sgd_from_random(model: LmtNet, sample: Mapping[str, Tensor], rate: float) -> float:
    """Accuracy on the later frame of a new classifier after ten plain steps on the first."""
    torch.manual_seed(3)
    classifier = copy.deepcopy(model.head.cls)
    for layer in classifier.children():
        layer.reset_parameters()  # type: ignore[operator, union-attr]
    features = []
    with torch.no_grad():
        for frame in range(2):
            boxes = torch.cat([sample["positives"][frame], sample["negatives"][frame]])
            found = model.boxes(model.maps(sample["patches"][frame][None]), boxes[None])[0].flatten(1)
            features.append(found.split([len(sample["positives"][frame]), len(sample["negatives"][frame])]))
    optimizer = torch.optim.SGD(classifier.parameters(), lr=rate)
    for _ in range(10):
        optimizer.zero_grad()
        binary_loss(classifier(features[0][0]), classifier(features[0][1])).backward()
        optimizer.step()
    with torch.no_grad():
        return float(right_share(classifier(features[1][0]), classifier(features[1][1])))


def test_one_step_classifies_later_frames_better_than_ten_of_sgd(learned: MetaRecipe) -> None:
    """On videos it never saw; SGD with the best of four rates."""
    samples = held_out()
    found = validate_tasks(learned, samples)
    plain = [np.mean([sgd_from_random(learned.model, s, rate) for s in samples]) for rate in (1e-4, 1e-3, 3e-3, 1e-2)]
    assert found["accuracy"] > 0.85 and found["accuracy"] > max(plain) + 0.02, (found, plain)
    assert found["iou_error"] < 0.2


def test_a_moving_square_for_thirty_frames(learned: MetaRecipe) -> None:
    """One step and updates; a pattern that it never saw."""
    params = params_from_config(load_config("lmt_tiny", ["TRACK.LMT.BBREG.NUM", "100"]), LmtParams)
    model = prepare_for_inference(copy.deepcopy(learned.model), torch.device("cpu"))
    tracker = LmtTracker(model, params)

    def place(step: int) -> tuple[float, float]:
        return 50 + 40 * math.sin(step / 6), 38 + 25 * math.cos(step / 7)

    tracker.init(scene(HELD_OUT + 77, *place(0)), (*place(0), 40, 40))
    overlaps = []
    for step in range(1, 31):
        box = tracker.track(scene(HELD_OUT + 77, *place(step))).box
        overlaps.append(float(iou_xyxy(xywh_to_xyxy(box), xywh_to_xyxy((*place(step), 40, 40)))))
    assert np.mean(overlaps) > 0.6 and min(overlaps) > 0.3, overlaps
