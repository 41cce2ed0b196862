"""The picture of `tools/inspect_channels.py`: a row per feature map, with what was asked of it, what the kept and the
dropped channels show, and how the importance is spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.frames import Image
from toolkit.regions import Rectangle
from toolkit.visualization.drawing import PALETTE, WHITE, Pen, draw_caption, draw_region

TILE = 300
"""Side of one picture of the sheet, pixels."""
_GAP = 6
_PEN = Pen(line=2, text=12)
_PAPER = (250, 250, 250)
_INK = (40, 40, 40)
_KEPT, _DROPPED = PALETTE[0], PALETTE[6]
_BINS = 24
_HEADER = 60
_LEGEND = (
    "White: the target. Mean maps go from dark (smallest) to bright (largest); the figure is their mean on the target "
    "less that around it, in standard deviations."
)


@dataclass(frozen=True, eq=False)
class LevelView:
    """One feature map of C channels and what was chosen of it.

    Attributes:
        number: of the map, from 0.
        features: (C, H, W) float32.
        label: (H, W) what the map was regressed to.
        importance: (C,) float32.
        kept: (C,) bool.
        target_wh: sides of the target in the middle, as shares of the crop's.
    """

    number: int
    features: NDArray[np.float32]
    label: NDArray[np.floating]
    importance: NDArray[np.float32]
    kept: NDArray[np.bool_]
    target_wh: tuple[float, float]

    def means(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(C,) means of each channel over the cells on the target, and over all others."""
        sides = []
        for cells, share in zip(self.label.shape, self.target_wh[::-1], strict=True):
            offset = np.abs(np.arange(cells) - (cells - 1) / 2)
            sides.append(offset <= max(share * cells / 2, offset.min()))  # at least the middle cell
        on = np.outer(*sides)
        flat, mask = self.features.reshape(len(self.features), -1), on.ravel()
        inside = flat[:, mask].mean(1)
        return inside, flat[:, ~mask].mean(1) if not mask.all() else inside

    def contrast(self, channels: NDArray[np.bool_]) -> float:
        """How much more these `channels` answer on the target than around it, in standard deviations of their mean map
        (0 without channels or structure).
        """
        if not channels.any():
            return 0.0
        inside, outside = self.means()
        spread = float(self.features[channels].mean(0).std())
        return float((inside - outside)[channels].mean()) / spread if spread > 0 else 0.0

    def summary(self) -> str:
        """One line: how many are kept, and how the kept and the dropped ones tell the target from its surroundings."""
        kept, dropped = self.contrast(self.kept), self.contrast(~self.kept)
        return (
            f"level {self.number}: {self.kept.sum()} of {len(self.kept)} kept; on target less around it, deviations: "
            f"kept {kept:+.2f}, dropped {dropped:+.2f}"
        )


def channel_sheet(crop: Image, target_wh: tuple[float, float], levels: Sequence[LevelView], title: str) -> Image:
    """The whole picture.

    Args:
        crop: (S, S, 3) the search crop, target in the middle.
        target_wh: size of the target in it, pixels.
        levels: what to show, a row each.
        title: written above.
    """
    rows = [_row(crop, target_wh, level) for level in levels]
    header = np.full((_HEADER, rows[0].shape[1], 3), _PAPER, np.uint8)
    cv2.putText(header, title, (_GAP, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, _INK, 1, cv2.LINE_AA)
    _text(header, _LEGEND, _GAP, 48)
    return np.vstack([header, *rows])


def _row(crop: Image, target_wh: tuple[float, float], level: LevelView) -> Image:
    kept, total = int(level.kept.sum()), len(level.kept)
    scale = TILE / crop.shape[0]
    size = (target_wh[0] * scale, target_wh[1] * scale)
    box = Rectangle((TILE - size[0]) / 2, (TILE - size[1]) / 2, *size)
    photo = cv2.resize(crop, (TILE, TILE), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    pictures: list[tuple[Image, str]] = [
        (np.ascontiguousarray(photo, dtype=np.uint8), "search crop"),
        (_heat(level.label, 0.0, 1.0), f"level {level.number}: label"),
        (_mean_map(level, level.kept), f"mean of {kept} kept  {level.contrast(level.kept):+.2f}"),
        (_mean_map(level, ~level.kept), f"mean of {total - kept} dropped  {level.contrast(~level.kept):+.2f}"),
    ]
    tiles = []
    for picture, caption in pictures:
        draw_region(picture, box, WHITE, _PEN)
        draw_caption(picture, caption, _PEN)
        tiles.append(picture)
    tiles.append(_histogram(level))
    bordered = [cv2.copyMakeBorder(t, 0, _GAP, 0, _GAP, cv2.BORDER_CONSTANT, value=_PAPER) for t in tiles]
    return np.hstack([np.asarray(tile, dtype=np.uint8) for tile in bordered])


def _mean_map(level: LevelView, channels: NDArray[np.bool_]) -> Image:
    """The mean of these channels, dark where smallest, bright where largest; gray without channels."""
    if not channels.any():
        return np.full((TILE, TILE, 3), 128, np.uint8)
    mean = level.features[channels].mean(0)
    return _heat(mean, float(mean.min()), float(mean.max()))


def _heat(values: NDArray[np.floating], low: float, high: float) -> Image:
    """(TILE, TILE, 3) in false colors, every cell a flat square."""
    share = (values - low) / (high - low) if high > low else np.full_like(values, 0.5)
    gray = np.round(255 * np.clip(share, 0, 1)).astype(np.uint8)
    large = cv2.resize(gray, (TILE, TILE), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.applyColorMap(large, cv2.COLORMAP_VIRIDIS), dtype=np.uint8)


def _histogram(level: LevelView) -> Image:
    """How many channels have which importance: kept ones below, dropped ones on top of them, 0 marked."""
    canvas = np.full((TILE, TILE, 3), 255, np.uint8)
    edges = np.histogram_bin_edges(level.importance, _BINS)
    counts = [np.histogram(level.importance[mask], edges)[0] for mask in (level.kept, ~level.kept)]
    top, bottom = 58, TILE - 28
    unit = (bottom - top) / max(1, int((counts[0] + counts[1]).max()))
    width = (TILE - 2 * _GAP) / _BINS
    for index in range(_BINS):
        left, right = round(_GAP + index * width), round(_GAP + (index + 1) * width) - 1
        middle = bottom - round(unit * counts[0][index])
        for high, low, color in (
            (middle, bottom, _KEPT),
            (bottom - round(unit * (counts[0][index] + counts[1][index])), middle, _DROPPED),
        ):
            if high < low:
                cv2.rectangle(canvas, (left, high), (right, low - 1), color, cv2.FILLED)
    cv2.line(canvas, (_GAP, bottom), (TILE - _GAP, bottom), _INK, 1)
    if edges[0] < 0 < edges[-1]:
        zero = round(_GAP + (0 - edges[0]) / (edges[-1] - edges[0]) * (TILE - 2 * _GAP))
        cv2.line(canvas, (zero, top), (zero, bottom + 5), _INK, 1)
        _text(canvas, "0", zero + 3, bottom + 18)
    _text(canvas, f"{edges[0]:.2g}", _GAP, bottom + 18)
    _text(canvas, f"{edges[-1]:.2g}", TILE - 70, bottom + 18)
    draw_caption(canvas, "channels by importance", _PEN)
    for column, (color, name) in enumerate(((_KEPT, "kept"), (_DROPPED, "dropped"))):
        left = _GAP + 110 * column
        cv2.rectangle(canvas, (left, 34), (left + 12, 46), color, cv2.FILLED)
        _text(canvas, name, left + 18, 46)
    return canvas


def _text(canvas: Image, text: str, left: int, base: int) -> None:
    cv2.putText(canvas, text, (left, base), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
