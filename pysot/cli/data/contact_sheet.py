"""A contact sheet of training data: what the network will see and what it is asked for, for a person to look at.

Colors are those of Okabe and Ito (2008), told apart also with color-blind eyes; boxes and dots have a black rim, so
that they do not depend on what is behind them.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from pysot.core.anchors import grid_centers
from pysot.core.crop import Image
from pysot.core.geometry import iou_xyxy, xywh_to_xyxy

Color: TypeAlias = tuple[int, int, int]

WHITE, BLACK, GRAY, PAPER = (255, 255, 255), (0, 0, 0), (190, 190, 190), (40, 40, 40)
TARGET: Color = (66, 228, 240)  # yellow
OTHER: Color = (167, 121, 204)  # reddish purple
MASK: Color = (233, 180, 86)  # sky blue
POSITIVE: Color = (115, 158, 0)  # bluish green
NEGATIVE: Color = (0, 94, 213)  # vermilion

LEGEND: tuple[tuple[str, Color, str], ...] = (
    ("box", TARGET, "target"),
    ("box", OTHER, "another object (negative pair)"),
    ("box", MASK, "mask"),
    ("dot", POSITIVE, "cell trained as target, with any of its anchors"),
    ("dot", NEGATIVE, "as background"),
    ("speck", GRAY, "without influence"),
)
SET_LEGEND: tuple[tuple[str, Color, str], ...] = (
    ("box", TARGET, "target"),
    ("box", POSITIVE, "box to rate, close to the target"),
    ("box", NEGATIVE, "far from it"),
)

_ZOOM = 2
_GAP = 8
_SET_LINES = 6  # of a caption below a set of frames
_TILE_GAP = 3 * _GAP  # wider than within a pair, so that one sees what belongs together
_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.5
_LINE_HEIGHT, _LETTER = 20, 9  # pixels; the width is that of an average letter


def draw_pair(sample: Mapping[str, Any], description: str, stride: int) -> Image:
    """One pair: the template, below it a caption, and beside it the search region with its targets.

    Args:
        sample: `template` (3, z, z) and `search` (3, x, x) in BGR, `box_xyxy` (4,) in search pixels, `negative` ();
            `label_cls` (S, S) or (k, S, S) with 1 target, 0 background, -1 ignored; `mask` (x, x) bool where there is
            one, and not when `has_mask` says that it is empty. Tensors or arrays.
        description: where the frames come from; long paths are cut at the front.
        stride: distance of two cells of the response map in search pixels.

    Returns:
        (2x, 2z + 2x + 8, 3) uint8.
    """
    template, search = _enlarged(sample["template"]), _enlarged(sample["search"])
    negative, labels = bool(sample["negative"]), np.asarray(sample["label_cls"])
    if "mask" in sample and bool(sample.get("has_mask", True)):
        _outline_mask(search, np.asarray(sample["mask"], dtype=bool))
    _draw_cells(search, labels, stride)
    _draw_box(search, np.asarray(sample["box_xyxy"], dtype=np.float64), OTHER if negative else TARGET)
    room = template.shape[1]
    tile = np.full((search.shape[0], room + _GAP + search.shape[1], 3), PAPER, dtype=np.uint8)
    tile[: template.shape[0], :room] = template
    tile[:, room + _GAP :] = search
    places = "anchors" if labels.ndim == 3 else "cells"
    counts = f"{int((labels == 1).sum())} target + {int((labels == 0).sum())} background of {labels.size} {places}"
    loud = _fold(counts, room // _LETTER)
    for number, line in enumerate([*loud, *_fold(description, room // _LETTER)]):
        ink = WHITE if number < len(loud) else GRAY
        _write(tile[:, :room], line, 0, template.shape[0] + number * _LINE_HEIGHT, ink)
    return tile


def draw_frame_set(sample: Mapping[str, Any], description: str, shown: int = 6) -> Image:
    """One set of frames: those to learn the target from, those to find it in, and some of the boxes to be rated there.

    Args:
        sample: as `pysot.datasets.samples.frame_sets.FrameSetDataset` returns it.
        description: where the frames come from.
        shown: boxes drawn in each test frame.

    Returns:
        (S + caption, (n + m) * (S + 8), 3) uint8.
    """
    rows = []
    for kind in ("train", "test"):
        for number, (image, box) in enumerate(zip(sample[f"{kind}_images"], sample[f"{kind}_boxes"], strict=True)):
            canvas = np.ascontiguousarray(np.asarray(image).transpose(1, 2, 0))
            if kind == "test":
                _draw_rated(canvas, np.asarray(sample["proposals"][number][:shown]), np.asarray(box))
            _draw_box(canvas, np.asarray(xywh_to_xyxy(box), dtype=np.float64), TARGET, zoom=1)
            rows.append(np.pad(canvas, ((0, 0), (0, _GAP), (0, 0)), constant_values=PAPER[0]))
    counts = f"{len(sample['train_images'])} to learn from, {len(sample['test_images'])} to find the target in"
    return _captioned(np.hstack(rows), counts, description)


def draw_clip(sample: Mapping[str, Any], description: str) -> Image:
    """One clip: the picture of the target, and frames with the target's place; no box where there is nothing to find.

    Args:
        sample: as `pysot.datasets.samples.clips.ClipDataset` returns it.
        description: where the frames come from.

    Returns:
        (S + caption, (1 + L) * (S + 8), 3) uint8.
    """
    frames, boxes = np.asarray(sample["frames"]), np.asarray(sample["boxes"], dtype=np.float64)
    side = frames.shape[-1]
    target = np.ascontiguousarray(np.asarray(sample["target"]).transpose(1, 2, 0))
    row = [np.asarray(cv2.resize(target, (side, side)), dtype=np.uint8)]
    for image, box_xywh in zip(frames, boxes, strict=True):
        canvas = np.ascontiguousarray(image.transpose(1, 2, 0))
        if np.isfinite(box_xywh).all():
            _draw_box(canvas, np.asarray(xywh_to_xyxy(box_xywh), dtype=np.float64), TARGET, zoom=1)
        row.append(canvas)
    spaced = [np.pad(canvas, ((0, 0), (0, _GAP), (0, 0)), constant_values=PAPER[0]) for canvas in row]
    absent = "" if np.isfinite(boxes).all() else ", which do not show it"
    return _captioned(np.hstack(spaced), f"the target, and {len(frames)} frames{absent}", description)


def _captioned(frames: Image, first_line: str, description: str) -> Image:
    """`frames` with a line in white and what fits of `description` below."""
    lines = [first_line, *_fold(description, frames.shape[1] // _LETTER)][:_SET_LINES]
    caption = np.full((_SET_LINES * _LINE_HEIGHT, frames.shape[1], 3), PAPER, dtype=np.uint8)
    for number, line in enumerate(lines):
        _write(caption, line, 0, number * _LINE_HEIGHT, GRAY if number else WHITE)
    return np.vstack([frames, caption])


def _draw_rated(canvas: Image, boxes_xywh: NDArray[np.floating], target_xywh: NDArray[np.floating]) -> None:
    """Boxes in the color of what overlaps the target by half or more, or less."""
    boxes_xyxy = np.asarray(xywh_to_xyxy(boxes_xywh), dtype=np.float64)
    for box_xyxy, overlap in zip(boxes_xyxy, iou_xyxy(boxes_xyxy, xywh_to_xyxy(target_xywh)), strict=True):
        _draw_box(canvas, box_xyxy, POSITIVE if overlap >= 0.5 else NEGATIVE, zoom=1, width=1)


def contact_sheet(
    tiles: Sequence[Image],
    columns: int = 3,
    title: str = "",
    legend: Sequence[tuple[str, Color, str]] = LEGEND,
) -> Image:
    """Puts equally large tiles into a grid, row by row, below a title and a legend.

    Raises:
        ValueError: there is no tile.
    """
    if not tiles:
        raise ValueError("A contact sheet needs at least one tile.")
    columns = min(columns, len(tiles))
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // columns)
    sheet_width = columns * (width + _TILE_GAP)
    head = _header(sheet_width, title, legend)
    grid = np.full((rows * (height + _TILE_GAP), sheet_width, 3), PAPER, dtype=np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * (height + _TILE_GAP), _GAP + number % columns * (width + _TILE_GAP)
        grid[top : top + height, left : left + width] = tile
    return np.vstack([head, grid])


def _enlarged(image: Any) -> Image:
    """(3, S, S) float in 0..255 and beyond -> (zoom * S, zoom * S, 3) uint8."""
    pixels = np.asarray(image).transpose(1, 2, 0).clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(pixels.repeat(_ZOOM, axis=0).repeat(_ZOOM, axis=1))


def _outline_mask(canvas: Image, mask: NDArray[np.bool_]) -> None:
    grown = mask.astype(np.uint8).repeat(_ZOOM, axis=0).repeat(_ZOOM, axis=1)
    contours, _ = cv2.findContours(grown, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(canvas, contours, -1, MASK, 2, cv2.LINE_8)


def _draw_cells(canvas: Image, labels: NDArray[np.integer], stride: int) -> None:
    """A dot per cell; a cell with several anchors shows the strongest answer among them: target, then background."""
    strongest = labels.max(axis=0) if labels.ndim == 3 else labels
    middle = canvas.shape[0] // _ZOOM // 2
    places = ((grid_centers(stride, strongest.shape[-1]) + middle + 0.5) * _ZOOM).round().astype(int).tolist()
    for row, y in enumerate(places):
        for column, x in enumerate(places):
            _mark(canvas, (x, y), int(strongest[row, column]))


def _mark(canvas: Image, center: tuple[int, int], label: int) -> None:
    if label < 0:
        cv2.circle(canvas, center, 1, GRAY, cv2.FILLED)
        return
    cv2.circle(canvas, center, 4, BLACK, cv2.FILLED, cv2.LINE_AA)
    cv2.circle(canvas, center, 3, POSITIVE if label > 0 else NEGATIVE, cv2.FILLED, cv2.LINE_AA)


def _draw_box(canvas: Image, box_xyxy: NDArray[np.float64], color: Color, *, zoom: int = _ZOOM, width: int = 2) -> None:
    """The outermost pixels of the box; its right and bottom edge are exclusive."""
    limit = 30_000  # OpenCV draws with 16-bit coordinates
    left, top, right, bottom = np.clip(box_xyxy * zoom, -limit, limit).round().astype(int).tolist()
    for line, ink in ((width + 2, BLACK), (width, color)):
        cv2.rectangle(canvas, (left, top), (right - 1, bottom - 1), ink, line)


def _header(width: int, title: str, legend: Sequence[tuple[str, Color, str]]) -> Image:
    """The title, then the legend in as many rows as it needs."""
    rows: list[list[tuple[str, Color, str]]] = [[]]
    used = 0
    for entry in legend:
        needed = _entry_width(entry[2])
        if used + needed > width and rows[-1]:
            rows.append([])
            used = 0
        rows[-1].append(entry)
        used += needed
    titles = textwrap.wrap(title, width // _LETTER)
    head = np.full(((len(titles) + len(rows)) * _LINE_HEIGHT + 2 * _GAP, width, 3), PAPER, dtype=np.uint8)
    for number, line in enumerate(titles):
        _write(head, line, _GAP, _GAP // 2 + number * _LINE_HEIGHT, WHITE)
    for number, row in enumerate(rows, start=len(titles)):
        left = _GAP
        for kind, color, text in row:
            _draw_key(head, kind, color, left, _GAP // 2 + number * _LINE_HEIGHT)
            _write(head, text, left + _LINE_HEIGHT, _GAP // 2 + number * _LINE_HEIGHT, GRAY)
            left += _entry_width(text)
    return head


def _draw_key(canvas: Image, kind: str, color: Color, left: int, top: int) -> None:
    if kind == "box":
        cv2.rectangle(canvas, (left + 2, top + 4), (left + 14, top + 16), color, 2)
    else:
        _mark(canvas, (left + 8, top + 10), {POSITIVE: 1, NEGATIVE: 0}.get(color, -1))


def _entry_width(text: str) -> int:
    (width, _), _ = cv2.getTextSize(text, _FONT, _FONT_SCALE, 1)
    return _LINE_HEIGHT + width + 3 * _GAP


def _write(canvas: Image, text: str, left: int, top: int, color: Color) -> None:
    cv2.putText(canvas, text, (left, top + 15), _FONT, _FONT_SCALE, color, 1, cv2.LINE_AA)


def _fold(text: str, letters: int) -> list[str]:
    """Lines of about `letters` letters: a new one after punctuation, else broken after blanks and slashes.

    Of a path its last three parts are left.
    """
    short = re.sub(r"[^\s,;:]*/([^/\s]+/[^/\s]+/[^/\s,;:]+)", r".../\1", text)
    lines: list[str] = []
    for sentence in re.split(r"(?<=[:,;]) ", short):
        lines.append("")
        for word in re.findall(r"(?:[.]{3}/)?[^\s/]*[\s/]+|(?:[.]{3}/)?[^\s/]+", sentence):
            if lines[-1] and len(lines[-1] + word.rstrip()) > letters:
                lines.append("")
            lines[-1] += word
    return lines
