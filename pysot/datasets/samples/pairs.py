"""Template-search pairs: which objects, in which order, and what a network is to answer (docs/systems/siamrpn.md,
Training data).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from yacs.config import CfgNode

from pysot.core.anchors import ResponseGrid
from pysot.datasets.augmentation import Patch, ViewParams, make_view
from pysot.datasets.samples.base import TRAINING_DATA, PositionDataset
from pysot.datasets.sources.base import AnnotatedFrame, Source
from pysot.datasets.targets import AnchorTargets, PointTargets


class Labels(Protocol):
    """Makes the arrays that a loss needs from the target's place in the search view."""

    grid: ResponseGrid

    def __call__(
        self, box_xyxy: NDArray[np.float64], negative: bool, rng: np.random.Generator
    ) -> dict[str, NDArray[Any]]: ...


class Pair(NamedTuple):
    """What a pair is made of."""

    template: AnnotatedFrame
    search: AnnotatedFrame
    negative: bool


@TRAINING_DATA.register("RPN")
class PairDataset(PositionDataset[Pair]):
    """Pairs by their position in the whole run.

    Each sample is a dict::

        template    (3, z, z) float32 BGR, about 0..255 (color augmentation is not clipped)
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
        gray: probability that both views lose their color.
        mirror: probability that both views are mirrored, beside what each view's own `flip` does.
        with_mask: also return the object's mask.
    """

    config_keys: ClassVar[tuple[str, ...]] = (
        "ANCHOR", "MASK", "DATASET.TEMPLATE", "DATASET.SEARCH", "DATASET.NEG", "TRAIN.EXEMPLAR_SIZE",
        "TRAIN.SEARCH_SIZE", "TRAIN.BASE_SIZE", "TRAIN.OUTPUT_SIZE", "TRAIN.THR_HIGH", "TRAIN.THR_LOW", "TRAIN.POS_NUM",
        "TRAIN.NEG_NUM", "TRAIN.TOTAL_NUM",
    )  # fmt: skip
    labels_type: ClassVar[type[AnchorTargets] | type[PointTargets]] = AnchorTargets
    """Makes the labels of a pair that is built from a config."""

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
        super().__init__(sources, seed, pairs_per_epoch)
        self.labels, self.template, self.search = labels, template, search
        self.negative, self.with_mask = negative, with_mask
        self.gray, self.mirror = gray, mirror
        self.exemplar_size, self.search_size = exemplar_size, search_size

    def draw(self, source: Source, video: int, rng: np.random.Generator) -> Pair:
        if rng.random() >= self.negative:
            template, search = source.draw(video, rng, 2)
            return Pair(template, search, negative=False)
        (template,) = source.draw(video, rng, 1)
        other = self.order.sources[int(rng.integers(len(self.order.sources)))]
        (search,) = other.draw(int(rng.integers(len(other))), rng, 1)
        return Pair(template, search, negative=True)

    def origin(self, drawn: Pair) -> str:
        kind = "negative, " if drawn.negative else ""
        return f"{kind}template {drawn.template.origin}, search {drawn.search.origin}"

    def make(self, drawn: Pair, rng: np.random.Generator) -> dict[str, Any]:
        template, search, negative = drawn
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

    @classmethod
    def from_config(cls, cfg: CfgNode, sources: Sequence[Source]) -> PairDataset:
        data, train = cfg.DATASET, cfg.TRAIN
        return cls(
            sources,
            cls.labels_type.from_config(cfg),
            ViewParams.from_config(data.TEMPLATE),
            ViewParams.from_config(data.SEARCH),
            seed=train.SEED,
            pairs_per_epoch=data.VIDEOS_PER_EPOCH,
            negative=data.NEG,
            gray=data.GRAY,
            mirror=data.MIRROR,
            exemplar_size=train.EXEMPLAR_SIZE,
            search_size=train.SEARCH_SIZE,
            with_mask=cfg.MASK.MASK,
        )


@TRAINING_DATA.register("BAN")
class PointPairDataset(PairDataset):
    """Pairs for an anchor-free head."""

    config_keys = (*PairDataset.config_keys, "POINT")
    labels_type = PointTargets


def _image_tensor(view: Patch) -> Tensor:
    """(3, S, S) view on the patch's memory: channels-last, as the networks train fastest."""
    return torch.from_numpy(view.image).permute(2, 0, 1)
