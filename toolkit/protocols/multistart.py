"""VOT2020's short-term protocol: one run per anchor, forward or backward (docs/evaluation.md, The others)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.sequence import Sequence
from toolkit.errors import ProtocolError
from toolkit.protocols.registry import PROTOCOLS
from toolkit.protocols.session import Observer, Session, scores_of
from toolkit.protocols.tracker import TrackerLike
from toolkit.protocols.vot import STARTED
from toolkit.regions import Region, Special


@dataclass(frozen=True, eq=False)
class AnchorRun:
    """The run from one anchor, in the order the frames were shown.

    Attributes:
        anchor: 0-based frame where the tracker was started.
        forward: True towards the end of the sequence, False towards its first frame.
        regions: K entries; the first is `Special(1)`, the others what the tracker returned (mask, polygon or box).
        scores: (K,) float64 confidences, NaN in row 0.
        seconds: (K,) float64 inside the tracker.
    """

    anchor: int
    forward: bool
    regions: tuple[Region, ...]
    scores: NDArray[np.float64]
    seconds: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MultistartRun:
    """The runs from all anchors of a sequence, in frame order."""

    anchors: tuple[AnchorRun, ...]


@PROTOCOLS.register("multistart")
def run_multistart(tracker: TrackerLike, sequence: Sequence, *, observe: Observer | None = None) -> MultistartRun:
    """Runs `tracker` from every anchor of `sequence`; there are no restarts.

    Raises `ProtocolError` without anchors, `StepError` naming the frame when an image, the annotation or the tracker
    fails, `DatasetError` without frames.
    """
    runs = []
    for anchor, forward in anchors_of(sequence):
        session = Session(tracker, sequence, observe)
        order = range(anchor + 1, session.length) if forward else range(anchor - 1, -1, -1)
        _, answers = session.follow(anchor, order, masks=True)
        regions = (Special(STARTED), *(answer.region for answer in answers))
        runs.append(AnchorRun(anchor, forward, regions, scores_of(answers), np.array(session.seconds)))
    return MultistartRun(tuple(runs))


def anchors_of(sequence: Sequence) -> tuple[tuple[int, bool], ...]:
    """(frame, forward) of every anchor. Raises `ProtocolError` when the sequence has none."""
    values = np.zeros(0) if sequence.anchors is None else sequence.anchors
    found = tuple((int(index), bool(values[index] > 0)) for index in np.flatnonzero(values))
    if not found:
        raise ProtocolError(
            f"Sequence '{sequence.name}' has no anchors, which the multistart protocol starts from. "
            "Run it under 'ope' or 'supervised'."
        )
    return found
