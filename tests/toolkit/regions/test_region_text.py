"""Reading and writing regions in VOT's text form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco

from toolkit.errors import RegionError
from toolkit.regions import (
    Mask,
    Polygon,
    Rectangle,
    Special,
    decode_runs,
    encode_runs,
    format_region,
    from_numbers,
    parse_region,
    to_numbers,
)

number = st.floats(-1e6, 1e6).map(lambda v: round(v, 4))
masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=12))


@pytest.mark.parametrize(("text", "code"), [("1", 1), ("2\n", 2), (" 0 ", 0), ("1.0000", 1)])
def test_codes(text: str, code: int) -> None:
    assert parse_region(text) == Special(code)


@pytest.mark.parametrize("text", ["10.5,20,30,40", "10.5, 20, 30, 40", "10.5\t20\t30\t40", "1.05e1 20 30 40"])
def test_rectangle(text: str) -> None:
    assert parse_region(text) == Rectangle(10.5, 20, 30, 40)


def test_polygon() -> None:
    region = parse_region("1,2,3,4,5,6,7,8")
    assert isinstance(region, Polygon)
    np.testing.assert_array_equal(region.points, [[1, 2], [3, 4], [5, 6], [7, 8]])
    assert format_region(region) == "1.0000,2.0000,3.0000,4.0000,5.0000,6.0000,7.0000,8.0000"


def test_mask_runs_go_row_by_row_from_the_zeros() -> None:
    region = parse_region("m5,7,3,2,1,3,2")
    assert isinstance(region, Mask)
    assert (region.x, region.y) == (5, 7)
    np.testing.assert_array_equal(region.bits, [[0, 1, 1], [1, 0, 0]])
    assert format_region(region) == "m5,7,3,2,1,3,2"


def test_runs_may_stop_early() -> None:
    region = parse_region("m0,0,3,2,0,2")
    assert isinstance(region, Mask)
    np.testing.assert_array_equal(region.bits, [[1, 1, 0], [0, 0, 0]])


def test_absent_target() -> None:
    region = parse_region("nan,nan,nan,nan")
    assert isinstance(region, Rectangle)
    assert np.isnan(to_numbers(region)).all()


NO_REGIONS = ["", "  ", "1.5", "nan", "inf", "1,2", "1,2,3", "1,2,3,4,5", "1,,2,3,4", "a,b,c,d", "1;2;3;4", "1,2\t3,4"]
NO_MASKS = ["m", "m1", "m1,2,3", "m0,0,2,2,x", "m0,0,2,2,5", "m0,0,2,2,-1,2", "m0,0,-1,2,0", "m0,0,,2,2,1", "mask"]
NO_MASKS += ["m0.5,0,1,1,1", "m0,0,99999999,99999999,1", "m0,0,2,2," + "9" * 30, "m0,0,2,2," + "9" * 5000]


@pytest.mark.parametrize("text", [*NO_REGIONS, *NO_MASKS])
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(RegionError) as caught:
        parse_region(text)
    assert "expected" in str(caught.value) or "damaged" in str(caught.value)
    assert len(str(caught.value)) < 300


@given(st.one_of(st.text(max_size=40), st.text("m0123456789,.-+einaf \t", max_size=40)))
def test_any_text_is_a_region_or_an_error(text: str) -> None:
    try:
        region = parse_region(text)
    except RegionError:
        return
    assert isinstance(parse_region(format_region(region)), type(region))


@given(
    st.one_of(
        st.lists(number, min_size=4, max_size=4),
        st.integers(3, 9).flatmap(lambda k: st.lists(number, min_size=2 * k, max_size=2 * k)),
    )
)
def test_numbers_survive_the_round_trip(values: list[float]) -> None:
    region = parse_region(format_region(from_numbers(values)))
    np.testing.assert_allclose(to_numbers(region), values, rtol=0, atol=1e-4)


@given(masks, st.integers(-99, 99), st.integers(-99, 99))
def test_masks_survive_the_round_trip(bits: np.ndarray, x: int, y: int) -> None:
    region = parse_region(format_region(Mask(bits, x, y)))
    assert isinstance(region, Mask)
    assert (region.x, region.y) == (x, y)
    np.testing.assert_array_equal(region.bits, bits)


@given(masks.filter(lambda bits: bits.size > 0))
def test_runs_equal_coco_s_of_the_transposed_mask(bits: np.ndarray) -> None:
    height, width = bits.shape
    packed = coco.frPyObjects({"counts": encode_runs(bits), "size": [width, height]}, width, height)
    np.testing.assert_array_equal(coco.decode(packed).T.astype(bool), bits)
    assert coco.encode(np.asfortranarray(bits.T.astype(np.uint8)))["counts"] == packed["counts"]
    np.testing.assert_array_equal(decode_runs(encode_runs(bits), width, height), bits)


def test_shapes_check_themselves() -> None:
    with pytest.raises(RegionError, match="K >= 3"):
        Polygon(np.zeros((2, 2)))
    with pytest.raises(RegionError, match="expected bool"):
        Mask(np.zeros((3, 3), np.uint8))  # type: ignore[arg-type]
    with pytest.raises(RegionError, match="2 numbers"):
        from_numbers([1, 2])
    with pytest.raises(RegionError, match="format_region"):
        to_numbers(Mask(np.zeros((3, 3), bool)))
