"""Choosing among candidates by class score and predicted overlap together (docs/systems/lmt.md, Choosing among
candidates).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from pysot.core.checks import CheckedParams


@dataclass(frozen=True)
class GuideParams(CheckedParams):
    """How a predicted overlap changes the score of a candidate.

    Attributes:
        enabled: False ranks by the scores alone.
        thresh: overlap below which a candidate is refused.
        penalty: score of a refused candidate.
        fallback: rank by the scores alone where every candidate would be refused.
    """

    config_group: ClassVar[str] = "TRACK.LMT.IOU_GUIDE"

    enabled: bool = True
    thresh: float = 0.5
    penalty: float = -5.0
    fallback: bool = True

    def __post_init__(self) -> None:
        self.check("thresh", 0 <= self.thresh <= 1, "a number from 0 to 1")


def adjust_scores(scores: Tensor, overlaps: Tensor, params: GuideParams) -> Tensor:
    """(N,) target scores (logits) times predicted overlaps; refused candidates get the penalty.

    A score of 0 or less stays: multiplied, it would rise.
    """
    if not params.enabled:
        return scores
    refused = overlaps < params.thresh
    if params.fallback and bool(refused.all()):
        return scores
    return (scores * overlaps).where(scores > 0, scores).masked_fill(refused, params.penalty)


def best_candidates(adjusted: Tensor, count: int) -> tuple[Tensor, float]:
    """Indices of the `count` best candidates, best first, and the mean of their scores."""
    values, indices = adjusted.topk(min(count, len(adjusted)))
    return indices, float(values.mean())
