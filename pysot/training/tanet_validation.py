"""How good maps are on held-out sequences: whether they hit, how much brighter the target is, what is proposed
(docs/systems/tanet.md, Metrics); and a picture of some after every epoch.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence as AbstractSequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from yacs.config import CfgNode

from pysot.core.atomic import write_whole
from pysot.core.attention_input import clip_indices
from pysot.core.crop import Image
from pysot.core.device import device_of
from pysot.core.errors import TrainingError
from pysot.models.attention import AttentionNet
from pysot.models.inference import prepare_for_inference
from pysot.tracker.global_search.attention import Attention
from pysot.tracker.global_search.map_metrics import MapScores
from pysot.training.recipes.base import Validation
from pysot.training.validation import annotated, shorten
from toolkit.datasets.sequence import Sequence
from toolkit.visualization.heatmaps import overlay_heatmap

LOOKS = 12
"""Frames of a sequence that are looked at, evenly spread."""
SHOWN = 4
"""Of which so many are drawn."""
TILE_HEIGHT = 160


class AttentionValidation(Validation):
    """Measures the maps of a network in training on some frames of every sequence, and draws them after every epoch.

    Args:
        model: in training; not touched.
        clip: `causal` or `centered`.
        sequences: with frames and ground truth.
        max_frames: of each sequence; None for all.
    """

    key = "hit"

    def __init__(
        self, model: AttentionNet, clip: str, sequences: AbstractSequence[Sequence], max_frames: int | None = None
    ) -> None:
        if not sequences:
            raise TrainingError("There is no sequence to validate on. Name a benchmark or a folder that has some.")
        self.model, self.clip = model, clip
        self.sequences = [annotated(shorten(sequence, max_frames)) for sequence in sequences]
        self.tiles: list[Image] = []

    def __call__(self) -> dict[str, float]:
        """Means over sequences of what `MapScores` counts, and `NAME/SEQUENCE` for hit and ratio; keeps pictures."""
        net = prepare_for_inference(copy.deepcopy(self.model), device_of(self.model))
        attention, rows, scores = Attention(net, self.clip), [], {}
        for sequence in self.sequences:
            scores[sequence.name], row = self._measure(attention, sequence)
            rows.append(row)
        width = max(row.shape[1] for row in rows)
        self.tiles = [cv2.copyMakeBorder(row, 0, 4, 0, width - row.shape[1], cv2.BORDER_CONSTANT) for row in rows]  # type: ignore[misc]
        names = next(iter(scores.values())).keys()
        values = {name: float(np.nanmean([score[name] for score in scores.values()])) for name in names}
        for name, score in scores.items():
            values |= {f"hit/{name}": score["hit"], f"ratio/{name}": score["ratio"]}
        return values

    def _measure(self, attention: Attention, sequence: Sequence) -> tuple[dict[str, float], Image]:
        frames, truth, count = sequence.require_frames(), sequence.ground_truth, len(sequence)
        attention.start(frames[0], tuple(truth[0]))
        counted, row = MapScores(), []
        places = np.unique(np.linspace(1, count - 1, LOOKS).astype(int)) if count > 1 else np.array([0])
        drawn = set(places[:: max(len(places) // SHOWN, 1)][:SHOWN].tolist())
        for place in places.tolist():
            if not np.isfinite(truth[place]).all():
                continue
            numbers = clip_indices(place, count, attention.clip_len, self.clip)
            found = attention.map_of([attention.shrink(frames[number]) for number in numbers])
            image = frames[place]
            counted.add(found, truth[place], (image.shape[0], image.shape[1]))
            if place in drawn:
                row.append(_tile(image, found, truth[place]))
        return counted.means(), np.concatenate(row or [np.zeros((TILE_HEIGHT, 1, 3), np.uint8)], axis=1)

    def after_epoch(self, epoch: int, folder: Path) -> None:
        """Writes the maps as `FOLDER/maps/epoch_007.jpg`, a row per sequence."""
        if not self.tiles:
            self()
        done, encoded = cv2.imencode(".jpg", np.concatenate(self.tiles))
        if not done:
            raise TrainingError("OpenCV cannot write JPEG pictures here. Reinstall opencv-python-headless.")
        write_whole(folder / "maps" / f"epoch_{epoch:03d}.jpg", encoded.tobytes())
        self.tiles = []

    @classmethod
    def from_config(cls, cfg: CfgNode, recipe: Any, sequences: AbstractSequence[Sequence]) -> AttentionValidation:
        return cls(recipe.model, cfg.ATTENTION.CLIP, sequences, cfg.TRAIN.VALIDATE.MAX_FRAMES or None)


def _tile(image: Image, attention: NDArray[np.floating], box_xywh: NDArray[np.float64]) -> Image:
    """The frame with its map and the true box, `TILE_HEIGHT` pixels high."""
    picture = overlay_heatmap(image, attention)
    x, y, w, h = (round(float(value)) for value in box_xywh)
    cv2.rectangle(picture, (x, y), (x + w, y + h), (255, 255, 255), 2)
    width = round(picture.shape[1] * TILE_HEIGHT / picture.shape[0])
    return np.asarray(cv2.resize(picture, (width, TILE_HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
