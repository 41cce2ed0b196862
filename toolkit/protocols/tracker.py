"""What the toolkit asks of a tracker. Any object with these methods can be run on every benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from toolkit.datasets.frames import Image


class TrackResultLike(Protocol):
    """A mapping in PySOT's form: `bbox` (x, y, w, h), `best_score`, and optionally `polygon` (8 numbers) and `mask`."""

    def __getitem__(self, key: str) -> Any: ...

    def get(self, key: str, default: Any = None) -> Any: ...


class TrackerLike(Protocol):
    """Two calls: `init` once with the first frame and box, `track` for every later frame.

    Before each of them `at_frame` says which frame it will be; a class that inherits from this one need not listen.
    """

    def at_frame(self, video: str, index: int) -> None:
        """Told that frame `index` (0-based) of the sequence `video` comes next; seconds spent here do not count."""
        return

    def init(self, image: Image, box_xywh: Sequence[float]) -> Any:
        """Learns the target `box_xywh` (0-based float pixels) in `image` (H, W, 3) uint8 BGR."""

    def track(self, image: Image) -> TrackResultLike | Mapping[str, Any]:
        """Finds the target in the next frame."""
