"""Template-search pairs: which objects, in which order, and what a network is to answer (specs/siamrpnpp.md 8.2)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from pysot.core.errors import ConfigError, ImageError
from pysot.datasets.augmentation import Patch, ViewParams, make_view
from pysot.datasets.source import Annotated, Source

logger = logging.getLogger(__name__)

ATTEMPTS = 20
"""Unreadable draws in a row after which the data set is taken to be broken."""


class Labels(Protocol):
    """Makes the arrays that a loss needs from the target's place in the search view."""

    def __call__(
        self, box_xyxy: NDArray[np.float64], negative: bool, rng: np.random.Generator
    ) -> dict[str, NDArray[Any]]: ...


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


class PairDataset(Dataset[dict[str, Any]]):
    """Pairs by their position in the whole run: sample k is the same in any worker, process or resumed run.

    Each sample is a dict::

        template    (3, z, z) float32 BGR, about 0..255 (colour augmentation is not clipped)
        search      (3, x, x) float32
        box_xyxy    (4,) float32, the target in search pixels
        negative    () bool, the search view shows another object
        mask        (x, x) bool, and has_mask () bool, when `with_mask`
        index, skipped  () int64: the position, and how many unreadable draws were passed over
        ...         what `labels` returns

    Args:
        sources: where objects come from.
        labels: makes the training targets.
        template, search: augmentation of the two views.
        pairs_per_epoch: length of an epoch; 0 or less for one pass over the sources.
        negative: probability that the search view shows another object.
        gray: probability that both views lose their colour.
        mirror: probability that both views are mirrored, beside what each view's own `flip` does.
        with_mask: also return the object's mask.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        labels: Labels,
        template: ViewParams,
        search: ViewParams,
        *,
        seed: int,
        pairs_per_epoch: int = 0,
        negative: float = 0.2,
        gray: float = 0.0,
        mirror: float = 0.0,
        exemplar_size: int = 127,
        search_size: int = 255,
        with_mask: bool = False,
    ) -> None:
        self.order = DrawOrder(sources, seed)
        self.labels, self.template, self.search = labels, template, search
        self.seed, self.negative, self.with_mask = seed, negative, with_mask
        self.gray, self.mirror = gray, mirror
        self.exemplar_size, self.search_size = exemplar_size, search_size
        self.pairs_per_epoch = pairs_per_epoch if pairs_per_epoch > 0 else self.order.pass_length

    def __len__(self) -> int:
        return self.pairs_per_epoch

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Sample `index`, counted from the start of the run (not of the epoch)."""
        for attempt in range(ATTEMPTS):
            rng = np.random.default_rng((self.seed, index, attempt))
            try:
                template, search, negative = self._draw(index, attempt, rng)
            except ImageError as error:
                logger.warning("training pair %d passed over: %s", index, error)
                continue
            sample = self._views(template, search, negative, rng)
            sample["index"], sample["skipped"] = torch.tensor(index), torch.tensor(attempt)
            return sample
        raise ConfigError(
            f"{ATTEMPTS} draws in a row could not be read at training pair {index} (the warnings above name the "
            "files). Repair or remove them; `pysot data check` finds damaged files."
        )

    def describe(self, index: int) -> str:
        """Where the frames of sample `index` come from, for messages."""
        for attempt in range(ATTEMPTS):
            try:
                rng = np.random.default_rng((self.seed, index, attempt))
                template, search, negative = self._draw(index, attempt, rng)
            except ImageError:
                continue
            kind = "negative pair" if negative else "pair"
            source = self._place(index, attempt)[0].name
            return f"{kind} {index} of {source}: template {template.origin}, search {search.origin}"
        return f"pair {index}: unreadable"

    def _place(self, index: int, attempt: int) -> tuple[Source, int]:
        """Source and video of a draw; a repeated attempt looks elsewhere in the list."""
        source, video = self.order[index + attempt * 7919]
        return self.order.sources[source], video

    def _draw(self, index: int, attempt: int, rng: np.random.Generator) -> tuple[Annotated, Annotated, bool]:
        source, video = self._place(index, attempt)
        if rng.random() >= self.negative:
            template, search = source.draw(video, rng, 2)
            return template, search, False
        (template,) = source.draw(video, rng, 1)
        other = self.order.sources[int(rng.integers(len(self.order.sources)))]
        (search,) = other.draw(int(rng.integers(len(other))), rng, 1)
        return template, search, True

    def _views(
        self, template: Annotated, search: Annotated, negative: bool, rng: np.random.Generator
    ) -> dict[str, Any]:
        gray = bool(rng.random() < self.gray)
        params = [self.template, self.search]
        if rng.random() < self.mirror:
            params = [replace(view, flip=1 - view.flip) for view in params]
        z = make_view(template, self.exemplar_size, params[0], rng, gray=gray, exemplar_size=self.exemplar_size)
        x = make_view(search, self.search_size, params[1], rng, gray=gray, exemplar_size=self.exemplar_size)
        sample: dict[str, Any] = {
            "template": _image_tensor(z),
            "search": _image_tensor(x),
            "box_xyxy": torch.from_numpy(x.box_xyxy.astype(np.float32)),
            "negative": torch.tensor(negative),
        }
        if self.with_mask:
            sample["has_mask"] = torch.tensor(x.mask is not None and not negative)
            mask = x.mask if x.mask is not None else np.zeros(x.image.shape[:2], dtype=bool)
            sample["mask"] = torch.from_numpy(mask)
        sample.update({key: torch.from_numpy(value) for key, value in self.labels(x.box_xyxy, negative, rng).items()})
        return sample


def _image_tensor(view: Patch) -> Tensor:
    """(3, S, S) view on the patch's memory: channels-last, as the networks train fastest."""
    return torch.from_numpy(view.image).permute(2, 0, 1)
