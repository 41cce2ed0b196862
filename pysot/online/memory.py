"""The samples a tracker learns from, and how much each counts (ATOM, CVPR 2019, section 3.3; docs/systems/atom.md,
Sample memory).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pysot.core.errors import ConfigError


class SampleMemory:
    """A fixed number of slots of weighted samples; the least important one makes room for a new one.

    A sample is one row of each named tensor ("features", "labels"). Slots not filled yet take no part in learning. The
    weights of the filled ones sum to 1. A new sample weighs 1 / (1 - rate) times the sample before it, before that.

    The published rule for the first frame's share lets the sum grow to 1.05 until the next frame; here it stays 1.

    Args:
        capacity: number of slots.
        learning_rate: share of the first new sample, and default rate of `insert`, in (0, 1).
        init_min_weight: share that the first frame's samples keep for ever; 0 lets them fade and be replaced.
        first: the first frame's samples: name to (n, ...), the same n. They weigh 1 / n each.

    Raises `ConfigError` when the first frame has more samples than there are slots.
    """

    def __init__(self, capacity: int, learning_rate: float, init_min_weight: float, first: dict[str, Tensor]) -> None:
        self.first_count = len(next(iter(first.values())))
        if self.first_count > capacity:
            raise ConfigError(
                f"The sample memory has {capacity} slots, but the first frame gives {self.first_count} samples. Raise "
                "TRACK.ONLINE.MEMORY_SIZE, or take fewer augmentations (TRACK.ONLINE.AUG)."
            )
        self.learning_rate, self.init_min_weight = learning_rate, init_min_weight
        self.count = self.first_count
        self._slots = {name: rows.new_empty(capacity, *rows.shape[1:]) for name, rows in first.items()}
        for name, rows in first.items():
            self._slots[name][: self.count] = rows
        self.weights: NDArray[np.float64] = np.zeros(capacity)
        self.weights[: self.count] = 1 / self.count
        self._latest: int | None = None

    @property
    def capacity(self) -> int:
        """Number of slots."""
        return len(self.weights)

    def __getitem__(self, name: str) -> Tensor:
        """(n, ...) the filled slots of the tensor `name`, a view."""
        return self._slots[name][: self.count]

    def weights_like(self, tensor: Tensor) -> Tensor:
        """(n,) weights of the filled slots, with the type and on the device of `tensor`."""
        return torch.from_numpy(self.weights[: self.count]).to(tensor)

    def insert(self, sample: dict[str, Tensor], learning_rate: float | None = None) -> int:
        """Stores one sample, name to (...), and returns its slot."""
        slot = self._weigh(self.learning_rate if learning_rate is None else learning_rate)
        for name, row in sample.items():
            self._slots[name][slot] = row
        return slot

    def _weigh(self, rate: float) -> int:
        """Chooses the slot of a new sample and renews all weights.

        The next empty slot; else that of the least important sample, sparing the first frame's where they keep a share.
        """
        weights = self.weights
        if self.count < self.capacity:
            slot, self.count = self.count, self.count + 1
        else:
            start = self.first_count if self.init_min_weight > 0 and self.first_count < self.capacity else 0
            slot = start + int(np.argmin(weights[start:]))
        if self._latest is None:
            weights /= 1 - rate
            weights[slot] = rate
        else:
            weights[slot] = weights[self._latest] / (1 - rate)
        self._latest = slot
        weights /= weights.sum()
        first = weights[: self.first_count]
        if first.sum() < self.init_min_weight:
            weights[self.first_count :] *= (1 - self.init_min_weight) / weights[self.first_count :].sum()
            first[:] = self.init_min_weight / self.first_count
        return slot
