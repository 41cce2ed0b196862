"""Numbers out of text, fast and exactly: the form every result and annotation file has.

One compiled pass splits a file at commas, semicolons, brackets and blanks and converts each token; what it cannot
convert exactly (20 digits, `nan`, `1e-300`) it leaves to Python's `float`. The values are the ones `float` gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from toolkit.errors import ResultError

_EXACT_POWER = 22  # 10**22 is the largest power of ten that float64 holds exactly
_POWERS = np.array([10.0**k for k in range(_EXACT_POWER + 1)])
_FEW = 64
"""Room for unconverted tokens in the first pass; nearly all files have none."""
_SPLITTER = 134217729.0  # 2**27 + 1, Dekker's constant: halves a 53-bit significand


class NotANumberError(ResultError):
    """A text holds a token that is not a number; `line` (from 1) and `token` say which."""

    def __init__(self, where: str, line: int, token: str) -> None:
        super().__init__(
            f"{where}: line {line} holds '{token}' where a number was expected. "
            "Write one frame per line as x,y,w,h, or run this sequence again."
        )
        self.line, self.token = line, token


@dataclass(frozen=True)
class NumberTable:
    """Rows of numbers of any width.

    Attributes:
        values: (M,) float64, all numbers in reading order.
        row_ends: (R,) int64, how many numbers the rows up to and including this one hold; blank rows hold none.
    """

    values: NDArray[np.float64]
    row_ends: NDArray[np.int64]

    def widths(self) -> NDArray[np.int64]:
        """(R,) numbers per row."""
        widths = self.row_ends.copy()
        widths[1:] -= self.row_ends[:-1]
        return widths


def parse_numbers(data: bytes, where: str) -> NumberTable:
    """Parses text whose numbers are separated by any mix of comma, semicolon, tab, blank, brackets and line ends.

    `nan` and `inf` are numbers; a complex number (MATLAB writes them when a size turns negative) is NaN. Blank rows at
    the end are dropped. Raises `NotANumberError` naming `where`, the line and the token that is not a number.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16, as PowerShell's `>` writes it
        data = data.decode("utf-16", "replace").encode()
    if b"\n" not in data and b"\r" in data:
        data = data.replace(b"\r", b"\n")
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    buffer = np.frombuffer(data, dtype=np.uint8)
    values = np.empty(len(data) // 2 + 2)
    row_ends = np.empty(data.count(b"\n") + 1, dtype=np.int64)
    spans = np.empty((_FEW, 3), dtype=np.int64)
    n_values, n_rows, n_spans = _scan(buffer, values, row_ends, spans, _POWERS)
    if n_spans > _FEW:
        spans = np.empty((n_spans, 3), dtype=np.int64)
        _scan(buffer, values, row_ends, spans, _POWERS)
    for start, stop, index in spans[:n_spans].tolist():
        values[index] = _convert(data, start, stop, where)
    return NumberTable(values[:n_values], row_ends[:n_rows])


def _convert(data: bytes, start: int, stop: int, where: str) -> float:
    token = data[start:stop]
    try:
        return float(token)
    except ValueError:
        pass
    try:
        complex(token.decode("ascii").replace("i", "j"))
    except ValueError:
        line = data.count(b"\n", 0, start) + 1
        raise NotANumberError(where, line, token[:40].decode("ascii", "backslashreplace")) from None
    return float("nan")


@njit(cache=True, nogil=True)
def _scan(
    data: NDArray[np.uint8],
    values: NDArray[np.float64],
    row_ends: NDArray[np.int64],
    spans: NDArray[np.int64],
    powers: NDArray[np.float64],
) -> tuple[int, int, int]:
    """Fills the three arrays; returns how many values, rows (trailing blank rows left out) and unconverted tokens.

    Tokens beyond the room in `spans` are counted only.
    """
    n_values = 0
    row = 0
    full_rows = 0
    n_spans = 0
    row_start = 0
    size = np.uint64(data.size)
    one = np.uint64(1)
    i = np.uint64(0)  # unsigned, so that no index has to be checked for counting from the end
    while i < size:
        byte = data[i]
        if byte == 10:
            row_ends[row] = n_values
            row += 1
            if n_values > row_start:
                full_rows = row
            row_start = n_values
            i += one
        elif _is_separator(byte):
            i += one
        else:
            stop, converted, values[n_values] = _decimal(data, i, powers)
            if not converted:
                while stop < size and not _is_separator(data[stop]):
                    stop += one
                if n_spans < len(spans):
                    spans[n_spans, 0] = i
                    spans[n_spans, 1] = stop
                    spans[n_spans, 2] = n_values
                n_spans += 1
            n_values += 1
            i = stop
    if n_values > row_start:
        row_ends[row] = n_values
        full_rows = row + 1
    return n_values, full_rows, n_spans


@njit(cache=True, nogil=True)
def _is_separator(byte: np.uint8) -> bool:
    """Control characters, blank, comma, semicolon, round or square bracket; a line end too."""
    return bool(byte <= 32 or byte == 44 or byte == 59 or byte == 91 or byte == 93 or byte == 40 or byte == 41)


@njit(cache=True, nogil=True)
def _decimal(data: NDArray[np.uint8], start: np.uint64, powers: NDArray[np.float64]) -> tuple[np.uint64, bool, float]:
    """Reads `[+-]digits[.digits]` of at most 18 digits: where it ends, whether that is a token's end, the value."""
    one = np.uint64(1)
    size = np.uint64(data.size)
    i = start
    negative = data[i] == 45
    if negative or data[i] == 43:
        i += one
    first = i
    mantissa = np.uint64(0)
    while i < size and np.uint8(data[i] - 48) < 10:
        mantissa = mantissa * np.uint64(10) + np.uint64(data[i] - 48)
        i += one
    digits = i - first
    decimals = np.uint64(0)
    if i < size and data[i] == 46:
        i += one
        point = i
        while i < size and np.uint8(data[i] - 48) < 10:
            mantissa = mantissa * np.uint64(10) + np.uint64(data[i] - 48)
            i += one
        decimals = i - point
        digits += decimals
    if digits > 18 and data[first] == 48:  # the zero before the point is not a significant digit
        digits -= one
    if digits == 0 or digits > 18 or (i < size and not _is_separator(data[i])):
        return i, False, 0.0
    value = _ratio(np.int64(mantissa), powers[decimals])
    return i, True, -value if negative else value


@njit(cache=True, nogil=True)
def _ratio(mantissa: np.int64, power: float) -> float:
    """`mantissa / power` rounded once: the first quotient is corrected by its exact remainder (Dekker, 1971)."""
    high = float(mantissa)
    if mantissa < 9007199254740992:
        return high / power
    low = float(mantissa - np.int64(high))
    quotient = high / power
    t = _SPLITTER * quotient
    q_high = t - (t - quotient)
    q_low = quotient - q_high
    t = _SPLITTER * power
    p_high = t - (t - power)
    p_low = power - p_high
    product = quotient * power
    error = ((q_high * p_high - product) + q_high * p_low + q_low * p_high) + q_low * p_low
    return quotient + (((high - product) - error) + low) / power
