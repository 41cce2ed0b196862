"""Sets of frames: equal positions give equal samples, tests come after trains, boxes lie on their targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from pysot.datasets.proposals import OverlapProposals
from pysot.datasets.samples.frame_sets import FrameSetDataset
from pysot.datasets.sources.base import AnnotatedFrame, Source, Track, VideoSource
from pysot.datasets.target_crop import Cropper, Jitter


class Moving(Track):
    """A bright square whose gray level is 100 + number of the frame."""

    name = "moving"

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def read(self, index: int) -> AnnotatedFrame:
        image = np.zeros((120, 160, 3), np.uint8)
        left = 30 + index
        image[50:80, left : left + 30] = 100 + index
        return AnnotatedFrame(image, np.array([left, 50.0, 30.0, 30.0]), None, f"moving/{index}")


def source(length: int = 40, frame_range: int = 6) -> Source:
    return VideoSource("mine", [[Moving(length)]], frame_range, num_use=20)


def dataset(**options: Any) -> FrameSetDataset:
    settings = {"brightness": 0.0, "gray": 0.0, **options}
    jitters = Jitter(), Jitter(2.0, 0.2)
    return FrameSetDataset([source()], OverlapProposals(5), Cropper(96, 4.0), *jitters, seed=3, **settings)


def test_shapes_and_types() -> None:
    sample = dataset(num_train=2, num_test=3)[0]
    assert sample["train_images"].shape == (2, 3, 96, 96) and sample["train_images"].dtype == torch.uint8
    assert sample["test_images"].shape == (3, 3, 96, 96)
    assert sample["train_boxes"].shape == (2, 4) and sample["test_boxes"].shape == (3, 4)
    assert sample["proposals"].shape == (3, 5, 4) and sample["overlaps"].shape == (3, 5)


def test_equal_samples_from_equal_positions() -> None:
    first, second = dataset(mirror=0.5), dataset(mirror=0.5)
    second[11]
    for name, value in first[4].items():
        assert torch.equal(value, second[4][name]), name


def test_boxes_lie_on_their_targets() -> None:
    data = dataset(num_train=2, num_test=2, mirror=0.5)
    for index in range(8):
        sample = data[index]
        for kind in ("train", "test"):
            for image, box in zip(sample[f"{kind}_images"], sample[f"{kind}_boxes"], strict=True):
                bright = (image[0] > 50).nonzero().float()
                if not len(bright):
                    continue
                corners = torch.cat([bright.min(0).values.flip(0), bright.max(0).values.flip(0) + 1])
                expected = torch.cat([box[:2], box[:2] + box[2:]]).clamp(0, 96)
                torch.testing.assert_close(corners, expected, atol=1.2, rtol=0)


def test_causal_sets_look_ahead_only() -> None:
    for seed in range(60):
        past, future = source().draw_causal(0, np.random.default_rng(seed), 3, 3)
        numbers = [[int(frame.origin.split("/")[1]) for frame in frames] for frames in (past, future)]
        now = numbers[0][0]
        assert max(numbers[0]) == now and min(numbers[0]) >= now - 6
        assert min(numbers[1]) > now and max(numbers[1]) <= now + 6


def test_a_single_frame_is_repeated() -> None:
    past, future = source(length=1).draw_causal(0, np.random.default_rng(0), 3, 2)
    assert {frame.origin for frame in [*past, *future]} == {"moving/0"}
    assert (len(past), len(future)) == (3, 2)


def test_description_names_all_frames() -> None:
    text = dataset(num_train=1, num_test=2, causal=True).describe(2)
    assert text.startswith("sample 2 of mine: train moving/")
    assert text.count("moving/") == 3


def test_brightness_and_gray() -> None:
    plain, bright = dataset()[3], dataset(brightness=0.2)[3]
    ratio = bright["train_images"].float().max() / plain["train_images"].float().max()
    assert 0.8 <= float(ratio) <= 1.2 and float(ratio) != 1.0
    gray = dataset(gray=1.0)[3]["train_images"]
    assert torch.equal(gray[:, 0], gray[:, 1])
