"""Regions in VOT's text form, one per line of a ground-truth or result file."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toolkit.errors import RegionError
from toolkit.regions.shapes import Mask, Polygon, Rectangle, Region, Special

MAX_MASK_PIXELS = 1 << 26
"""Larger masks (8192 x 8192) are taken for a corrupt line: a few digits could otherwise ask for all the memory."""


def parse_region(text: str) -> Region:
    """Reads one region.

    Forms: one whole number is a code; 4 numbers are x, y, w, h; 2 K >= 6 numbers are a polygon's vertices;
    `m<x>,<y>,<w>,<h>,<runs>` is a mask, run-length coded row by row, beginning with the zeros (missing runs are zeros).
    Numbers are separated by commas or white space; `nan` is a number.

    Raises:
        RegionError: the text is none of these; the message shows it.
    """
    stripped = text.strip()
    if stripped.startswith("m"):
        return _parse_mask(stripped)
    parts = stripped.split(",") if "," in stripped else stripped.split()
    try:
        return from_numbers([float(part) for part in parts])
    except ValueError as error:
        raise RegionError(
            f"'{_shorten(text)}' is no region: expected a code, x,y,w,h, a polygon x1,y1,x2,y2,... or a mask m..."
        ) from error


def format_region(region: Region, template: str = "%.4f") -> str:
    """Writes one region as `parse_region` reads it; `template` is the form of one coordinate."""
    if isinstance(region, Mask):
        height, width = region.bits.shape
        return "m" + ",".join(map(str, [region.x, region.y, width, height, *encode_runs(region.bits)]))
    if isinstance(region, Special):
        return str(region.code)
    return ",".join(template % value for value in to_numbers(region))


def from_numbers(values: ArrayLike) -> Region:
    """1 whole number -> Special, 4 -> Rectangle, 2 K >= 6 -> Polygon. Raises `RegionError` on any other count."""
    numbers = np.asarray(values, np.float64).reshape(-1)
    if len(numbers) == 1 and float(numbers[0]).is_integer():
        return Special(int(numbers[0]))
    if len(numbers) == 4:
        return Rectangle(*numbers.tolist())
    if len(numbers) >= 6 and len(numbers) % 2 == 0:
        return Polygon(numbers.reshape(-1, 2))
    found = f"the number {numbers[0]}" if len(numbers) == 1 else f"{len(numbers)} numbers"
    raise RegionError(f"A region cannot be {found}: expected one whole number (a code), 4, or 2 K with K >= 3.")


def to_numbers(region: Region) -> NDArray[np.float64]:
    """The numbers of a code (1,), rectangle (4,) or polygon (2 K,). Raises `RegionError` for a mask."""
    if isinstance(region, Special):
        return np.array([region.code], np.float64)
    if isinstance(region, Rectangle):
        return np.array([region.x, region.y, region.width, region.height], np.float64)
    if isinstance(region, Polygon):
        return np.asarray(region.points, np.float64).reshape(-1)
    raise RegionError("A mask has no list of numbers: use `format_region`, or `bounding_box` for its box.")


def encode_runs(bits: NDArray[np.bool_]) -> list[int]:
    """Run lengths of a mask (h, w), row by row; the first run counts zeros and may be 0."""
    flat = bits.reshape(-1)
    if not flat.size:
        return []
    borders = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs: list[int] = np.diff(np.concatenate([[0], borders, [flat.size]])).tolist()
    return [0, *runs] if flat[0] else runs


def decode_runs(runs: ArrayLike, width: int, height: int) -> NDArray[np.bool_]:
    """The inverse of `encode_runs`: (height, width) bool; pixels after the last run are zeros.

    Raises `RegionError` when a run is negative, the runs exceed the mask or the mask exceeds `MAX_MASK_PIXELS`.
    """
    lengths = np.asarray(runs, np.int64).reshape(-1)
    if width < 0 or height < 0 or width * height > MAX_MASK_PIXELS:
        raise RegionError(f"A mask cannot be {width} x {height}: expected at most {MAX_MASK_PIXELS} pixels.")
    if (lengths < 0).any() or (lengths > width * height).any() or lengths.sum() > width * height:
        raise RegionError(f"The runs of the {width} x {height} mask are negative or exceed it: the line is damaged.")
    flat = np.zeros(width * height, np.bool_)
    painted = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    flat[: len(painted)] = painted
    return flat.reshape(height, width)


def _parse_mask(text: str) -> Mask:
    try:
        x, y, width, height, *runs = (int(part) for part in text[1:].split(","))
        return Mask(decode_runs(np.array(runs, np.int64), width, height), x, y)
    except RegionError:
        raise
    except (ValueError, OverflowError) as error:
        raise RegionError(
            f"'{_shorten(text)}' is no mask: expected whole numbers m<x>,<y>,<width>,<height>,<zeros>,<ones>,..."
        ) from error


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
