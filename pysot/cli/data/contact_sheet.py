"""A contact sheet of training data: what the network will see and what it is asked for, for a person to look at."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pysot.core.anchors import ResponseGrid, grid_centers
from pysot.core.crop import Image
from pysot.core.geometry import iou_xyxy, xywh_to_xyxy
from toolkit.regions import Rectangle
from toolkit.visualization import drawing
from toolkit.visualization.drawing import BLACK, WHITE, Color, Pen, draw_region

TARGET, OTHER, MASK = drawing.YELLOW, drawing.REDDISH_PURPLE, drawing.SKY_BLUE
POSITIVE, NEGATIVE = drawing.BLUISH_GREEN, drawing.VERMILION
GRAY, PAPER = (190, 190, 190), (40, 40, 40)

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


def draw_pair(sample: Mapping[str, Any], description: str, grid: ResponseGrid) -> Image:
    """One pair: the template, below it a caption, and beside it the search region with its targets.

    Args:
        sample: `template` (3, z, z) and `search` (3, x, x) in BGR, `box_xyxy` (4,) in search pixels, `negative` ();
            `label_cls` (S, S) or (k, S, S) with 1 target, 0 background, -1 ignored; `mask` (x, x) bool where there is
            one, and not when `has_mask` says that it is empty. Tensors or arrays.
        description: where the frames come from; long paths are cut at the front.
        grid: where the cells of the response map look.

    Returns:
        (2x, 2z + 2x + 8, 3) uint8.
    """
    template, search = (_enlarged(_pixels_of(np.asarray(sample[name]).clip(0, 255))) for name in ("template", "search"))
    labels = np.asarray(sample["label_cls"])
    if "mask" in sample and bool(sample.get("has_mask", True)):
        grown = _enlarged(np.asarray(sample["mask"], dtype=np.uint8))
        contours, _ = cv2.findContours(grown, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(search, contours, -1, MASK, 2, cv2.LINE_8)
    _draw_cells(search, labels, grid)
    x, y, right, bottom = (np.asarray(sample["box_xyxy"], dtype=np.float64) * _ZOOM).tolist()
    _draw_box(search, (x, y, right - x, bottom - y), OTHER if bool(sample["negative"]) else TARGET)
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
    """One set of frames: those to learn the target from, those to find it in, and some of the boxes to be rated there,
    in the color of what overlaps the target by half or more, or less.

    Args:
        sample: as `pysot.datasets.samples.frame_sets.FrameSetDataset` returns it.
        description: where the frames come from.
        shown: boxes drawn in each test frame.

    Returns:
        (S + caption, (n + m) * (S + 8), 3) uint8.
    """
    row = []
    for kind in ("train", "test"):
        for number, (image, box) in enumerate(zip(sample[f"{kind}_images"], sample[f"{kind}_boxes"], strict=True)):
            canvas = _pixels_of(image)
            rated = np.asarray(sample["proposals"][number][:shown]) if kind == "test" else np.empty((0, 4))
            for proposal, overlap in zip(rated, iou_xyxy(xywh_to_xyxy(rated), xywh_to_xyxy(box)), strict=True):
                _draw_box(canvas, proposal, POSITIVE if overlap >= 0.5 else NEGATIVE, width=1)
            _draw_box(canvas, box, TARGET)
            row.append(canvas)
    counts = f"{len(sample['train_images'])} to learn from, {len(sample['test_images'])} to find the target in"
    return _captioned(row, counts, description)


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
    row = [np.asarray(cv2.resize(_pixels_of(sample["target"]), (side, side)), dtype=np.uint8)]
    for image, box_xywh in zip(frames, boxes, strict=True):
        canvas = _pixels_of(image)
        if np.isfinite(box_xywh).all():
            _draw_box(canvas, box_xywh, TARGET)
        row.append(canvas)
    absent = "" if np.isfinite(boxes).all() else ", which do not show it"
    return _captioned(row, f"the target, and {len(frames)} frames{absent}", description)


def _pixels_of(image: Any) -> Image:
    """(3, H, W) tensor or array of 0..255 -> (H, W, 3) uint8."""
    return np.ascontiguousarray(np.asarray(image).transpose(1, 2, 0).astype(np.uint8))


def _enlarged(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(pixels.repeat(_ZOOM, axis=0).repeat(_ZOOM, axis=1))


def _draw_box(canvas: Image, box_xywh: Any, color: Color, width: int = 2) -> None:
    draw_region(canvas, Rectangle(*map(float, box_xywh)), color, Pen(width, _LINE_HEIGHT))


def _draw_cells(canvas: Image, labels: NDArray[np.integer], grid: ResponseGrid) -> None:
    """A dot per cell; a cell with several anchors shows the strongest answer among them: target, then background."""
    strongest = labels.max(axis=0) if labels.ndim == 3 else labels
    middle = canvas.shape[0] // _ZOOM // 2
    places = ((grid_centers(grid) + middle + 0.5) * _ZOOM).round().astype(int).tolist()
    for row, y in enumerate(places):
        for column, x in enumerate(places):
            label = int(strongest[row, column])
            _draw_dot(canvas, (x, y), GRAY if label < 0 else POSITIVE if label > 0 else NEGATIVE)


def _draw_dot(canvas: Image, center: tuple[int, int], color: Color) -> None:
    """A dot with a black rim; a gray speck for what has no influence."""
    if color == GRAY:
        cv2.circle(canvas, center, 1, GRAY, cv2.FILLED)
        return
    cv2.circle(canvas, center, 4, BLACK, cv2.FILLED, cv2.LINE_AA)
    cv2.circle(canvas, center, 3, color, cv2.FILLED, cv2.LINE_AA)


def _captioned(row: Sequence[Image], first_line: str, description: str) -> Image:
    """Frames beside each other, and below a line in white and what fits of `description`."""
    frames = np.hstack([np.pad(image, ((0, 0), (0, _GAP), (0, 0)), constant_values=PAPER[0]) for image in row])
    lines = [first_line, *_fold(description, frames.shape[1] // _LETTER)][:_SET_LINES]
    caption = np.full((_SET_LINES * _LINE_HEIGHT, frames.shape[1], 3), PAPER, dtype=np.uint8)
    for number, line in enumerate(lines):
        _write(caption, line, 0, number * _LINE_HEIGHT, GRAY if number else WHITE)
    return np.vstack([frames, caption])


def contact_sheet(
    tiles: Sequence[Image], columns: int = 3, title: str = "", legend: Sequence[tuple[str, Color, str]] = LEGEND
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
    grid = np.full((rows * (height + _TILE_GAP), sheet_width, 3), PAPER, dtype=np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * (height + _TILE_GAP), _GAP + number % columns * (width + _TILE_GAP)
        grid[top : top + height, left : left + width] = tile
    return np.vstack([_header(sheet_width, title, legend), grid])


def _header(width: int, title: str, legend: Sequence[tuple[str, Color, str]]) -> Image:
    """The title, then the legend in as many rows as it needs."""
    titles = textwrap.wrap(title, width // _LETTER)
    line, left, places = len(titles), _GAP, []
    for entry in legend:
        (text_width, _), _ = cv2.getTextSize(entry[2], _FONT, _FONT_SCALE, 1)
        needed = _LINE_HEIGHT + text_width + 3 * _GAP
        if left > _GAP and left - _GAP + needed > width:
            line, left = line + 1, _GAP
        places.append((left, _GAP // 2 + line * _LINE_HEIGHT))
        left += needed
    head = np.full(((line + 1) * _LINE_HEIGHT + 2 * _GAP, width, 3), PAPER, dtype=np.uint8)
    for number, text in enumerate(titles):
        _write(head, text, _GAP, _GAP // 2 + number * _LINE_HEIGHT, WHITE)
    for (kind, color, text), (x, y) in zip(legend, places, strict=True):
        if kind == "box":
            cv2.rectangle(head, (x + 2, y + 4), (x + 14, y + 16), color, 2)
        else:
            _draw_dot(head, (x + 8, y + 10), color)
        _write(head, text, x + _LINE_HEIGHT, y, GRAY)
    return head


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
