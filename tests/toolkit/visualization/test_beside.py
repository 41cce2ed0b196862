"""Frames are read ahead and written behind in order, and what goes wrong comes out at its place."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from toolkit.datasets.frames import Image
from toolkit.errors import FrameError, ToolkitError
from toolkit.visualization import FrameReader, ReadAhead, Sink, WriteBehind


def frame(value: int) -> Image:
    return np.full((2, 2, 3), value, np.uint8)


class Film(FrameReader):
    """Five frames, the third one broken; notes the thread of each read."""

    name, fps, total, closed = "film", 25.0, 5, False

    def __init__(self) -> None:
        self.threads: dict[int, str] = {}

    def read(self, index: int) -> Image | None:
        self.threads[index] = threading.current_thread().name
        if index == 2:
            raise FrameError("film#2: broken")
        return frame(index) if index < 5 else None

    def close(self) -> None:
        self.closed = True


class Shelf(Sink):
    """Keeps the first value of each frame; full after `room` frames."""

    def __init__(self, room: int = 99) -> None:
        self.path, self.frames, self.room, self.closed = Path("shelf"), 0, room, False
        self.values: list[int] = []

    def write(self, image: Image) -> None:
        if self.frames == self.room:
            raise ToolkitError("shelf: full")
        self.values.append(int(image[0, 0, 0]))
        self.frames += 1

    def close(self) -> None:
        self.closed = True


def test_frames_come_in_order_from_another_thread() -> None:
    film = Film()
    reader = ReadAhead(film)
    assert (reader.name, reader.fps, reader.total) == ("film", 25.0, 5)
    seen: list[object] = []
    for index in range(6):
        try:
            image = reader.read(index)
        except FrameError as error:
            seen.append(str(error))
        else:
            seen.append(None if image is None else int(image[0, 0, 0]))
    reader.close()
    assert seen == [0, 1, "film#2: broken", 3, 4, None] and film.closed
    assert threading.current_thread().name not in film.threads.values()


def test_reading_stops_a_few_frames_ahead() -> None:
    film = Film()
    reader = ReadAhead(film)
    reader.read(0)
    reader.close()
    assert max(film.threads) <= 2


def test_frames_are_written_in_order_by_another_thread() -> None:
    shelf, drawn_in = Shelf(), []

    def draw(value: int) -> Image:
        drawn_in.append(threading.current_thread().name)
        return frame(value)

    with WriteBehind(shelf) as sink:
        for value in range(20):
            sink.write_drawn(lambda value=value: draw(value))  # type: ignore[misc]
        sink.write(frame(20))
    assert shelf.values == list(range(21)) and sink.frames == 21 and sink.path == Path("shelf") and shelf.closed
    assert threading.current_thread().name not in drawn_in


def test_a_full_disk_is_told_and_the_file_is_finished() -> None:
    shelf = Shelf(room=3)

    def write_twenty() -> None:
        with WriteBehind(shelf) as sink:
            for value in range(20):
                sink.write(frame(value))

    with pytest.raises(ToolkitError, match="full"):
        write_twenty()
    assert shelf.values == [0, 1, 2] and shelf.closed
