"""Which pairs are drawn, in which order, and what happens to those that cannot be read."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pysot.core.errors import ConfigError, ImageError
from pysot.datasets.augmentation import ViewParams
from pysot.datasets.samples.base import ATTEMPTS, DrawOrder
from pysot.datasets.samples.pairs import PairDataset
from pysot.datasets.sources.base import AnnotatedFrame, Source


class Squares(Source):
    """Videos of one bright square each on a dark frame; video number k has brightness 100 + k."""

    def __init__(self, name: str = "squares", videos: int = 3, num_use: int = -1, broken: frozenset[int] = frozenset()):
        super().__init__(name, 1, num_use)
        self.videos, self.broken = videos, broken

    def __len__(self) -> int:
        return self.videos

    def draw(self, video: int, rng: np.random.Generator, num_frames: int = 2) -> list[AnnotatedFrame]:
        if video in self.broken:
            raise ImageError(f"video {video} is damaged")
        return [self.frame(video, rng) for _ in range(num_frames)]

    def frame(self, video: int, rng: np.random.Generator) -> AnnotatedFrame:
        left, top = rng.integers(20, 60, 2)
        image = np.zeros((120, 160, 3), np.uint8)
        image[top : top + 30, left : left + 40] = 100 + video
        return AnnotatedFrame(image, np.array([left, top, 40.0, 30.0]), image[..., 0] > 0, f"{self.name}/{video}")


def labels(box_xyxy: NDArray[np.float64], negative: bool, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    return {"label": np.array([negative, rng.random()])}


def pairs(*sources: Source, **options: Any) -> PairDataset:
    return PairDataset(sources or (Squares(),), labels, ViewParams(), ViewParams(shift=20), seed=5, **options)


def test_one_pass_uses_every_source_as_often_as_asked() -> None:
    order = DrawOrder([Squares("a", 3, 7), Squares("b", 4)], seed=0)
    assert order.pass_length == 11
    for number in range(3):
        drawn = Counter(order[number * 11 + k] for k in range(11))
        assert sum(count for (source, _), count in drawn.items() if source == 0) == 7
        assert {key for key in drawn if key[0] == 1} == {(1, video) for video in range(4)}
        assert all(drawn[0, video] in (2, 3) for video in range(3))


def test_order_depends_on_the_seed_alone() -> None:
    places = [23, 2, 11, 40, 2]
    first, second, other = (DrawOrder([Squares("a", 9)], seed) for seed in (1, 1, 2))
    assert [first[k] for k in places] == [second[k] for k in reversed(list(reversed(places)))]
    assert [first[k] for k in range(9)] != [other[k] for k in range(9)]
    assert [first[k] for k in range(9)] != [first[k + 9] for k in range(9)]


def test_equal_samples_from_equal_positions() -> None:
    first, second = pairs(), pairs()
    second[17]  # what was read before must not matter
    for name, value in first[4].items():
        assert torch.equal(value, second[4][name]), name


def test_sample_has_the_target_where_the_box_says() -> None:
    dataset = pairs(negative=0.0, with_mask=True)
    for index in range(6):
        sample = dataset[index]
        assert sample["template"].shape == (3, 127, 127)
        assert sample["search"].shape == (3, 255, 255)
        bright = (sample["search"][0] > 50).nonzero().float()
        top, left = bright.min(0).values.tolist()
        bottom, right = bright.max(0).values.tolist()
        # the last pixel of a box of whole pixels lies one before its edge, magnified
        np.testing.assert_allclose([left, top, right, bottom], sample["box_xyxy"].numpy(), atol=3.0)
        assert bool(sample["has_mask"])
        overlap = (sample["mask"] & (sample["search"][0] > 50)).sum() / (
            sample["mask"] | (sample["search"][0] > 50)
        ).sum()
        assert overlap > 0.95


def test_negative_pairs_show_another_draw() -> None:
    dataset = pairs(Squares("a", 40), negative=0.3, with_mask=True)
    samples = [dataset[index] for index in range(200)]
    negative = [bool(sample["negative"]) for sample in samples]
    assert 0.2 < np.mean(negative) < 0.4
    for sample in samples[:60]:
        same = torch.isclose(sample["template"][0, 63, 63], sample["search"][0].max(), atol=0.5)
        assert same or sample["negative"]
        assert bool(sample["label"][0]) == bool(sample["negative"])
        assert bool(sample["has_mask"]) != bool(sample["negative"])


def test_mirror_turns_both_views() -> None:
    plain, mirrored = pairs(negative=0.0), pairs(negative=0.0, mirror=1.0)
    plain_box, box = plain[3]["box_xyxy"], mirrored[3]["box_xyxy"]
    assert torch.equal(mirrored[3]["template"], plain[3]["template"].flip(-1))
    assert torch.equal(mirrored[3]["search"], plain[3]["search"].flip(-1))
    torch.testing.assert_close(box[[0, 2]], 254 - plain_box[[2, 0]])


def test_unreadable_draws_are_counted_and_replaced(caplog: pytest.LogCaptureFixture) -> None:
    dataset = pairs(Squares("a", 10, broken=frozenset({0, 1, 2, 3})))
    with caplog.at_level(logging.WARNING):
        skipped = sum(int(dataset[index]["skipped"]) for index in range(30))
    assert skipped > 0
    assert len(caplog.records) == skipped
    assert "is damaged" in caplog.text


def test_everything_unreadable_stops() -> None:
    with pytest.raises(ConfigError, match=f"{ATTEMPTS} draws in a row.*pysot data check"):
        pairs(Squares("a", 2, broken=frozenset({0, 1})))[0]


def test_description_names_source_and_frames() -> None:
    text = pairs(Squares("mine"), negative=0.0).describe(2)
    assert text.startswith("sample 2 of mine: template mine/")


def test_nothing_to_draw() -> None:
    with pytest.raises(ConfigError, match="NUM_USE"):
        pairs(Squares("a", 3, 0))


def test_length_is_the_epoch() -> None:
    assert len(pairs(Squares("a", 3, 7))) == 7
    assert len(pairs(Squares("a", 3, 7), pairs_per_epoch=100)) == 100
