"""The demo's targets: their first boxes, and a tracker of its own for each."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pysot.cli.drawing import Pen, colour_of, draw_label, draw_region
from pysot.core.errors import BadBoxError
from pysot.tracker.base import State, check_box
from toolkit.datasets.frames import Image
from toolkit.protocols.session import read_answer
from toolkit.protocols.start import Box
from toolkit.protocols.tracker import TrackerLike, TrackResultLike
from toolkit.regions import Rectangle, Region

UNSURE_SCORE = 0.5
"""Below this score a tracker that says nothing of its state counts as uncertain; at 0, as lost."""

_WORDS = {State.TRACKED: "", State.UNCERTAIN: "unsure", State.LOST: "lost"}


def parse_boxes(texts: Sequence[str]) -> list[Box]:
    """Boxes x, y, w, h from texts such as `10,20,30,40`; one text may hold several, separated by blanks or `;`.

    Raises `BadBoxError` naming the text that is not four finite numbers with a positive width and height.
    """
    return [_parse_box(part) for text in texts for part in re.split(r"[;\s]+", text.strip()) or [""]]


def check_boxes(boxes: Sequence[Box], image: Image) -> None:
    """Raises `BadBoxError` naming the first box that lies outside the first frame `image`."""
    for number, box in enumerate(boxes, start=1):
        try:
            check_box(box, image)
        except BadBoxError as error:
            raise BadBoxError(f"Target {number}: {error}") from error


@dataclass
class Target:
    """One target and its tracker.

    Attributes:
        number: 0-based; picks the colour.
        tracker: initialised by `start`.
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
        self._keep(result, image)

    def draw(self, canvas: Image, pen: Pen, numbered: bool) -> None:
        """Draws the target's outline, mask and score; its number too when `numbered`."""
        colour = colour_of(self.number)
        for region in self.regions:
            draw_region(canvas, region, colour, pen)
        label = f"{self.number + 1}: {self.label}" if numbered else self.label
        draw_label(canvas, label, self.box_xywh, colour, pen)

    def _keep(self, result: TrackResultLike | Mapping[str, Any], image: Image) -> None:
        answer = read_answer(result, image)
        self.box_xywh, self.regions = answer.box_xywh, (answer.region,)
        if result.get("mask") is not None:
            self.regions = (read_answer(result, image, masks=True).region, answer.region)
        state = state_of(result, answer.score)
        self.states[state] += 1
        score = [] if math.isnan(answer.score) else [answer.score]
        self.scores += score
        self.label = " ".join(filter(None, (_WORDS[state], *(f"{value:.2f}" for value in score))))


def state_of(result: TrackResultLike | Mapping[str, Any], score: float) -> State:
    """The state the tracker reports when it is not TRACKED, else the one its score stands for."""
    state = result.get("state")
    if state in (State.LOST, State.UNCERTAIN):
        return State(state)
    return State.LOST if score <= 0 else State.UNCERTAIN if score < UNSURE_SCORE else State.TRACKED


def _parse_box(text: str) -> Box:
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError as error:
        raise BadBoxError(f"--init-box '{text}' is not x,y,w,h. Example: --init-box 130,55,64,80") from error
    if not all(map(math.isfinite, (x, y, width, height))) or width <= 0 or height <= 0:
        raise BadBoxError(f"--init-box '{text}' has no area. Give x,y,w,h in pixels, width and height above zero.")
    return x, y, width, height
