"""VOT's long-term protocol: one pass without restarts, with a confidence per frame (docs/evaluation.md, The others)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.sequence import Sequence
from toolkit.protocols.registry import PROTOCOLS
from toolkit.protocols.session import Observer, Session, scores_of
from toolkit.protocols.tracker import TrackerLike
from toolkit.protocols.vot import STARTED
from toolkit.regions import Region, Special


@dataclass(frozen=True, eq=False)
class LongTermRun:
    """One unsupervised run over a sequence of N frames.

    Attributes:
        regions: N entries; the first is `Special(1)`, the others what the tracker returned (polygon, else box).
        scores: (N,) float64 confidences, NaN in row 0.
        seconds: (N,) float64 inside the tracker; row 0 is its initialization.
    """

    regions: tuple[Region, ...]
    scores: NDArray[np.float64]
    seconds: NDArray[np.float64]


@PROTOCOLS.register("longterm")
def run_longterm(tracker: TrackerLike, sequence: Sequence, *, observe: Observer | None = None) -> LongTermRun:
    """Runs `tracker` once over `sequence`; absent targets do not stop it.

    Raises `StepError` naming the frame when an image, the annotation or the tracker fails, `DatasetError` without
    frames.
    """
    session = Session(tracker, sequence, observe)
    _, answers = session.follow(0, range(1, session.length))
    regions = (Special(STARTED), *(answer.region for answer in answers))
    return LongTermRun(regions, scores_of(answers), np.array(session.seconds))
