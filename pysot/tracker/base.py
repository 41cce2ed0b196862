"""What every tracker is: `init` once, `track` for each later frame; inside, `locate` looks and `commit` decides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import nn
from yacs.config import CfgNode

from pysot.config.params import params_from_config
from pysot.config.parts import PartRegistry
from pysot.core.crop import Image
from pysot.core.errors import BadBoxError, ConfigError, ImageError, SotError

Box: TypeAlias = Sequence[float] | NDArray[np.floating]
"""(x, y, w, h): top-left corner and size, 0-based float pixels."""


class State(Enum):
    """What a tracker says of its own result."""

    TRACKED = "tracked"
    UNCERTAIN = "uncertain"
    LOST = "lost"


@dataclass(frozen=True)
class SearchRegion:
    """Where to look for the target.

    Attributes:
        center_xy: center of the region, image pixels.
        size_wh: target size in image pixels that sets the scale of the crop.
        input_size: side of the crop handed to the network, in its pixels; a larger one covers more of the image.
        window_influence: weight of the prior "near the center" in [0, 1]; None for the tracker's own.
    """

    center_xy: tuple[float, float]
    size_wh: tuple[float, float]
    input_size: int
    window_influence: float | None = None


@dataclass(frozen=True)
class Candidate:
    """One place where the target may be. Made by `locate`, accepted by `commit`.

    Attributes:
        box_cxcywh: center and size as the network saw them, image pixels, not yet smoothed or clipped.
        score: confidence in [0, 1].
        region: the region it was found in.
    """

    box_cxcywh: tuple[float, float, float, float]
    score: float
    region: SearchRegion


@dataclass(frozen=True)
class TrackResult(Mapping[str, Any]):
    """The answer for one frame.

    Attributes:
        box: (x, y, w, h) in 0-based float pixels.
        score: confidence in [0, 1].
        state: TRACKED, UNCERTAIN or LOST.
        polygon: (8,) x1 y1 .. x4 y4 of a rotated box, when the tracker has one.
        mask: (H, W) float32 in [0, 1], probability of target per image pixel, when the tracker has one.

    Also a mapping with PySOT's keys: `bbox`, `best_score`, `state` and, where there is one, `polygon` and `mask`.
    """

    box: tuple[float, float, float, float]
    score: float
    state: State = State.TRACKED
    polygon: NDArray[np.float64] | None = None
    mask: NDArray[np.float32] | None = None

    @property
    def region(self) -> tuple[float, ...]:
        """The most precise outline there is: the polygon's 8 numbers, else the box's 4."""
        return self.box if self.polygon is None else tuple(float(v) for v in self.polygon)

    def _items(self) -> dict[str, Any]:
        values = {"bbox": list(self.box), "best_score": self.score, "state": self.state}
        return values | {name: value for name in ("polygon", "mask") if (value := getattr(self, name)) is not None}

    def __getitem__(self, key: str) -> Any:
        return self._items()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items())

    def __len__(self) -> int:
        return len(self._items())


class Tracker(ABC):
    """Follows one target through a video, frame by frame.

    Two calls are all a user needs::

        tracker.init(frame, box)            # once
        result = tracker.track(frame)       # for every later frame

    `frame` is (H, W, 3) uint8 in BGR order, as OpenCV reads it. `box` is (x, y, w, h) in 0-based float pixels.
    A tracker may be initialized again at any time; nothing of the previous target stays.

    Attributes:
        params_type: the dataclass of this tracker's hyper-parameters (see `pysot.config.params`).
        heads: the values of HEAD.TYPE whose models it can run.
        lost_below: the score under which the target is probably not seen, on the scale of this tracker's scores.
        found_from: the score from which on it surely is. Both are what a global search goes by where a config sets
            no thresholds (`pysot.tracker.global_search`).
        selection_modes: the values of TARGET_AWARE.MODE it can work with; none where it uses all channels.
    """

    config_keys: ClassVar[tuple[str, ...]] = ("ATTENTION",)  # any tracker can be searched with
    params_type: ClassVar[type[Any]]
    heads: ClassVar[tuple[str, ...]] = ()
    lost_below: ClassVar[float] = 0.8
    found_from: ClassVar[float] = 0.9
    selection_modes: ClassVar[tuple[str, ...]] = ()
    center_xy: tuple[float, float]
    size_wh: tuple[float, float]
    _started = False

    def __init__(self, model: Any, params: Any) -> None:
        self.model, self.params = model, params

    def init(self, image: Image, box_xywh: Box) -> None:
        """Learns the target.

        Raises:
            ImageError: `image` is not (H, W, 3) uint8.
            BadBoxError: the box is not finite, has no area, lies outside the image, or is absurdly large or small.
        """
        image = check_image(image)
        self._start(image, check_box(box_xywh, image))
        self._started = True

    def track(self, image: Image, learn: bool = True) -> TrackResult:
        """Finds the target in the next frame. Without `learn`, the state moves and nothing else changes.

        Raises `ImageError`, or `SotError` before the first `init`.
        """
        if not self._started:
            raise SotError("track() was called before init(). Call tracker.init(first_frame, box) once.")
        image = check_image(image)
        return self.commit(image, self.locate(image, self.search_region()), learn)

    def at_frame(self, video: str, index: int) -> None:  # noqa: B027  (most trackers need not know)
        """Is told which frame of which video comes next (0-based), by a benchmark that knows."""

    @abstractmethod
    def _start(self, image: Image, box_xywh: tuple[float, float, float, float]) -> None:
        """Forgets everything and learns the target in checked input."""

    @abstractmethod
    def search_region(self) -> SearchRegion:
        """Where the tracker itself would look in the next frame."""

    @abstractmethod
    def locate(self, image: Image, region: SearchRegion) -> Candidate:
        """Finds the target inside `region` without changing the tracker."""

    @abstractmethod
    def commit(self, image: Image, candidate: Candidate, learn: bool = True) -> TrackResult:
        """Accepts `candidate`: moves the state and, with `learn`, learns from the frame where the tracker does so."""

    def move_to(self, center_xy: tuple[float, float], size_wh: tuple[float, float]) -> None:
        """Takes the target to be at `center_xy` with the size `size_wh`, image pixels, without learning anything."""
        self.center_xy, self.size_wh = center_xy, size_wh

    @classmethod
    def check_config(cls, cfg: CfgNode) -> None:
        """Raises `ConfigError` when HEAD.TYPE or TARGET_AWARE ask of this tracker what it cannot do."""
        others = trackers_of(cfg.HEAD.TYPE)
        if others and cfg.HEAD.TYPE not in cls.heads:
            raise ConfigError(
                f"TRACK.TYPE '{cfg.TRACK.TYPE}' cannot work with HEAD.TYPE '{cfg.HEAD.TYPE}'. "
                f"Use one of: {', '.join(others)}."
            )
        group = cfg.TARGET_AWARE
        if not group.ENABLED or not others:
            return
        if not cls.selection_modes:
            able = [name for name in TRACKERS if TRACKERS[name].selection_modes]
            raise ConfigError(
                f"TARGET_AWARE.ENABLED is True, but TRACK.TYPE {cfg.TRACK.TYPE} (HEAD.TYPE {cfg.HEAD.TYPE}) does not "
                f"choose channels. Set it False, or use one of: {', '.join(able)}."
            )
        if group.MODE not in cls.selection_modes:
            raise ConfigError(
                f"TARGET_AWARE.MODE is {group.MODE}, but TRACK.TYPE {cfg.TRACK.TYPE} (HEAD.TYPE {cfg.HEAD.TYPE}) takes "
                f"maps of a fixed number of channels. Use {' or '.join(cls.selection_modes)}."
            )

    @classmethod
    def from_config(cls, cfg: CfgNode, model: nn.Module) -> Tracker:
        """The tracker around `model`, with its hyper-parameters from `cfg`."""
        return cls(model, params_from_config(cfg, cls.params_type))


TRACKERS: PartRegistry[type[Tracker]] = PartRegistry("tracker", key="TRACK.TYPE")
"""Tracker classes, called with a model and an instance of their `params_type`."""


def trackers_of(head: str) -> list[str]:
    """The registered trackers that can run models of HEAD.TYPE `head`."""
    return [name for name in TRACKERS if head in TRACKERS[name].heads]


def check_image(image: Any) -> Image:
    """`image` if it is (H, W, 3) uint8 with pixels; else `ImageError` saying how to convert it."""
    if not isinstance(image, np.ndarray):
        raise ImageError(
            f"The frame is a {type(image).__name__}, not a numpy array. "
            "cv2.imread returns None for a file it cannot read."
        )
    hints = {
        2: "For a gray frame call cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR).",
        4: "Drop the alpha channel: frame[:, :, :3].",
        1: "For a gray frame call cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR).",
    }
    if image.ndim != 3 or image.shape[2] != 3:
        hint = hints.get(2 if image.ndim == 2 else image.shape[2] if image.ndim == 3 else 0, "")
        raise ImageError(f"The frame has shape {image.shape}; expected (height, width, 3), colors in BGR order. {hint}")
    if image.dtype != np.uint8:
        hint = "For 16 bits use (frame // 257).astype(np.uint8); for floats in 0..1, (frame * 255).astype(np.uint8)."
        raise ImageError(f"The frame has type {image.dtype}; expected uint8. {hint}")
    if image.size == 0:
        raise ImageError(f"The frame has no pixels: shape {image.shape}.")
    return image


LARGEST_BOX = 10
"""Sides of the image; of a first box."""
SMALLEST_BOX = 1.5
"""Pixels; a first box whose sides are both smaller holds no target."""


def check_box(box_xywh: Any, image: Image) -> tuple[float, float, float, float]:
    """`box_xywh` as four floats if it is finite, touches the image and has a size that a target can have; else
    `BadBoxError`.
    """
    try:
        box = np.asarray(box_xywh, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        box = np.empty(0)
    if box.shape != (4,):
        raise BadBoxError(f"The first box is {box_xywh!r}; expected four numbers x, y, width, height.")
    x, y, width, height = (float(value) for value in box)
    rows, columns = image.shape[:2]
    if not np.isfinite(box).all():
        raise BadBoxError(f"The first box {(x, y, width, height)} has a value that is not finite.")
    if max(width / columns, height / rows) > LARGEST_BOX:
        raise BadBoxError(
            f"The first box {(x, y, width, height)} is more than {LARGEST_BOX} times as large as the image of "
            f"{columns} x {rows} pixels. Give x, y, width, height in pixels."
        )
    if width <= 0 or height <= 0:
        raise BadBoxError(f"The first box {(x, y, width, height)} has no area. Give x, y, width, height in pixels.")
    if x >= columns or y >= rows or x + width <= 0 or y + height <= 0:
        raise BadBoxError(f"The first box {(x, y, width, height)} lies outside the image of {columns} x {rows} pixels.")
    if max(width, height) < SMALLEST_BOX:
        raise BadBoxError(
            f"The first box {(x, y, width, height)} is smaller than {SMALLEST_BOX} x {SMALLEST_BOX} pixels: its "
            f"numbers seem to be shares of the image. Multiply x and width by {columns}, y and height by {rows}."
        )
    return x, y, width, height
