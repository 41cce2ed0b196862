"""Annotation texts: any separator reads the same, anything else is a message with file and line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.datasets.annotation import TextFile, read_flags, read_ground_truth, read_table
from toolkit.errors import DatasetError

NUMBERS = st.one_of(st.floats(-1e6, 1e6), st.integers(-5000, 5000).map(float), st.just(float("nan")))
SEPARATORS = st.sampled_from([",", "\t", " ", ";", ", ", "  ", " \t", ";\t"])
ENDS = st.sampled_from(["\n", "\r\n"])


def text(data: str | bytes) -> TextFile:
    raw = data.encode() if isinstance(data, str) else data
    return TextFile("gt.txt", lambda: raw)


@settings(deadline=None)  # the first call compiles the number reader
@given(data=st.data(), width=st.sampled_from([4, 8]), end=ENDS, last=st.sampled_from(["", "\n", "\n\n"]))
def test_any_separator_reads_the_same(data, width, end, last):
    rows = data.draw(st.lists(st.lists(NUMBERS, min_size=width, max_size=width), min_size=1, max_size=8))
    lines = []
    for row in rows:
        line = repr(row[0])
        for value in row[1:]:
            line += data.draw(SEPARATORS) + repr(value)
        lines.append(line)
    read = read_ground_truth(text(end.join(lines) + last))
    np.testing.assert_array_equal(read.boxes, np.array(rows))
    assert read.masks is None


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_numbers_or_a_dataset_error(data):
    try:
        boxes = read_ground_truth(text(data)).boxes
    except DatasetError:
        with pytest.raises(DatasetError, match=r"gt\.txt"):
            read_ground_truth(text(data))
    else:
        assert boxes.ndim == 2
        assert boxes.shape[1] in (4, 8)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", r"gt\.txt: the annotation is empty"),
        ("\n\n", r"gt\.txt: the annotation is empty"),
        ("1,2,3,4\n1,2,x,4\n", r"gt\.txt:2: 'x' is not a number"),
        ("1,2,3,4\n1,2,3\n", r"gt\.txt:2: 3 numbers in this row, 4 in the others"),
        ("1,2,3,4\n\n1,2,3,4\n", r"gt\.txt:2: 0 numbers in this row"),
        ("1,2,3\n", r"gt\.txt:1: 3 numbers per row; expected a box"),
        ("1,2,3,4,5\n", r"gt\.txt:1: 5 numbers per row"),
        ("m1,2,3,4\n1,2,3,4,5,6\nbad\n", r"gt\.txt:\d: "),
    ],
)
def test_messages_name_file_and_line(data, message):
    with pytest.raises(DatasetError, match=message):
        read_ground_truth(text(data))


def test_flags_in_a_row_or_a_column():
    assert read_flags(text("0,1,0")).tolist() == read_flags(text("0\n1\n0\n")).tolist() == [False, True, False]
    with pytest.raises(DatasetError, match="3 flags for 4"):
        read_flags(text("0,1,0"), 4)


def test_byte_order_mark_is_no_number():
    np.testing.assert_array_equal(read_table(text("\ufeff1,2,3,4\n")), [[1, 2, 3, 4]])


@pytest.mark.parametrize("row", ["0", "nan,nan,nan,nan", "m3,3,0,0", "m3,3,2,2,4"])
def test_absent_target_among_masks(row):
    truth = read_ground_truth(text(f"m1,2,4,2,3,2,3\n{row}\n"))
    np.testing.assert_array_equal(truth.boxes, [[1, 2, 4, 2], [np.nan] * 4])
    assert not truth.masks[1].bits.any()


@pytest.mark.parametrize("row", ["1,1,inf,2", "1,1,1e9,1e9", "1,1,5,1,5,5", "1,1,-2,2", "m1,1,2,2,9"])
def test_impossible_row_among_masks(row):
    with pytest.raises(DatasetError, match=r"gt\.txt:2: "):
        read_ground_truth(text(f"m1,2,4,2,3,2,3\n{row}\n"))
