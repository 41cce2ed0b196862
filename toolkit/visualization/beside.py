"""Reading and writing of frames beside a tracker: each in one thread of its own, in order, a few frames apart."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from toolkit.datasets.frames import Image
from toolkit.visualization.video_sink import Sink
from toolkit.visualization.video_source import CameraReader, FrameReader

_FRAMES = 2  # that wait in each direction: they even out slow frames, and a 4K frame has 25 MB


class ReadAhead(FrameReader):
    """Decodes the next frames of `reader` while the caller works on this one.

    A frame that cannot be read raises its error when its turn comes. Frames must be asked for in order.
    """

    def __init__(self, reader: FrameReader) -> None:
        self.reader = reader
        self.name, self.fps, self.total = reader.name, reader.fps, reader.total
        self.folder, self.file = reader.folder, reader.file
        # Of a camera one wants the newest frame, not one that has waited.
        self._thread = None if isinstance(reader, CameraReader) else ThreadPoolExecutor(1, "read ahead")
        self._waiting: deque[Future[Image | None]] = deque()

    def read(self, index: int) -> Image | None:
        if self._thread is None:
            return self.reader.read(index)
        while len(self._waiting) <= _FRAMES:
            self._waiting.append(self._thread.submit(self.reader.read, index + len(self._waiting)))
        return self._waiting.popleft().result()

    def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)
        self.reader.close()


class WriteBehind(Sink):
    """Draws and encodes frames for `sink` while the caller works on the next one.

    What goes wrong with a frame is raised by a later `write` or by `close`.
    """

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self._thread = ThreadPoolExecutor(1, "write behind")
        self._waiting: deque[Future[None]] = deque()

    @property
    def path(self) -> Path:  # type: ignore[override]
        return self.sink.path

    @property
    def frames(self) -> int:  # type: ignore[override]
        return self.sink.frames

    def write(self, image: Image) -> None:
        self.write_drawn(lambda: image)

    def write_drawn(self, draw: Callable[[], Image]) -> None:
        """Appends the frame that `draw` returns; it is called in the writing thread."""
        self._waiting.append(self._thread.submit(lambda: self.sink.write(draw())))
        self.wait(_FRAMES)

    def wait(self, frames: int = 0) -> None:
        """Waits until at most `frames` are left to write."""
        while len(self._waiting) > frames:
            self._waiting.popleft().result()

    def close(self) -> None:
        try:
            self.wait()
        finally:
            self._thread.shutdown(cancel_futures=True)
            self.sink.close()
