"""The targets that one TraX client follows at once: a tracker for each, all of one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.datasets.frames import Image
from toolkit.errors import ProtocolError
from toolkit.protocols.session import read_answer
from toolkit.protocols.tracker import TrackerLike
from toolkit.regions import Mask, Polygon, Rectangle, Region, bounding_box, initial_box, rasterize

REGIONS = ("rectangle", "polygon", "mask")
"""What a tracker can be told to speak in."""


@dataclass(frozen=True)
class State:
    """What is said of one target: its region, and the confidence, NaN where it is given."""

    region: Region
    confidence: float = float("nan")


class Objects:
    """The trackers of one session; `kind`, one of `REGIONS`, is the form of their answers.

    With `rectangle`, an answer is the box; with `polygon`, the rotated box where a tracker has one, else the box; with
    `mask`, the tracker's own mask, else the pixels of its box.
    """

    def __init__(self, make_tracker: Callable[[], TrackerLike], kind: str) -> None:
        self.make_tracker, self.kind = make_tracker, kind
        self.trackers: list[TrackerLike] = []

    def start(self, image: Image, regions: Sequence[Region]) -> list[State]:
        """Forgets all targets and starts on `regions` in `image`; their states. Raises as `add`."""
        self.trackers = []
        return self.add(image, regions)

    def add(self, image: Image, regions: Sequence[Region]) -> list[State]:
        """Starts on further targets; their states. Raises `ProtocolError` for a region that holds no target."""
        for region in regions:
            box = box_of(region, f"object {len(self.trackers) + 1}")
            tracker = self.make_tracker()
            tracker.init(image, box)
            self.trackers.append(tracker)
        return [State(region) for region in regions]

    def follow(self, image: Image) -> list[State]:
        """The states of all targets in the next frame. Raises what a tracker raises, `ProtocolError` for its answer."""
        return [self._ask(tracker, image) for tracker in self.trackers]

    def _ask(self, tracker: TrackerLike, image: Image) -> State:
        answer = read_answer(tracker.track(image), image, masks=self.kind == "mask")
        region: Region = Rectangle(*answer.box_xywh) if self.kind == "rectangle" else answer.region
        if self.kind == "mask":
            width, height = answer.image_size
            region = region if isinstance(region, Mask) else Mask(rasterize(region, (0, 0, width - 1, height - 1)))
        return State(region, answer.score)


def box_of(region: Region, name: str) -> tuple[float, float, float, float]:
    """The box x, y, w, h that a tracker is started with, `name` is what messages call the target.

    A rectangle as it is; of a quadrangle the upright box that keeps its center and area (as `pysot test` starts on
    VOT); of a mask or another polygon the bounding box. Raises `ProtocolError` for an empty mask or a code.
    """
    if isinstance(region, Polygon) and len(region.points) == 4:
        box = initial_box(region.points.reshape(-1))
    else:
        box = bounding_box(region)
    if not np.isfinite(box).all():
        what = "an empty mask" if isinstance(region, Mask) else f"{region}, which says nothing of a place"
        raise ProtocolError(
            f"The client sent {what} for {name}. Send a region that holds the target in its first frame."
        )
    return float(box[0]), float(box[1]), float(box[2]), float(box[3])
