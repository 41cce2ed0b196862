"""Where the time of a frame goes: the stages of a tracker, timed from outside."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from torch import nn

from pysot.core.device import device_of, synchronize
from pysot.tracker.base import Tracker
from pysot.tracker.online import OnlineTracker
from pysot.tracker.siamese import SiameseTracker

SIAMESE_STAGES = ("crop", "backbone", "head", "decode")
"""The head includes the neck; decode is everything after it."""
ONLINE_STAGES = ("crop", "backbone", "classifier features", "scores", "refinement", "update")
"""Scores include localization; an update, everything that learns."""
PLAIN_STAGES = ("locate", "commit")
"""Of any other tracker; what it learns is done in commit."""
RARE_STAGES = ("update", "commit")
"""What is not the same in every frame, so that only its mean tells its cost."""


class Stopwatch:
    """Adds up the time of each stage of a tracker, without changing what it computes.

    At any time one stage runs: the first one from `start` on, until the tracker comes to where another begins. A stage
    may run several times in a frame.

    Attributes:
        stages: their names, in order.
    """

    def __init__(self, tracker: Tracker) -> None:
        self.device = device_of(tracker.model)
        self.stages: tuple[str, ...]
        self._undo: list[Callable[[], None]] = []
        if isinstance(tracker, SiameseTracker):
            self.stages, after = SIAMESE_STAGES, "head"
            self._watch(tracker, "_respond", leave="decode")
        elif isinstance(tracker, OnlineTracker):
            self.stages, after = ONLINE_STAGES, "classifier features"
            for method, stage in (("_find", "scores"), ("_refine", "refinement"), ("_update", "update")):
                self._watch(tracker, method, enter=stage)
        else:
            self.stages = PLAIN_STAGES
            self._watch(tracker, "commit", enter="commit")
            return
        backbone: nn.Module = tracker.model.backbone
        hooks = (
            backbone.register_forward_pre_hook(lambda *_: self.enter("backbone")),
            backbone.register_forward_hook(lambda *_: self.enter(after)),
        )
        self._undo += [hook.remove for hook in hooks]

    def _watch(self, tracker: Tracker, method: str, *, enter: str = "", leave: str = "") -> None:
        """Enters a stage when `method` of the tracker is called, or when it returns."""
        original = getattr(tracker, method)

        def timed(*args: Any) -> Any:
            if enter:
                self.enter(enter)
            answer = original(*args)
            if leave:
                self.enter(leave)
            return answer

        setattr(tracker, method, timed)
        self._undo.append(lambda: delattr(tracker, method))

    def start(self) -> None:
        """A frame begins."""
        self._seconds = dict.fromkeys(self.stages, 0.0)
        self._stage = self.stages[0]
        synchronize(self.device)
        self._since = time.perf_counter()

    def enter(self, stage: str) -> None:
        """Another stage begins, after everything asked for so far is done."""
        synchronize(self.device)
        now = time.perf_counter()
        self._seconds[self._stage] += now - self._since
        self._stage, self._since = stage, now

    def stop(self) -> list[float]:
        """A frame ends: seconds of every stage."""
        self.enter(self._stage)
        return list(self._seconds.values())

    def close(self) -> None:
        """Leaves the tracker as it was."""
        for undo in self._undo:
            undo()
        self._undo.clear()
