"""Training data by position: which video comes next in a run, and what happens to one that cannot be read."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset
from yacs.config import CfgNode

from pysot.config.parts import PartRegistry
from pysot.core.errors import ConfigError, ImageError
from pysot.datasets.sources.base import Source

logger = logging.getLogger(__name__)

ATTEMPTS = 20
"""Unreadable draws in a row after which the data set is taken to be broken."""

Drawn = TypeVar("Drawn")
"""The annotated frames that a sample is made of."""


class DrawOrder:
    """The endless list of (source, video) that training walks through.

    One pass takes `num_use` videos of every source (shuffled lists of all its videos, repeated until there are
    enough) and shuffles them together; pass after pass. Entry k depends on `seed` and k alone.
    """

    def __init__(self, sources: Sequence[Source], seed: int) -> None:
        self.sources, self.seed = list(sources), seed
        self.pass_length = sum(source.num_use for source in self.sources)
        if self.pass_length < 1:
            raise ConfigError(
                f"The training sources {[source.name for source in self.sources]} hold nothing to draw. Check "
                "DATASET.NAMES and the NUM_USE of each."
            )
        self._pass: tuple[int, NDArray[np.int64]] | None = None

    def __getitem__(self, position: int) -> tuple[int, int]:
        """Source number and video number at `position` of the list."""
        number, offset = divmod(position, self.pass_length)
        if self._pass is None or self._pass[0] != number:
            self._pass = (number, self._shuffled(number))
        source, video = self._pass[1][offset]
        return int(source), int(video)

    def _shuffled(self, number: int) -> NDArray[np.int64]:
        rng = np.random.default_rng((self.seed, number))
        picks = []
        for index, source in enumerate(self.sources):
            repeats = -(-source.num_use // len(source))
            videos = np.concatenate([rng.permutation(len(source)) for _ in range(repeats)])[: source.num_use]
            picks.append(np.stack([np.full_like(videos, index), videos], axis=1))
        return rng.permutation(np.concatenate(picks))


class PositionDataset(Dataset[dict[str, Any]], Generic[Drawn]):
    """Samples by their position in the whole run: sample k is the same in any worker, process or resumed run.

    A subclass says which frames make a sample (`draw`) and what a network sees of them (`make`); one that is registered
    in `TRAINING_DATA` also how it is built from a config. Every sample also has
    `index` and `skipped`, () int64: its position, and how many unreadable draws were passed over.

    Args:
        sources: where objects come from.
        seed: of the order and of everything that is drawn.
        samples_per_epoch: length of an epoch; 0 or less for one pass over the sources.
    """

    config_keys: ClassVar[tuple[str, ...]] = ()
    """What `from_config` reads beside what all data sets do."""

    def __init__(self, sources: Sequence[Source], seed: int, samples_per_epoch: int = 0) -> None:
        self.order, self.seed = DrawOrder(sources, seed), seed
        self.samples_per_epoch = samples_per_epoch if samples_per_epoch > 0 else self.order.pass_length

    @abstractmethod
    def draw(self, source: Source, video: int, rng: np.random.Generator) -> Drawn:
        """The frames of a sample around `video` of `source`. Raises `ImageError` when one cannot be read."""

    @abstractmethod
    def make(self, drawn: Drawn, rng: np.random.Generator) -> dict[str, Any]:
        """The sample, as tensors."""

    @abstractmethod
    def origin(self, drawn: Drawn) -> str:
        """Where the frames come from, for messages."""

    @classmethod
    @abstractmethod
    def from_config(cls, cfg: CfgNode, sources: Sequence[Source]) -> PositionDataset[Drawn]:
        """The data set that `cfg` describes, over `sources`."""

    def __len__(self) -> int:
        return self.samples_per_epoch

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Sample `index`, counted from the start of the run (not of the epoch)."""
        for attempt in range(ATTEMPTS):
            source, video = self._place(index, attempt)
            rng = np.random.default_rng((self.seed, index, attempt))
            try:
                drawn = self.draw(source, video, rng)
            except ImageError as error:
                logger.warning("training sample %d passed over: %s", index, error)
                continue
            sample = self.make(drawn, rng)
            sample["index"], sample["skipped"] = torch.tensor(index), torch.tensor(attempt)
            return sample
        raise ConfigError(
            f"{ATTEMPTS} draws in a row could not be read at training sample {index} (the warnings above name the "
            "files). Repair or remove them; `pysot data check` finds damaged files."
        )

    def describe(self, index: int) -> str:
        """Where the frames of sample `index` come from, for messages."""
        for attempt in range(ATTEMPTS):
            source, video = self._place(index, attempt)
            try:
                drawn = self.draw(source, video, np.random.default_rng((self.seed, index, attempt)))
            except ImageError:
                continue
            return f"sample {index} of {source.name}: {self.origin(drawn)}"
        return f"sample {index}: unreadable"

    def _place(self, index: int, attempt: int) -> tuple[Source, int]:
        """Source and video of a draw; a repeated attempt looks elsewhere in the list."""
        source, video = self.order[index + attempt * 7919]
        return self.order.sources[source], video


TRAINING_DATA: PartRegistry[type[PositionDataset[Any]]] = PartRegistry("training data", key="HEAD.TYPE", optional=True)
"""What the heads learn from: data sets by the HEAD.TYPE of the config, built with `from_config`."""
