"""VOT's real-time experiment: the supervised protocol against a clock (docs/evaluation.md, With restarts).

Kristan et al., "The Visual Object Tracking VOT2017 challenge results" (ICCVW 2017): frames arrive at a fixed rate,
whether or not the tracker has answered the one before, and the last region it reported stands for what it missed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from toolkit.datasets.sequence import Sequence
from toolkit.protocols.registry import PROTOCOLS
from toolkit.protocols.session import Answer, Observer, Session
from toolkit.protocols.supervised import SupervisedRun, supervise
from toolkit.protocols.tracker import TrackerLike

FPS = 20.0
"""Frames per second that arrive."""

GRACE = 3
"""Frames after an initialization that wait for the tracker; the clock starts with the frame after them."""


@PROTOCOLS.register("realtime")
def run_realtime(
    tracker: TrackerLike,
    sequence: Sequence,
    *,
    observe: Observer | None = None,
    fps: float = FPS,
    grace: int = GRACE,
    clock: Callable[[], float] = time.perf_counter,
) -> SupervisedRun:
    """Runs `tracker` over `sequence` with restarts, showing it only the frames for which it is ready in time.

    After an initialization (which takes as long as it takes) and `grace` frames, one frame arrives every 1/`fps`
    seconds. A frame that finds the tracker ready is shown to it, and its answer counts for that frame however late it
    comes; frames that arrive while it computes are answered with that same region, are not read, and get score NaN
    and 0 seconds. Every answer, held or fresh, must overlap with the annotation as in `run_supervised`.

    `clock` returns seconds, and is read before and after each call of the tracker: reading images takes no time.
    Raises as `run_supervised` does.
    """
    session = Session(tracker, sequence, observe, clock)
    stream = _Stream(session, 1.0 / fps, grace)
    return supervise(session, stream.start, stream.ask)


class _Stream:
    """Frames that arrive at a fixed rate.

    Attributes:
        ahead: seconds until the tracker is ready, counted from the arrival of the next frame; 0 when it is ready.
    """

    def __init__(self, session: Session, interval: float, grace: int) -> None:
        self.session, self.interval, self.grace = session, interval, grace
        self.waiting = grace
        self.ahead = 0.0
        self.last: Answer | None = None

    def start(self, index: int) -> None:
        """Initializes the tracker; the clock stands still."""
        self.session.start(index)
        self.waiting, self.ahead, self.last = self.grace, 0.0, None

    def ask(self, index: int) -> Answer:
        """The tracker's answer for frame `index`, or the one it gave last when it is busy."""
        if self.ahead > 0 and self.last is not None:
            self.ahead = max(0.0, self.ahead - self.interval)
            self.session.skip(index, self.last.region)
            return replace(self.last, score=float("nan"))
        self.last = self.session.step(index)
        if self.waiting > 0:
            self.waiting -= 1
        else:
            self.ahead = max(0.0, self.session.seconds[-1] - self.interval)
        return self.last
