"""Tasks: what two frames give, the same by position, and what happens to targets that give too little."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import default_collate

from pysot.core.errors import ConfigError
from pysot.core.geometry import iou_xyxy
from pysot.datasets.augmentation import ViewParams
from pysot.datasets.samples.tasks import CropViews, PatchViews, TaskDataset, TaskParams
from pysot.datasets.sources.base import AnnotatedFrame, Source
from pysot.models.head.lmt import CELL_GEOMETRY

FEW = TaskParams(num_pos=12, num_neg=16, num_iou=10)


class Squares(Source):
    """A white square on black, somewhere else in every frame; some videos show it too large or too small."""

    def __init__(self, sizes: tuple[float, ...]) -> None:
        super().__init__("squares", num_use=4 * len(sizes))
        self.sizes = sizes

    def __len__(self) -> int:
        return len(self.sizes)

    def draw(self, video: int, rng: np.random.Generator, num_frames: int = 2) -> list[AnnotatedFrame]:
        return [self._frame(self.sizes[video], rng) for _ in range(num_frames)]

    def _frame(self, size: float, rng: np.random.Generator) -> AnnotatedFrame:
        image = np.zeros((120, 160, 3), np.uint8)
        x, y = rng.uniform(0, max(160 - size, 0) + 1e-9), rng.uniform(0, max(120 - size, 0) + 1e-9)
        image[int(y) : int(y + size), int(x) : int(x + size)] = 255
        return AnnotatedFrame(image, np.array([x, y, size, size]), None, f"square of {size}")


def dataset(source: Source, shared: bool = True, **options: object) -> TaskDataset:
    views = PatchViews(127, ViewParams(shift=10, scale=0.1, color=1.0)) if shared else CropViews(CELL_GEOMETRY)
    return TaskDataset([source], views, FEW, seed=3, mirror=0.5, gray=0.2, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("shared", [True, False])
def test_a_task_depends_on_its_position_alone(shared: bool) -> None:
    first, second = dataset(Squares((40.0, 30.0)), shared), dataset(Squares((40.0, 30.0)), shared)
    order = [first[index] for index in (0, 5, 2)]
    for sample, index in zip(order, (0, 5, 2), strict=True):
        again = second[index]
        assert set(sample) == set(again)
        assert all(torch.equal(sample[name], again[name]) for name in sample)
    assert not torch.equal(order[0]["positives"], order[1]["positives"])


def test_boxes_of_a_patch_overlap_as_asked() -> None:
    sample = dataset(Squares((40.0,)))[0]
    assert sample["patches"].shape == (2, 3, 127, 127)
    assert [sample[k].shape for k in ("positives", "negatives", "boxes")] == [(2, n, 4) for n in (12, 16, 10)]
    for frame in range(2):
        boxes = sample["boxes"][frame].numpy()
        sure = boxes[sample["overlaps"][frame].numpy().argmax()]  # overlaps the target by more than 0.9
        assert iou_xyxy(sample["positives"][frame].numpy(), sure).min() > 0.6
        assert iou_xyxy(sample["negatives"][frame].numpy(), sure).max() < 0.6
        left, top, right, bottom = (int(v) for v in sure)
        patch = sample["patches"][frame]
        inside = patch[:, top + 6 : bottom - 6, left + 6 : right - 6].mean()
        assert float(inside) > 200 > float(patch.mean()) + 50


def test_crops_show_their_boxes() -> None:
    sample = dataset(Squares((40.0,)), shared=False)[1]
    assert sample["positives"].shape == (2, 12, 3, 107, 107) and sample["positives"].dtype == torch.uint8
    middle = sample["positives"][..., 45:62, 45:62].float().mean()
    assert float(middle) > 230 > float(sample["negatives"].float().mean()) + 100


def test_shares_of_swapped_and_adversarial_tasks() -> None:
    tasks = dataset(Squares((40.0, 30.0)), adversarial_from=100, adversarial_share=0.5)
    tasks.draw = lambda source, video, rng: []  # type: ignore[method-assign]
    tasks.make = lambda drawn, rng: {}  # type: ignore[method-assign]
    samples = [tasks[index] for index in range(300)]
    swapped = np.mean([bool(s["swap"]) for s in samples])
    assert 0.4 < swapped < 0.6
    assert not any(bool(s["adversarial"]) for s in samples[:100])
    assert 0.4 < np.mean([bool(s["adversarial"]) for s in samples[100:]]) < 0.6


def test_missing_samples_are_repeated_and_batches_collate() -> None:
    samples = [dataset(Squares((40.0, 100.0)), shared=False)[index] for index in range(3)]
    batch = default_collate(samples)
    assert batch["negatives"].shape[:3] == (3, 2, 16)
    assert isinstance(batch["index"], Tensor) and batch["index"].tolist() == [0, 1, 2]


def test_too_few_samples_are_drawn_again_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    tasks = dataset(Squares((40.0, 500.0)), shared=False)
    with caplog.at_level(logging.WARNING):
        samples = [tasks[index] for index in range(8)]
    assert 0 < sum(int(s["skipped"]) for s in samples) == tasks.too_few
    assert "square of 500.0: " in caplog.text and "a task needs 11 of each" in caplog.text


def test_nothing_but_unusable_targets_stops_clearly() -> None:
    with pytest.raises(ConfigError, match=r"20 of 20 draws.*fewer than 11 boxes.*META\.MIN_SAMPLES"):
        dataset(Squares((500.0,)), shared=False)[0]
