"""One-pass evaluation (Wu et al., CVPR 2013): start at the first frame, follow to the last, never restart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.sequence import Sequence
from toolkit.protocols.registry import PROTOCOLS
from toolkit.protocols.session import Observer, Session, scores_of
from toolkit.protocols.tracker import TrackerLike


@dataclass(frozen=True, eq=False)
class OpeRun:
    """One pass over a sequence of N frames.

    Attributes:
        boxes_xywh: (N, 4) float64, 0-based pixels; row 0 is the box the tracker was started with.
        scores: (N,) float64 confidences, NaN in row 0 and where the tracker gave none.
        seconds: (N,) float64 inside the tracker; row 0 is its initialization.
    """

    boxes_xywh: NDArray[np.float64]
    scores: NDArray[np.float64]
    seconds: NDArray[np.float64]


@PROTOCOLS.register("ope", "got10k")  # GOT-10k differs in its repetitions and its files
def run_ope(tracker: TrackerLike, sequence: Sequence, *, observe: Observer | None = None) -> OpeRun:
    """Runs `tracker` once over `sequence`.

    Raises `StepError` naming the frame when an image, the annotation or the tracker fails, `DatasetError` without
    frames.
    """
    session = Session(tracker, sequence, observe)
    start_xywh, answers = session.follow(0, range(1, session.length))
    boxes = [start_xywh, *(answer.box_xywh for answer in answers)]
    return OpeRun(np.array(boxes), scores_of(answers), np.array(session.seconds))
