"""Overlap of rectangles and polygons: reference values, the written definition, and what must hold for any input."""

from __future__ import annotations

import math
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.geometry import Polygon as ShapelyPolygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from tests.golden import recorded
from toolkit.errors import RegionError
from toolkit.regions import Mode, overlap_pairs, overlap_ragged, rectangle_iou
from toolkit.utils.region import vot_overlap

MODES: tuple[Mode, ...] = ("raster", "legacy", "exact")

DIAMOND, BOX = [50, 20, 80, 50, 50, 80, 20, 50], [20, 20, 60, 60]
TURNED_A, TURNED_B = [30, 10, 70, 30, 60, 60, 20, 40], [32, 14, 66, 28, 58, 62, 24, 44]

# a, b, bounds, raster, legacy: what the reference implementation returns for each.
DISCRETE = [
    ([10, 10, 20, 30], [10, 10, 20, 30], None, 1, 1),
    ([10, 10, 20, 20], [20, 10, 20, 20], None, 0.354839, 0.333333),
    ([10, 10, 20, 20], [30, 10, 20, 20], None, 0, 0),
    ([10.4, 10.6, 20.5, 20.5], [12.2, 11.7, 18.3, 22.9], None, 0.738007, 0.789934),
    ([10, 10, 2, 2], [11, 11, 2, 2], None, 0.285714, 0.142857),
    (DIAMOND, BOX, None, 0.499597, 0.5),
    (DIAMOND, BOX, (100, 70), 0.565735, 0.57),
    ([-20, -20, 60, 60], [0, 0, 40, 40], (100, 100), 1, 0.975610),
    ([-20, -20, 60, 60], [0, 0, 40, 40], None, 0.451760, 0.444444),
    (TURNED_A, TURNED_B, (200, 200), 0.756477, 0.752177),
]

EXACT = [
    ([10, 10, 20, 20], [20, 10, 20, 20], 0.333333),
    ([10, 10, 20, 20], [30, 10, 20, 20], 0),
    ([10.4, 10.6, 20.5, 20.5], [12.2, 11.7, 18.3, 22.9], 0.733058),
    ([10, 10, 2, 2], [11, 11, 2, 2], 0.142857),
    ([-20, -20, 60, 60], [0, 0, 40, 40], 0.444444),
    (DIAMOND, BOX, 0.5),
]

coordinate = st.floats(-60, 90, allow_nan=False, width=32)
whole = st.integers(-20, 40).map(float)
thousandths = st.integers(-60000, 90000).map(lambda v: v / 1000)  # shapely itself errs on gaps of 1e-16


def outlines(values: st.SearchStrategy[float], low: int = 3, high: int = 7) -> st.SearchStrategy[list[float]]:
    return st.integers(low, high).flatmap(lambda k: st.lists(values, min_size=2 * k, max_size=2 * k))


def one(a: list[float], b: list[float], bounds: object = None, mode: Mode = "raster") -> float:
    return float(overlap_ragged([a], [b], bounds, mode)[0])  # type: ignore[arg-type]


def areal(shape: BaseGeometry) -> BaseGeometry:
    """Without the points and lines that clipping leaves where an outline touches the frame."""
    return unary_union([part for part in getattr(shape, "geoms", [shape]) if part.area > 0])


def paint_as_defined(points: NDArray[np.float64], width: int, height: int) -> NDArray[np.bool_]:
    """The scan-line procedure of VOT's raster mode, written down pixel by pixel."""
    x, y = (np.where(v >= 0, np.floor(v + 0.5), np.ceil(v - 0.5)) for v in points.T)
    bits = np.zeros((height, width), bool)
    for row in range(height):
        nodes = sorted(
            int(x[i] + (row - y[i]) / (y[i - 1] - y[i]) * (x[i - 1] - x[i]))
            for i in range(len(x))
            if y[i] != y[i - 1] and min(y[i], y[i - 1]) <= row <= max(y[i], y[i - 1])
        )
        i = 0
        while i < len(nodes) - 1:
            if nodes[i] == nodes[i + 1]:
                i += 1
                continue
            bits[row, max(nodes[i], 0) : max(nodes[i + 1] + 1, 0)] = True
            i += 2
    return bits


@pytest.mark.parametrize("bounded", [True, False], ids=["bounds", "nobounds"])
@pytest.mark.parametrize(
    ("name", "a", "b"),
    [("rotated_box_pairs", "P1", "P2"), ("rect_pairs", "R1", "R2"), ("random_quads_uniform", "U1", "U2")],
)
def test_every_reference_pair(name: str, a: str, b: str, bounded: bool) -> None:
    golden = recorded("region_overlap.npz")
    expected = golden[f"{name}_{'bounds' if bounded else 'nobounds'}"]
    found = overlap_pairs(golden[a], golden[b], (1920, 1080) if bounded else None)
    assert len(found) == 1000
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_reference_corner_cases() -> None:
    cases = recorded("region_overlap_hand.json")
    found = [vot_overlap(case["a"], case["b"], case["bounds"]) for case in cases]
    np.testing.assert_allclose(found, [case["overlap"] for case in cases], rtol=0, atol=1e-6)


@pytest.mark.parametrize(("a", "b", "bounds", "raster", "legacy"), DISCRETE)
def test_pixel_modes(a: list[float], b: list[float], bounds: object, raster: float, legacy: float) -> None:
    assert one(a, b, bounds) == pytest.approx(raster, abs=1e-6)
    assert one(a, b, bounds, "legacy") == pytest.approx(legacy, abs=1e-6)


@pytest.mark.parametrize(("a", "b", "expected"), EXACT)
def test_exact_mode(a: list[float], b: list[float], expected: float) -> None:
    assert one(a, b, mode="exact") == pytest.approx(expected, abs=1e-6)
    assert one(b, a, mode="exact") == pytest.approx(expected, abs=1e-6)


def test_exact_mode_counts_only_what_lies_inside_the_bounds() -> None:
    assert one([-20, -20, 60, 60], [0, 0, 40, 40], (100, 100), "exact") == 1.0
    assert one(DIAMOND, BOX, (100, 70), "exact") == pytest.approx((1800 - 100) / 3000)
    assert one(DIAMOND, BOX, (50, 100), "exact") == pytest.approx(0.5)


@settings(max_examples=300, deadline=None)
@given(outlines(whole), outlines(coordinate))
def test_raster_mode_is_the_written_definition(a: list[float], b: list[float]) -> None:
    points = [np.array(v, np.float32).astype(np.float64).reshape(-1, 2) for v in (a, b)]
    low = np.floor(np.minimum(points[0].min(0), points[1].min(0)))
    width, height = (np.ceil(np.maximum(points[0].max(0), points[1].max(0))) - low + 1).astype(int)
    bits = [paint_as_defined(p - low, width, height) for p in points]
    apart = (points[0].min(0) >= points[1].max(0)).any() or (points[1].min(0) >= points[0].max(0)).any()
    areas = [np.ptp(np.stack([np.floor(p.min(0)), np.ceil(p.max(0))]), axis=0).prod() for p in points]
    found = one(a, b)
    if min(areas) == 0 or apart:
        assert found == 0 or math.isnan(found)
    elif not (bits[0] | bits[1]).any():
        assert math.isnan(found)
    else:
        assert found == (bits[0] & bits[1]).sum() / (bits[0] | bits[1]).sum()


@settings(max_examples=300, deadline=None)
@given(outlines(thousandths), outlines(thousandths), st.sampled_from(MODES), st.sampled_from([None, (64, 48), (0, 0)]))
def test_symmetric(a: list[float], b: list[float], mode: Mode, bounds: object) -> None:
    assert one(a, b, bounds, mode) == pytest.approx(one(b, a, bounds, mode), abs=1e-9, nan_ok=True)


@settings(max_examples=300, deadline=None)
@given(outlines(coordinate), outlines(coordinate), st.sampled_from(MODES), st.sampled_from([None, (64, 48), (0, 0)]))
def test_between_0_and_1(a: list[float], b: list[float], mode: Mode, bounds: object) -> None:
    overlap = one(a, b, bounds, mode)
    assert 0 <= overlap <= 1 or math.isnan(overlap)


@settings(max_examples=200, deadline=None)
@given(outlines(coordinate), st.sampled_from(MODES))
def test_one_with_itself_unless_it_has_no_area(a: list[float], mode: Mode) -> None:
    itself = one(a, a, None, mode)
    assert itself == 1 or math.isnan(itself)
    x, y = np.array(a).reshape(-1, 2).T
    signed_area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
    if mode == "exact" and signed_area > 1e-6:
        assert itself == 1


@settings(max_examples=100, deadline=None)
@given(st.tuples(*[st.floats(-50, 50)] * 2, *[st.floats(2, 80)] * 2), st.sampled_from(MODES))
def test_a_real_rectangle_is_1_with_itself(box: tuple[float, ...], mode: Mode) -> None:
    assert one(list(box), list(box), None, mode) == 1


@settings(max_examples=300, deadline=None)
@given(outlines(thousandths, 3, 6), outlines(thousandths, 3, 6), st.sampled_from([None, (64, 48)]))
def test_exact_mode_equals_shapely(a: list[float], b: list[float], bounds: tuple[float, float] | None) -> None:
    first, second = (ShapelyPolygon(np.array(v).reshape(-1, 2)) for v in (a, b))
    if not (first.is_valid and second.is_valid):
        return
    if bounds is not None:
        frame = ShapelyPolygon([(0, 0), (bounds[0], 0), bounds, (0, bounds[1])])
        first, second = areal(first & frame), areal(second & frame)
    union = first.union(second).area
    if union > 1e-6:
        assert one(a, b, bounds, "exact") == pytest.approx(first.intersection(second).area / union, abs=1e-9)


def test_exact_mode_equals_shapely_on_thousands_of_simple_quadrilaterals() -> None:
    rng = np.random.default_rng(3)
    quads = rng.uniform(0, 100, (2, 4000, 4, 2))
    shapes = [[ShapelyPolygon(p) for p in side] for side in quads]
    simple = np.array([a.is_valid and b.is_valid for a, b in zip(*shapes, strict=True)])
    expected = [a.intersection(b).area / a.union(b).area for a, b, ok in zip(*shapes, simple, strict=True) if ok]
    found = overlap_pairs(quads[0].reshape(-1, 8)[simple], quads[1].reshape(-1, 8)[simple], mode="exact")
    assert simple.sum() > 1000
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


@settings(max_examples=200, deadline=None)
@given(outlines(coordinate), outlines(coordinate), st.floats(-500, 500), st.floats(-500, 500))
def test_exact_mode_does_not_depend_on_the_place(a: list[float], b: list[float], dx: float, dy: float) -> None:
    x, y = (np.array(a + b).reshape(-1, 2)).T
    if np.abs(np.diff(np.sort(y))).clip(1e-9).min() < 1e-3 or np.ptp(x) < 1:  # slivers lose their digits when moved
        return
    shift = np.array([dx, dy])
    moved = [(np.array(v).reshape(-1, 2) + shift).reshape(-1).tolist() for v in (a, b)]
    assert one(*moved, None, "exact") == pytest.approx(one(a, b, None, "exact"), abs=1e-6)


def test_a_self_crossing_outline_counts_by_the_even_odd_rule() -> None:
    bow_tie = [0, 0, 10, 10, 10, 0, 0, 10]
    assert one(bow_tie, [0, 0, 10, 10], mode="exact") == pytest.approx(0.5)
    assert one(bow_tie, bow_tie, mode="exact") == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("bounds", [None, (640, 480)])
def test_impossible_numbers_give_nan(mode: Mode, bounds: object) -> None:
    good = [10.0, 10, 50, 10, 50, 50, 10, 50]
    for bad in (math.nan, math.inf, -math.inf, 1e300):
        for position in range(8):
            damaged = [*good[:position], bad, *good[position + 1 :]]
            assert math.isnan(one(damaged, good, bounds, mode))
            assert math.isnan(one(good, damaged, bounds, mode))
    assert math.isnan(one([1], good, bounds, mode))


@pytest.mark.parametrize("mode", MODES)
def test_regions_without_area(mode: Mode) -> None:
    point, line, box = [5.0, 5, 0, 0], [5.0, 5, 0, 30], [0.0, 0, 10, 10]
    assert math.isnan(one(point, point, None, mode))
    assert math.isnan(one(line, line, None, mode))
    assert one(line, box, None, mode) == 0
    assert one(point, box, None, mode) == 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [1e5, 1e9, 1e15])
def test_huge_regions_take_no_time(mode: Mode, size: float) -> None:
    huge, shifted = [-size, -size, 2 * size, 2 * size], [0, -size, 2 * size, 2 * size]
    one([0, 0, 9, 9], [5, 5, 9, 9], None, mode)
    one(huge, huge, None, mode)
    started = time.perf_counter()
    overlap_pairs([huge] * 50, [shifted] * 50, None, mode)
    overlap_pairs([huge] * 50, [[100, 100, 200, 200]] * 50, (1920, 1080), mode)
    assert time.perf_counter() - started < 5
    assert one(huge, shifted, None, mode) == pytest.approx(1 / 3, abs=1e-3)
    assert one(huge, [0, 0, 1920, 1080], (1920, 1080), mode) == pytest.approx(1, abs=2e-3)
    far = [size, size, size / 10, size / 10]
    assert one(far, far, None, mode) == 1


def test_the_batch_call_is_the_single_call_repeated() -> None:
    rng = np.random.default_rng(0)
    boxes, quads, triangles = (rng.uniform(0, 90, (40, k)) for k in (4, 8, 6))
    sizes = rng.uniform(40, 90, (40, 2))
    for mode in MODES:
        batch = overlap_pairs(boxes, quads, sizes, mode)
        singles = [one(boxes[k].tolist(), quads[k].tolist(), sizes[k], mode) for k in range(40)]
        np.testing.assert_array_equal(batch, singles)
        np.testing.assert_array_equal(overlap_ragged(list(boxes), list(quads), sizes, mode), singles)
    found = overlap_pairs(triangles, quads)
    np.testing.assert_array_equal(found, overlap_ragged(list(triangles), list(quads)))
    assert overlap_pairs(np.empty((0, 4)), np.empty((0, 8))).shape == (0,)


def test_threads_run_side_by_side() -> None:
    rng = np.random.default_rng(0)
    quads = rng.uniform(0, 2000, (2, 20000, 8))
    overlap_pairs(quads[0, :1], quads[1, :1])
    ticks: list[float] = []
    work = threading.Thread(target=overlap_pairs, args=(quads[0], quads[1]))
    work.start()
    while work.is_alive():
        ticks.append(time.perf_counter())
        time.sleep(0.0005)
    assert len(ticks) > 5, "the interpreter lock was held while counting"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([[1, 2, 3]], [[1, 2, 3, 4]]), "argument a has shape (1, 3)"),
        (([[1, 2, 3, 4]], [[1, 2, 3, 4]] * 2), "1 regions against 2"),
        (([[1, 2, 3, 4]], [["x", 2, 3, 4]]), "argument b is not an array of numbers"),
        (([[1, 2, 3, 4]], [[1, 2, 3, 4]], (1, 2, 3)), "argument bounds has shape (3,)"),
        (([[1, 2, 3, 4]], [[1, 2, 3, 4]], (math.nan, 2)), "without nan"),
        (([[1, 2, 3, 4]], [[1, 2, 3, 4]], None, "pixel"), "choose raster, legacy, exact"),
    ],
)
def test_a_wrong_argument_is_named(arguments: tuple[object, ...], words: str) -> None:
    with pytest.raises(RegionError) as caught:
        overlap_pairs(*arguments)  # type: ignore[arg-type]
    assert words in str(caught.value).lower()


def test_rectangle_iou() -> None:
    assert rectangle_iou([10, 10, 20, 20], [20, 10, 20, 20]) == pytest.approx(1 / 3)
    rng = np.random.default_rng(1)
    a, b = rng.uniform(0, 100, (2, 500, 4))
    np.testing.assert_allclose(rectangle_iou(a, b), overlap_pairs(a, b, mode="exact"), rtol=0, atol=1e-12)
    assert rectangle_iou(a[:, None], b).shape == (500, 500)
    np.testing.assert_array_equal(np.isnan(rectangle_iou([[np.nan, 0, 1, 1], [0, 0, 0, 0]], [0, 0, 0, 0])), True)
    with pytest.raises(RegionError, match="expected"):
        rectangle_iou([1, 2, 3], [1, 2, 3, 4])


TOUCHING = [
    (
        (-4.6787148221710595, 4.250028758491702, 12.607175915600529, 79.57463141221145),
        (7.984050617521838, 11.899928098962782, 20.336330234949408, 63.16933906388155),
        0.03185664489865303,
    ),
    (
        (91.11625446754978, 99.76695840230008, 5.467720793040791, 99.55452175467443),
        (96.74774448672046, 104.64777021667388, 2.6935870096157544, 111.17115058970835),
        0.10095643252134323,
    ),
]
"""Rectangles less than a pixel apart in an image of 320 x 240, and the reference's overlap."""


def test_regions_less_than_a_pixel_apart_share_pixels() -> None:
    for one, other, expected in TOUCHING:
        assert overlap_pairs([one], [other], (320, 240))[0] == pytest.approx(expected, abs=1e-6)
        assert overlap_ragged([other], [one], (320, 240))[0] == pytest.approx(expected, abs=1e-6)


def test_nearly_touching_regions_equal_the_reference() -> None:
    golden = recorded("region_touching.npz")
    for kind in ("rect", "poly"):
        found = overlap_pairs(golden[f"{kind}_A"], golden[f"{kind}_B"], golden["bounds"])
        np.testing.assert_allclose(found, golden[f"{kind}_bounded"], rtol=0, atol=1e-6)
