"""Pieces of frames as objects: boxes are where the piece went."""

from __future__ import annotations

import numpy as np
import pytest

from pysot.core.errors import ConfigError
from pysot.datasets.sources.base import SOURCES
from pysot.datasets.sources.pseudo import PseudoObjectSource
from pysot.datasets.sources.regions import FLAT_BELOW, detail, random_region
from tests.pysot.datasets.made import same, stills


def test_it_is_registered() -> None:
    assert SOURCES["pseudo"] is PseudoObjectSource


def test_boxes_hold_the_warped_piece_exactly() -> None:
    """A frame that is white on the piece only: after the warp the white pixels fill the box, and nothing else."""
    source = PseudoObjectSource("pieces", stills(), light=0.0, frame_range=1)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        box = np.array([100.0, 80.0, rng.integers(20, 120), rng.integers(20, 120)])
        x, y, w, h = box.astype(int)
        image = np.zeros((300, 400, 3), np.uint8)
        image[y : y + h, x : x + w] = 255
        view, (left, top, width, height) = source._view(image, box, 1.0, rng)
        rows, columns = np.nonzero(view[..., 0] >= 128)
        found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        # The tips of a turned rectangle are thinner than a pixel: they show up to 1.5 pixels later.
        assert np.abs(np.array(found) - [left, top, left + width, top + height]).max() <= 1.6


def test_boxes_are_exact_to_half_a_pixel_without_rotation() -> None:
    source = PseudoObjectSource("pieces", stills(), light=0.0, frame_range=1, rotation=0.0)
    image = np.zeros((300, 400, 3), np.uint8)
    image[80:150, 100:190] = 255
    for seed in range(40):
        view, (left, top, width, height) = source._view(
            image, np.array([100.0, 80.0, 90.0, 70.0]), 1.0, np.random.default_rng(seed)
        )
        rows, columns = np.nonzero(view[..., 0] >= 128)
        found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert np.abs(np.array(found) - [left, top, left + width, top + height]).max() <= 0.6


def test_draws_are_seeded_inside_the_frame_and_change() -> None:
    source = PseudoObjectSource("pieces", stills())
    assert len(source) == 4
    for seed in range(40):
        first, second = (source.draw(2, np.random.default_rng(seed), 3) for _ in range(2))
        assert all(same(a, b) for a, b in zip(first, second, strict=True))
        assert not same(first[0], first[1]) and first[0].mask is None
        for view in first:
            x, y, w, h = view.box_xywh
            assert min(w, h) >= 12 and x >= -1e-9 and y >= -1e-9 and x + w <= 320 + 1e-9 and y + h <= 240 + 1e-9


def test_flat_regions_are_passed_over() -> None:
    image = np.full((240, 320, 3), 90, np.uint8)
    image[120:, 160:] = stills(1).videos[0][0].read(0).image[120:, 160:]
    assert detail(image[:100, :100]) == 0 < FLAT_BELOW < detail(image[120:, 160:])
    for seed in range(30):
        x, y, w, h = random_region(image, np.random.default_rng(seed), (24.0, 0.5))
        assert detail(image[y : y + h, x : x + w]) > 0


def test_small_and_flat_frames_still_give_a_draw() -> None:
    source = PseudoObjectSource("pieces", stills(size_wh=(32, 24)))
    for view in source.draw(0, np.random.default_rng(0), 2):
        assert view.box_xywh[2:].min() >= 12
    flat = np.full((60, 80, 3), 7, np.uint8)
    x, y, w, h = random_region(flat, np.random.default_rng(0))
    assert 0 <= x <= 80 - w and 0 <= y <= 60 - h and min(w, h) >= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 0.9}, "SCALE"),
        ({"size": (4.0, 0.5)}, "SIZE"),
        ({"light": 2.0}, "LIGHT"),
        ({"frame_range": 0}, "FRAME_RANGE"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PseudoObjectSource("pieces", stills(), **options)  # type: ignore[arg-type]
