"""Overlap where a mask takes part."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tests.golden import recorded
from toolkit.errors import RegionError
from toolkit.regions import (
    Mask,
    Polygon,
    Rectangle,
    Special,
    from_numbers,
    mask_overlap,
    rasterize,
    region_overlap,
)

bits = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=9))
placed = st.builds(Mask, bits, st.integers(-5, 12), st.integers(-5, 12))


def full(mask: Mask) -> np.ndarray:
    canvas = np.zeros((60, 60), bool)
    h, w = mask.bits.shape
    canvas[mask.y + 20 : mask.y + 20 + h, mask.x + 20 : mask.x + 20 + w] = mask.bits
    return canvas


@given(placed, placed, st.sampled_from([None, (10, 8)]), st.one_of(st.none(), placed))
def test_masks_as_on_one_canvas(a: Mask, b: Mask, bounds: tuple[int, int] | None, ignore: Mask | None) -> None:
    found = region_overlap(a, b, bounds, ignore=ignore)
    assert found == region_overlap(b, a, bounds, ignore=ignore)
    counted = np.ones((60, 60), bool)
    if bounds is not None:
        counted[:] = False
        counted[20 : 20 + bounds[1], 20 : 20 + bounds[0]] = True
    if ignore is not None:
        counted &= ~full(ignore)
    first, second = full(a), full(b)
    union = (first & counted | second & counted).sum()
    if not (first.any() or second.any()):
        assert found == 1
    else:
        assert found == ((first & second & counted).sum() / union if union else 0)


def test_rectangle_against_its_own_mask() -> None:
    mask = Mask(np.ones((40, 30), bool), 10, 20)
    assert region_overlap(mask, Rectangle(10, 20, 30, 40)) == 1
    assert region_overlap(mask, Rectangle(10, 20, 15, 40)) == pytest.approx(0.5)
    assert region_overlap(mask, Rectangle(25, 20, 30, 40), (40, 100)) == pytest.approx(0.5)


def test_polygon_against_its_own_pixels() -> None:
    polygon = Polygon(np.array([[30.0, 10], [70, 30], [60, 60], [20, 40]]))
    mask = Mask(rasterize(polygon, (0, 0, 99, 99)))
    assert 1400 < mask.bits.sum() < 1500  # its area is 1400, and the outline counts as inside
    assert region_overlap(mask, polygon) == 1
    assert region_overlap(Mask(mask.bits, 3, 0), polygon) < 0.9


def test_overlaps_are_those_of_the_challenge_toolkit() -> None:
    """Rotated boxes, rectangles with fractions and halves, outlines that cross themselves, lines, points, nothing."""
    cases = recorded("vot_toolkit.json")["overlaps"]
    truth, size = from_numbers(cases["truth"]), tuple(cases["size"])
    for numbers, overlap in zip(cases["regions"], cases["overlap"], strict=True):
        assert mask_overlap(from_numbers(numbers), truth, size) == pytest.approx(overlap, abs=1e-6), numbers


def test_a_code_has_no_overlap() -> None:
    mask = Mask(np.ones((4, 4), bool))
    assert math.isnan(region_overlap(mask, Special(1)))
    assert math.isnan(region_overlap(Special(2), Rectangle(0, 0, 4, 4)))
    assert math.isnan(region_overlap(Rectangle(math.nan, 0, 4, 4), mask))


def test_ignored_pixels_count_for_rectangles_too() -> None:
    left_half = Mask(np.ones((10, 5), bool))
    assert region_overlap(Rectangle(0, 0, 10, 10), Rectangle(5, 0, 5, 10), ignore=left_half) == 1


def test_what_cannot_be_done_is_said() -> None:
    mask = Mask(np.ones((4, 4), bool))
    with pytest.raises(RegionError, match="use mode 'raster'"):
        region_overlap(mask, mask, mode="exact")
    with pytest.raises(RegionError, match="pass the image's bounds"):
        mask_overlap(mask, Rectangle(0, 0, 1e9, 1e9))
    assert mask_overlap(mask, Rectangle(0, 0, 1e9, 1e9), (4, 4)) == 1
    with pytest.raises(RegionError, match="has no pixels"):
        rasterize(Special(1), (0, 0, 3, 3))
