from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from toolkit.errors import ResultError
from toolkit.utils.numbers import parse_numbers


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1))
@example([0.1 + 0.2, 1e-300, 123456789.123456789, -0.0, 9007199254740993.0])
def test_every_number_reads_as_python_reads_it(numbers: list[float]) -> None:
    parsed = parse_numbers(",".join(map(repr, numbers)).encode(), "file").values
    np.testing.assert_array_equal(parsed, np.array(numbers))


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6))
def test_decimals_are_rounded_correctly(number: object) -> None:
    text = format(number, "f")
    assert parse_numbers(text.encode(), "file").values.tolist() == [float(text)]


@pytest.mark.parametrize("separator", [",", " ", "\t", ";", ", ", " ,\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(separator: str, end: str) -> None:
    text = end.join(separator.join(["1", "2.5", "-3", "4e1"]) for _ in range(3)) + end
    table = parse_numbers(text.encode(), "file")
    assert table.widths().tolist() == [4, 4, 4]
    assert table.values[:4].tolist() == [1, 2.5, -3, 40]


def test_blank_rows_count_inside_and_not_at_the_end() -> None:
    table = parse_numbers(b"\n1,2\n\n3\n\n\n", "file")
    assert table.widths().tolist() == [0, 2, 0, 1]


def test_nan_complex_and_byte_order_mark() -> None:
    values = parse_numbers(b"\xef\xbb\xbf[NaN, nan; 1+2i inf]", "file").values
    assert math.isnan(values[0])
    assert math.isnan(values[1])
    assert math.isnan(values[2])
    assert values[3] == math.inf


def test_many_unusual_tokens() -> None:
    assert parse_numbers(b"1e5\n" * 1000, "file").values.tolist() == [1e5] * 1000


def test_the_message_names_file_line_and_token() -> None:
    with pytest.raises(ResultError, match=r"a/b\.txt: line 3 holds 'x7'"):
        parse_numbers(b"1,2\n3,4\n5,x7\n", "a/b.txt")


@given(st.binary(max_size=200))
def test_no_bytes_crash_it(data: bytes) -> None:
    with contextlib.suppress(ResultError):
        table = parse_numbers(data, "file")
        assert table.widths().sum() == len(table.values)


@pytest.mark.parametrize("coding", ["utf-16", "utf-8-sig"])
def test_texts_written_on_windows(coding: str) -> None:
    assert parse_numbers("1,2,3,4\r\n5,6,7,8\r\n".encode(coding), "file").values.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
