"""VOT's supervised protocol: a tracker that loses its target is restarted (docs/evaluation.md, With restarts)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.sequence import Sequence
from toolkit.errors import ProtocolError
from toolkit.protocols.registry import PROTOCOLS
from toolkit.protocols.session import Answer, Observer, Session
from toolkit.protocols.tracker import TrackerLike
from toolkit.protocols.vot import FAILED, NOT_RUN, SKIP_FRAMES, STARTED
from toolkit.regions import Region, Special, from_numbers, polygon_from_box, region_overlap


@dataclass(frozen=True, eq=False)
class SupervisedRun:
    """One supervised run over a sequence of N frames.

    Attributes:
        regions: N entries, `Special` with codes 0, 1, 2 or the region the tracker returned.
        scores: (N,) float64 confidences, NaN where the tracker was not asked.
        seconds: (N,) float64 inside the tracker; 0 for skipped frames.
        lost: number of failures.
    """

    regions: tuple[Region, ...]
    scores: NDArray[np.float64]
    seconds: NDArray[np.float64]
    lost: int


@PROTOCOLS.register("supervised")
def run_supervised(tracker: TrackerLike, sequence: Sequence, *, observe: Observer | None = None) -> SupervisedRun:
    """Runs `tracker` over `sequence` with restarts.

    A frame fails when the raster overlap of the returned region (its polygon, else its box) with the annotated
    polygon, inside the image (0, 0)-(W, H), is 0. Frames f+1 ... f+4 after a failure in f are not read.

    Raises `StepError` naming the frame when an image, the annotation or the tracker fails, `DatasetError` without
    frames, `ProtocolError` when not every frame is annotated.
    """
    session = Session(tracker, sequence, observe)
    return supervise(session, session.start, session.step)


def supervise(session: Session, start: Callable[[int], object], ask: Callable[[int], Answer]) -> SupervisedRun:
    """The rule of restarts: `start` initializes the tracker at a frame, `ask` gets its answer for a later one.

    Raises `ProtocolError` when not every frame is annotated, and what `start` and `ask` raise.
    """
    sequence = session.sequence
    if len(sequence.ground_truth) < session.length:
        raise ProtocolError(
            f"Sequence '{sequence.name}' has {session.length} frames but {len(sequence.ground_truth)} annotations; "
            "the supervised protocol needs one per frame. Run it under 'ope'."
        )
    regions: list[Region] = []
    scores: list[float] = []
    next_start, lost = 0, 0
    for index in range(session.length):
        region: Region = Special(NOT_RUN)
        score = float("nan")
        if index == next_start:
            start(index)
            region = Special(STARTED)
        elif index < next_start:
            session.skip(index)
        else:
            answer = ask(index)
            region, score = answer.region, answer.score
            truth = sequence.ground_truth[index]
            polygon = from_numbers(polygon_from_box(truth) if truth.size == 4 else truth)
            if not region_overlap(region, polygon, answer.image_size, "raster") > 0:
                region, lost, next_start = Special(FAILED), lost + 1, index + SKIP_FRAMES
        regions.append(region)
        scores.append(score)
    return SupervisedRun(tuple(regions), np.array(scores), np.array(session.seconds), lost)
