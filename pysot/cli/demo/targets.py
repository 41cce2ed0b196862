"""The demo's targets: their first boxes, and a tracker of its own for each."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pysot.tracker.base import State
from toolkit.datasets.frames import Image
from toolkit.protocols.session import read_answer
from toolkit.protocols.start import Box
from toolkit.protocols.tracker import TrackerLike, TrackResultLike
from toolkit.regions import Rectangle, Region
from toolkit.visualization.drawing import Pen, color_of, draw_label, draw_region

UNSURE_SCORE = 0.5
"""Below this score a tracker that says nothing of its state counts as uncertain; at 0, as lost."""

_WORDS = {State.TRACKED: "", State.UNCERTAIN: "unsure", State.LOST: "lost"}


@dataclass
class Target:
    """One target and its tracker.

    Attributes:
        number: 0-based; picks the color.
        tracker: initialized by `start`.
        scores: of every tracked frame, without NaN.
        states: how many tracked frames ended in each state.
        seconds: time inside the tracker's `track`.
        regions: what to draw: the mask if there is one, then the outline.
        label: the score, and whether the target is lost.
        box_xywh: the latest box.
    """

    number: int
    tracker: TrackerLike
    scores: list[float] = field(default_factory=list)
    states: Counter[State] = field(default_factory=Counter)
    seconds: float = 0.0
    regions: tuple[Region, ...] = ()
    label: str = ""
    box_xywh: Box = (0.0, 0.0, 0.0, 0.0)

    def start(self, image: Image, box_xywh: Box) -> None:
        """Learns the target in the first frame."""
        self.tracker.init(image, box_xywh)
        self.box_xywh, self.regions, self.label = box_xywh, (Rectangle(*box_xywh),), "start"

    def follow(self, image: Image) -> None:
        """Finds the target in the next frame. Raises what the tracker raises, `ProtocolError` on an unusable answer."""
        began = time.perf_counter()
        result = self.tracker.track(image)
        self.seconds += time.perf_counter() - began
        answer = read_answer(result, image)
        self.box_xywh, self.regions = answer.box_xywh, (answer.region,)
        if result.get("mask") is not None:
            self.regions = (read_answer(result, image, masks=True).region, answer.region)
        state = state_of(result, answer.score)
        self.states[state] += 1
        score = [] if math.isnan(answer.score) else [answer.score]
        self.scores += score
        self.label = " ".join(filter(None, (_WORDS[state], *(f"{value:.2f}" for value in score))))

    def draw(self, canvas: Image, pen: Pen, numbered: bool) -> None:
        """Draws the target's outline, mask and score; its number too when `numbered`."""
        color = color_of(self.number)
        for region in self.regions:
            draw_region(canvas, region, color, pen)
        label = f"{self.number + 1}: {self.label}" if numbered else self.label
        draw_label(canvas, label, self.box_xywh, color, pen)


def state_of(result: TrackResultLike | Mapping[str, Any], score: float) -> State:
    """The state the tracker reports when it is not TRACKED, else the one its score stands for."""
    state = result.get("state")
    if state in (State.LOST, State.UNCERTAIN):
        return State(state)
    return State.LOST if score <= 0 else State.UNCERTAIN if score < UNSURE_SCORE else State.TRACKED
