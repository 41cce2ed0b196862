"""PySOT's training pairs, drawn by this package's loader."""

from __future__ import annotations

from typing import Any

from torch.utils.data import Dataset

from pysot.compat.config import shared_config
from pysot.datasets.builder import build_training_data


class TrkDataset(Dataset[dict[str, Any]]):
    """The pairs that DATASET and TRAIN of `pysot.core.config.cfg` describe, for all epochs one after the other.

    A sample has `template` (3, 127, 127) and `search` (3, 255, 255) float32 BGR, `bbox` (4,) x1, y1, x2, y2 in search
    pixels, and `label_cls`, `label_loc` and `label_loc_weight`, as arrays. Sample k depends on TRAIN.SEED and k alone.
    Relative paths start from `$SOT_DATA_ROOT`, or the current folder. Raises `ConfigError`.
    """

    def __init__(self) -> None:
        cfg = shared_config()
        self.pairs = build_training_data(cfg)
        self.num = len(self.pairs) * cfg.TRAIN.EPOCH

    def __len__(self) -> int:
        return self.num

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not 0 <= index < self.num:
            raise IndexError(f"There are {self.num} pairs, numbered from 0; got {index}.")
        sample = self.pairs[index]
        kept = {key: sample[key] for key in ("template", "search", "label_cls", "label_loc", "label_loc_weight")}
        return {key: value.numpy() for key, value in {**kept, "bbox": sample["box_xyxy"]}.items()}
