"""One tracker on one sequence: reads frames, times the tracker's calls, checks its answers, says where it failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.frames import Image
from toolkit.datasets.sequence import Sequence
from toolkit.errors import DatasetError, FrameError, ProtocolError, ToolkitError
from toolkit.protocols.start import Box, start_box
from toolkit.protocols.tracker import TrackerLike
from toolkit.regions import Mask, Polygon, Rectangle, Region


@dataclass(frozen=True, eq=False)
class FrameEvent:
    """What a protocol has just done with one frame.

    Attributes:
        sequence: its name.
        index: 0-based frame number.
        image: (H, W, 3) uint8 BGR; None where the protocol skipped the frame without reading it.
        ground_truth: the annotation's row (4 or 8 numbers), None where this frame has none.
        region: the box the tracker was started with, or what it returned; for a skipped frame the region that stands
            for its answer, else None.
        score: the tracker's confidence; NaN at a start and for a skipped frame.
        seconds: time inside the tracker; 0 for a skipped frame.
        started: True where the tracker was initialized.
    """

    sequence: str
    index: int
    image: Image | None
    ground_truth: NDArray[np.float64] | None
    region: Region | None
    score: float
    seconds: float
    started: bool = False


Observer: TypeAlias = Callable[[FrameEvent], None]
"""Called after every frame of a protocol: progress bars and windows."""


class StepError(ProtocolError):
    """A sequence cannot be continued: its frame, its annotation or the tracker failed at one frame.

    Attributes:
        sequence: name of the sequence.
        frame: what the frame is called: its file, or `video.avi#12`.
    """

    def __init__(self, message: str, sequence: str, frame: str) -> None:
        super().__init__(message)
        self.sequence, self.frame = sequence, frame


class Session:
    """The tracker's way through one sequence; every protocol is written with `start`, `step` and `skip`.

    Attributes:
        seconds: time inside the tracker's `init` or `track` for every frame so far, by `clock`, reading the image not
            included.

    Raises `DatasetError` when the sequence has no frames.
    """

    def __init__(
        self,
        tracker: TrackerLike,
        sequence: Sequence,
        observe: Observer | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.tracker, self.sequence, self.observe, self.clock = tracker, sequence, observe, clock
        self.frames = sequence.require_frames()
        self.length = len(self.frames)
        if self.length == 0:
            raise DatasetError(f"Sequence '{sequence.name}' has no frames. Restore its images or remove it.")
        self.seconds: list[float] = []

    def start(self, index: int) -> Box:
        """Initializes the tracker at frame `index` with the annotated target; returns that box (x, y, w, h)."""
        try:
            box_xywh = start_box(self.sequence, index)
        except ProtocolError as error:
            raise self._failure(index, "there is no box to start from", error) from error
        image = self._read(index)
        self.tracker.at_frame(self.sequence.name, index)
        began = self.clock()
        try:
            self.tracker.init(image, box_xywh)
        except Exception as error:
            raise self._failure(index, f"the tracker cannot be initialized with box {box_xywh}", error) from error
        self.seconds.append(self.clock() - began)
        self._notify(index, image, Rectangle(*box_xywh), float("nan"), started=True)
        return box_xywh

    def step(self, index: int, *, masks: bool = False) -> Answer:
        """Lets the tracker find the target in frame `index`. With `masks`, a mask it returns is its region."""
        image = self._read(index)
        self.tracker.at_frame(self.sequence.name, index)
        began = self.clock()
        try:
            result = self.tracker.track(image)
        except Exception as error:
            raise self._failure(index, "the tracker failed", error) from error
        self.seconds.append(self.clock() - began)
        try:
            answer = read_answer(result, image, masks=masks)
        except (ProtocolError, KeyError, TypeError, ValueError) as error:
            raise self._failure(index, "the tracker's result is unusable", error) from error
        self._notify(index, image, answer.region, answer.score)
        return answer

    def follow(self, start: int, order: Iterable[int], *, masks: bool = False) -> tuple[Box, list[Answer]]:
        """Initializes the tracker at frame `start` and asks it for the frames of `order`, without any restart."""
        return self.start(start), [self.step(index, masks=masks) for index in order]

    def skip(self, index: int, held: Region | None = None) -> None:
        """Passes over frame `index` without reading it; `held` is what stands for the tracker's answer, if anything."""
        self.seconds.append(0.0)
        self._notify(index, None, held, float("nan"))

    def _read(self, index: int) -> Image:
        try:
            return self.frames[index]
        except Exception as error:
            raise self._failure(index, "the frame cannot be read", error) from error

    def _failure(self, index: int, what: str, error: Exception) -> StepError:
        label, name = self.frames.label(index), self.sequence.name
        if isinstance(error, FrameError):  # says itself which file, and what to do
            return StepError(f"{name}, frame {index}: {error}", name, label)
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error) or "no message"
        if not isinstance(error, ToolkitError):
            reason = f"{type(error).__name__}: {reason}"
        return StepError(f"{name}, frame {index} ({label}): {what}: {reason}", name, label)

    def _notify(
        self, index: int, image: Image | None, region: Region | None, score: float, started: bool = False
    ) -> None:
        if self.observe is None:
            return
        truth = self.sequence.ground_truth
        row = truth[index] if index < len(truth) else None
        self.observe(FrameEvent(self.sequence.name, index, image, row, region, score, self.seconds[-1], started))


@dataclass(frozen=True, eq=False)
class Answer:
    """A tracker's result, checked: `box_xywh` as it returned it, `region` for scoring, the frame's (width, height)."""

    box_xywh: Box
    region: Region
    score: float
    image_size: tuple[int, int]


def scores_of(answers: AbstractSequence[Answer]) -> NDArray[np.float64]:
    """(N + 1,) confidences: NaN for the start, then one per answer."""
    return np.array([float("nan"), *(answer.score for answer in answers)])


def read_answer(result: Any | Mapping[str, Any], image: Image, *, masks: bool = False) -> Answer:
    """Checks what a tracker returned for `image`.

    The region is the mask (with `masks`, values above 0.5 are target), else the polygon (8 numbers), else the box.

    Raises `ProtocolError` when a box or polygon has the wrong length or is not finite, KeyError when `bbox` is missing.
    """
    box = _numbers(result["bbox"], 4, "bbox")
    score = result.get("best_score")
    height, width = image.shape[:2]
    return Answer(
        box_xywh=(box[0], box[1], box[2], box[3]),
        region=_region(result, box, (height, width), masks),
        score=float("nan") if score is None else float(score),
        image_size=(width, height),
    )


def _region(result: Any | Mapping[str, Any], box: list[float], shape: tuple[int, int], masks: bool) -> Region:
    mask = result.get("mask") if masks else None
    if mask is not None:
        bits = np.asarray(mask) > 0.5
        if bits.shape != shape:
            raise ProtocolError(f"mask has shape {bits.shape}; expected the frame's {shape} (height, width)")
        return Mask(bits)
    polygon = result.get("polygon")
    if polygon is not None:
        return Polygon(np.asarray(_numbers(polygon, 8, "polygon")).reshape(4, 2))
    return Rectangle(*box)


def _numbers(values: Any, count: int, name: str) -> list[float]:
    array = np.asarray(values, dtype=np.float64).ravel()
    if array.size != count or not np.isfinite(array).all():
        raise ProtocolError(
            f"{name} is {array.tolist()}; expected {count} finite numbers. A tracker that has lost its target returns "
            "its last box with a low best_score"
        )
    return [float(value) for value in array]
