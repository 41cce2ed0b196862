"""Frames come from videos, folders, patterns, lists and cameras, in order, and what is wrong is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from toolkit.datasets.frames import VideoFile
from toolkit.errors import FrameError, ToolkitError
from toolkit.visualization import CameraReader, FrameReader, ImageReader, VideoReader, open_reader


def count_of(reader: FrameReader) -> int:
    """Frames up to the first None."""
    index = 0
    while reader.read(index) is not None:
        index += 1
    reader.close()
    return index


@pytest.mark.parametrize(
    "give",
    [
        lambda folder: [str(folder)],
        lambda folder: [f"{folder}/*.png"],
        lambda folder: sorted(map(str, folder.iterdir())),
        lambda folder: [str(folder.parent)],
    ],
    ids=["folder", "pattern", "list", "folder above img"],
)
def test_images_are_found(give: Callable[[Path], list[str]], folder: Path) -> None:
    reader = open_reader(give(folder.rename(folder.with_name("img"))))
    assert isinstance(reader, ImageReader)
    assert reader.folder == folder.with_name("img")
    assert (reader.fps, reader.total, count_of(reader)) == (None, 8, 8)


def test_one_image_is_a_video_of_one_frame(folder: Path) -> None:
    assert count_of(open_reader([str(folder / "3.png")])) == 1


def test_images_come_in_natural_order(folder: Path) -> None:
    cv2.imwrite(str(folder / "10.png"), np.full((120, 160, 3), 7, np.uint8))
    last = open_reader([f"{folder}/*.png"]).read(8)
    assert last is not None
    assert (last == 7).all()


def test_a_video_knows_its_rate_and_length(video: Path) -> None:
    reader = open_reader([str(video)])
    assert isinstance(reader, VideoReader)
    assert reader.fps == pytest.approx(12.5, abs=0.1)
    assert (reader.name, reader.file, reader.total, count_of(reader)) == ("clip.avi", video, 8, 8)


def test_a_video_that_ends_too_early_is_reported_once(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = VideoFile.__getitem__
    monkeypatch.setattr(VideoFile, "__getitem__", lambda self, index: whole(self, index if index < 5 else 10_000))
    reader = open_reader([str(video)])
    assert reader.read(4) is not None
    with pytest.raises(FrameError, match="ends after 5 of the 8 frames"):
        reader.read(5)
    assert reader.read(6) is None


@pytest.mark.parametrize("names", [[], ["0"]])
def test_a_camera_is_read_until_it_stops(
    names: list[str], frame: Callable[[int], np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = iter([(True, frame(index)) for index in range(5)])
    released: list[bool] = []
    camera = SimpleNamespace(
        isOpened=lambda: True,
        get=lambda _: 0.0,
        read=lambda: next(pictures, (False, None)),
        release=lambda: released.append(True),
    )
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: camera)
    reader = open_reader(names)
    assert isinstance(reader, CameraReader)
    assert (reader.name, reader.fps, reader.total, count_of(reader)) == ("camera 0", None, None, 5)
    assert released == [True]


def test_a_camera_without_a_picture_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    camera = SimpleNamespace(isOpened=lambda: True, get=lambda _: 30.0, read=lambda: (False, None))
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: camera)
    with pytest.raises(FrameError, match="camera 3 is open but gives no picture"):
        open_reader(["3"]).read(0)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["gone.avi"], "gone.avi does not exist"),
        (["9999"], "camera 9999 cannot be opened"),
        (["nothing"], "nothing holds no image"),
        (["*.bmp"], r"No image matches '\*.bmp'"),
        (["frames", "1,2,3,4"], "1,2,3,4 is not an image"),
    ],
)
def test_what_is_no_source_is_named(
    names: list[str], message: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    Path("nothing").mkdir()
    with pytest.raises(ToolkitError, match=message):
        open_reader(names)


def test_an_unreadable_frame_is_named_and_the_next_is_read(folder: Path) -> None:
    (folder / "4.png").write_text("not an image")
    reader = open_reader([str(folder)])
    with pytest.raises(FrameError, match=r"4\.png"):
        reader.read(3)
    assert reader.read(4) is not None
