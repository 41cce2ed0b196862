"""Validation tracks for real, scores like the benchmarks, and leaves training exactly as it was."""

from __future__ import annotations

import logging
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pysot.config.loading import load_config
from pysot.core.errors import TrainingError
from pysot.datasets.sources.base import SOURCES
from pysot.datasets.sources.folder import FolderSource
from pysot.models.builder import build_model
from pysot.models.meta_arch.siamese import SiameseModel
from pysot.tracker.base import Tracker
from pysot.tracker.builder import build_tracker
from pysot.training.builder import build_trainer
from pysot.training.checkpoint import rng_state
from pysot.training.distributed import DistributedContext
from pysot.training.validation import inference_copy, shorten, trained_on, validate
from pysot.zoo.loading import load_snapshot
from tests.pysot.training.small_run import small_config
from toolkit.datasets import load_benchmark
from toolkit.datasets.frames import GeneratedFrames
from toolkit.datasets.sequence import Sequence
from toolkit.protocols.tracker import TrackerLike

CONFIG = load_config("nanotrack_v2")


def moving_square(name: str = "square", count: int = 6, visible: NDArray[np.bool_] | None = None) -> Sequence:
    """A bright square of 40 pixels that moves 3 pixels per frame over noise."""
    boxes = np.array([[60.0 + 3 * index, 50.0, 40.0, 40.0] for index in range(count)])

    def render(index: int) -> NDArray[np.uint8]:
        image = np.random.default_rng(index).integers(0, 90, (160, 200, 3), dtype=np.uint8)
        x, y, w, h = boxes[index].astype(int)
        image[y : y + h, x : x + w] = 230
        return image

    return Sequence(name, boxes, GeneratedFrames(count, render, name), (200, 160), visible=visible)


class Follower(TrackerLike):
    """Returns the true boxes, moved by `shift` pixels; draws from every global generator on the way."""

    def __init__(self, sequence: Sequence, shift: float = 0.0, fails_at: int | None = None) -> None:
        self.boxes, self.shift, self.fails_at = sequence.ground_truth, shift, fails_at

    def init(self, image: Any, box_xywh: Any) -> None:
        self.index = 0

    def track(self, image: Any) -> dict[str, Any]:
        random.random(), np.random.rand(), torch.rand(1)  # noqa: NPY002
        self.index += 1
        if self.index == self.fails_at:
            raise FloatingPointError("NaN in the response")
        return {"bbox": self.boxes[self.index] + [self.shift, 0, 0, 0], "best_score": 1.0}


def model_in_training() -> SiameseModel:
    """Half-way through a step: random weights, gradients, moved batch-norm statistics, one part frozen."""
    torch.manual_seed(0)
    model = build_model(CONFIG)
    model.train()
    model.backbone.eval().requires_grad_(False)
    output = model(torch.rand(2, 3, 127, 127) * 255, torch.rand(2, 3, 255, 255) * 255)
    (output.cls.mean() + output.loc.mean()).backward()
    return model


def everything(model: SiameseModel) -> dict[str, Any]:
    return {
        "state": {key: value.clone() for key, value in model.state_dict().items()},
        "layout": [(value.stride(), value.data_ptr()) for value in model.state_dict().values()],
        "grads": {n: None if p.grad is None else p.grad.clone() for n, p in model.named_parameters()},
        "trainable": [parameter.requires_grad for parameter in model.parameters()],
        "modules": [(name, id(module), type(module), module.training) for name, module in model.named_modules()],
    }


def same(a: Any, b: Any) -> bool:
    """Equality bit for bit through dicts and lists."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def test_training_is_left_bit_for_bit_as_it_was() -> None:
    model = model_in_training()
    before, numbers = everything(model), rng_state()

    def factory() -> Tracker:
        torch.rand(3)
        return build_tracker(CONFIG, inference_copy(model))

    values = validate(factory, [moving_square()], max_frames=4)
    assert set(values) == {"auc", "iou", "auc/square", "iou/square"}
    assert same(everything(model), before)
    assert same(rng_state(), numbers)
    assert any(gradient is not None for gradient in before["grads"].values())


def test_the_copy_is_the_model_as_it_is_now() -> None:
    model = model_in_training()
    copied = inference_copy(model)
    plain = model.eval()
    pair = torch.rand(1, 3, 127, 127) * 255, torch.rand(1, 3, 255, 255) * 255
    with torch.no_grad():
        torch.testing.assert_close(copied(*pair), plain(*pair), rtol=1e-3, atol=1e-4)
    assert not any(parameter.requires_grad for parameter in copied.parameters())


def test_random_numbers_go_on_as_without_validation() -> None:
    sequence, before = moving_square(), rng_state()
    validate(lambda: Follower(sequence), [sequence])
    assert same(rng_state(), before)


def test_scores_of_known_boxes() -> None:
    """Moved by 10 of 40 pixels the IoU is 30 / 50: 12 of 21 thresholds lie below; the first frame is always right."""
    sequence = moving_square(count=5)
    perfect = validate(lambda: Follower(sequence), [sequence])
    assert perfect == pytest.approx({"auc": 20 / 21, "iou": 1.0, "auc/square": 20 / 21, "iou/square": 1.0})
    moved = validate(lambda: Follower(sequence, shift=10.0), [sequence])
    assert moved["iou"] == pytest.approx(0.6)
    assert moved["auc"] == pytest.approx((20 + 4 * 12) / 21 / 5, abs=4 / 21 / 5)  # 0.6 is a threshold itself
    hidden = moving_square(count=5, visible=np.array([True, True, False, True, True]))
    values = validate(lambda: Follower(hidden), [hidden])
    assert values["iou"] == 1.0 and values["auc"] == pytest.approx(20 / 21 * 4 / 5)


def test_a_tracker_that_fails_counts_as_zero(caplog: pytest.LogCaptureFixture) -> None:
    good, bad = moving_square("good", 3), moving_square("bad", 6)
    with caplog.at_level(logging.WARNING):
        values = validate(lambda: Follower(bad, fails_at=4), [good, bad])
    assert values["auc/bad"] == values["iou/bad"] == 0.0 and values["iou/good"] == 1.0
    assert values["iou"] == 0.5 and values["auc"] == pytest.approx(10 / 21)
    assert "bad, frame 4" in caplog.text and "NaN in the response" in caplog.text


def test_only_the_first_frames_are_read() -> None:
    sequence, read = moving_square(count=50), []
    render = sequence.require_frames().__getitem__

    def noting(index: int) -> Any:
        read.append(index)
        return render(index)

    watched = replace(sequence, frames=GeneratedFrames(50, noting, "watched"))
    assert validate(lambda: Follower(sequence), [watched], max_frames=3)["iou"] == 1.0
    assert read == [0, 1, 2]


def test_every_annotation_is_shortened() -> None:
    flags = np.arange(6) % 2 == 0
    full = replace(moving_square(visible=flags), cover=np.ones(6), anchors=np.arange(6), frame_tags={"blur": flags})
    short = shorten(full, 4)
    assert len(short) == len(short.ground_truth) == 4
    assert short.visible is not None and short.cover is not None and short.anchors is not None
    assert [len(short.visible), len(short.cover), len(short.anchors), len(short.frame_tags["blur"])] == [4] * 4
    assert np.array_equal(short.require_frames()[3], full.require_frames()[3])
    assert shorten(full, 6) is full and shorten(full, None) is full


def test_what_cannot_validate() -> None:
    sequence = moving_square()
    with pytest.raises(TrainingError, match="no sequence to validate on"):
        validate(lambda: Follower(sequence), [])
    with pytest.raises(TrainingError, match="1 frames per sequence; expected at least 2"):
        validate(lambda: Follower(sequence), [sequence], max_frames=1)
    hidden_truth = replace(sequence, ground_truth=sequence.ground_truth[:1])
    with pytest.raises(TrainingError, match="1 boxes for 6 frames"):
        validate(lambda: Follower(sequence), [hidden_truth])


def test_a_published_tracker_follows_a_real_sequence(shared: Path) -> None:
    model = build_model(CONFIG)
    load_snapshot(model, shared / "data" / "weights" / "nanotrackv2.pth")
    benchmark = load_benchmark(str(shared / "data" / "sequences_otb"))
    values = validate(lambda: build_tracker(CONFIG, inference_copy(model)), [benchmark["Crossing"]], max_frames=25)
    assert values["iou"] > 0.7 and values["auc"] > 0.65


def test_sequences_that_are_trained_on_too_are_named(
    videos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Through a link as well, and through what a source draws from; an excluded one is none of them."""
    (tmp_path / "linked").symlink_to(videos / "first")
    sequence = load_benchmark(str(tmp_path / "linked")).sequences[0]
    every, without = FolderSource("A", videos), FolderSource("A", videos, exclude=["first"])
    assert trained_on([every], [sequence]) == [sequence.name]
    assert trained_on([without], [sequence]) == []
    assert trained_on([SOURCES["pseudo"].from_options("P", frames=every)], [sequence]) == [sequence.name]
    config = small_config(videos, tmp_path, TRAIN__VALIDATE={"SEQUENCES": [str(videos / "first")], "INTERVAL": 1})
    with caplog.at_level("WARNING"):
        build_trainer(load_config(config), torch.device("cpu"), DistributedContext(), quiet=True)
    assert "1 of the 1 sequences of TRAIN.VALIDATE.SEQUENCES are trained on too" in caplog.text
    assert "first" in caplog.text
