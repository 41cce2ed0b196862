"""Where the images of a sequence come from: a list of files, a video file, or a function that makes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from toolkit.errors import FrameError

Image: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8 in BGR order, as OpenCV reads it."""


class FrameSource(ABC):
    """The frames of one sequence, by index. Reading is lazy: building a source opens no image."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of frames."""

    @abstractmethod
    def __getitem__(self, index: int) -> Image:
        """Frame `index` (0-based, no negative indices) as (H, W, 3) uint8 BGR. Raises `FrameError` naming the file."""

    @abstractmethod
    def label(self, index: int) -> str:
        """What a message calls this frame: its path, or `video.avi#12`."""

    def __iter__(self) -> Iterator[Image]:
        return (self[index] for index in range(len(self)))


class ImageFiles(FrameSource):
    """Frames stored as one image file each, named one by one; names are joined to `root` when they are read."""

    def __init__(self, paths: Sequence[str | Path], root: str | Path = "") -> None:
        self.root = Path(root)
        self._names = list(paths)

    @property
    def paths(self) -> list[Path]:
        """The file of every frame."""
        return [self.root / name for name in self._names]

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> Image:
        return read_image(self.root / self._names[index])

    def label(self, index: int) -> str:
        return str(self.root / self._names[index])


class GeneratedFrames(FrameSource):
    """Frames made on the fly by `render(index)`; used by the synthetic benchmark."""

    def __init__(self, count: int, render: Callable[[int], Image], name: str) -> None:
        self.count, self.render, self.name = count, render, name

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Image:
        if not 0 <= index < self.count:
            raise FrameError(f"{self.name} has frames 0..{self.count - 1}, not {index}.")
        return self.render(index)

    def label(self, index: int) -> str:
        return f"{self.name}#{index}"


class VideoFile(FrameSource):
    """Frames of a video file, decoded in order; asking for an earlier frame rewinds and decodes again.

    Seeking by frame number is unreliable for many codecs, so it is never used: frame `i` is always the i-th
    decoded frame. The decoder is opened at the first read, so that a source can be sent to a worker process.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._capture: cv2.VideoCapture | None = None
        self._next = 0
        self._count: int | None = None

    def __len__(self) -> int:
        if self._count is None:
            capture, self._capture, self._count = self._open(), None, 0
            while capture.grab():  # decodes headers only: the container's own frame count is often wrong
                self._count += 1
            if not self._count:
                raise self._undecodable(capture)
        return self._count

    def __getitem__(self, index: int) -> Image:
        if self._capture is None or index < self._next:
            self._capture, self._next = self._open(), 0
        while self._next < index:
            if not self._capture.grab():
                raise FrameError(f"{self.label(index)}: the video ends after {self._next} frames.")
            self._next += 1
        ok, image = self._capture.read()
        if not ok and index == 0:
            raise self._undecodable(self._capture)
        if not ok:
            raise FrameError(f"{self.label(index)}: cannot decode; the video ends after {self._next} frames.")
        self._next += 1
        return np.asarray(image, dtype=np.uint8)

    def label(self, index: int) -> str:
        return f"{self.path}#{index}"

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_capture": None, "_next": 0}

    def _open(self) -> cv2.VideoCapture:
        if not self.path.is_file():
            raise FrameError(f"{self.path}: no such video file.")
        capture = cv2.VideoCapture(str(self.path))
        if not capture.isOpened():
            raise FrameError(f"{self.path}: OpenCV cannot open this video; {self._way_out()}")
        return capture

    def _undecodable(self, capture: cv2.VideoCapture) -> FrameError:
        """What to raise where a file opens and yet gives no frame; AV1, for one, is decoded by some machines only."""
        codec = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True).decode("latin-1")
        name = codec.strip("\0 ") if codec.isprintable() else ""
        return FrameError(
            f"{self.path}: OpenCV cannot decode this video (codec {name or 'unknown'}) here; {self._way_out()}"
        )

    def _way_out(self) -> str:
        out = self.path.with_name(f"{self.path.stem}_h264.mp4")
        command = f'ffmpeg -i "{self.path}" -c:v libx264 -pix_fmt yuv420p "{out}"'
        return f"copy it again if it may be damaged, or re-encode it as mp4 (H.264): {command}"


def read_image(path: Path) -> Image:
    """Reads one image file as (H, W, 3) uint8 BGR.

    Gray, 16-bit and 4-channel files are converted, as cv2.IMREAD_COLOR does. Raises `FrameError` naming the file.
    """
    try:  # not cv2.imread: on Windows it opens no path outside ASCII
        content = np.fromfile(path, dtype=np.uint8)
    except OSError:
        content = np.empty(0, dtype=np.uint8)
    image = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    if image is None:
        state = "cannot be decoded as an image" if path.is_file() else "does not exist"
        raise FrameError(f"{path}: this frame {state}. Restore the file, or remove the sequence from the run.")
    return np.asarray(image, dtype=np.uint8)
