"""How good attention maps are where the truth is known (docs/systems/tanet.md, Metrics)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pysot.tracker.global_search.proposals import MapReading, read_map


@dataclass
class MapScores:
    """Sums over frames.

    `hit`: the attention-weighted middle lies in the box; `inside`, `outside`: mean attention there; `bce`:
    cross-entropy against the filled box; `recall`: a proposed place lies in the box.
    """

    values: dict[str, list[float]] = field(
        default_factory=lambda: {name: [] for name in ("hit", "inside", "outside", "bce", "recall")}
    )

    def add(self, attention: NDArray[np.floating], box_xywh: NDArray[np.float64], image_hw: tuple[int, int]) -> None:
        """Counts the map (h, w) of a frame whose target is `box_xywh`, image pixels."""
        height, width = attention.shape
        zoom = np.array([width / image_hw[1], height / image_hw[0]])
        x, y, w, h = box_xywh * np.tile(zoom, 2)
        columns, rows = np.arange(width) + 0.5, np.arange(height) + 0.5
        inside = ((rows >= y) & (rows <= y + h))[:, None] & ((columns >= x) & (columns <= x + w))[None]
        if not inside.any() or inside.all():
            return
        chance = np.clip(attention.astype(np.float64), 1e-6, 1 - 1e-6)
        total = attention.sum(dtype=np.float64) + 1e-12
        middle = (attention.sum(axis=0) @ columns / total, attention.sum(axis=1) @ rows / total)
        spots = read_map(attention, image_hw, (float(box_xywh[2]), float(box_xywh[3])), MapReading())
        places = [zoom * spot.center_xy for spot in spots]
        numbers = {
            "hit": float(x <= middle[0] <= x + w and y <= middle[1] <= y + h),
            "inside": float(attention[inside].mean()),
            "outside": float(attention[~inside].mean()),
            "bce": float(-np.log(np.where(inside, chance, 1 - chance)).mean()),
            "recall": float(any(x <= px <= x + w and y <= py <= y + h for px, py in places)),
        }
        for name, value in numbers.items():
            self.values[name].append(value)

    def means(self) -> dict[str, float]:
        """Means over frames, and `ratio`: of the mean inside to the mean outside."""
        means = {name: float(np.mean(values)) if values else float("nan") for name, values in self.values.items()}
        return means | {"ratio": means["inside"] / max(means["outside"], 1e-6)}
