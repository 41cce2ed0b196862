"""What is written can be read back, and what cannot be written is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from toolkit.datasets.frames import VideoFile, read_image
from toolkit.errors import ToolkitError
from toolkit.visualization import FolderSink, Sink, VideoSink, make_folder, open_sink, video_sink

Render = Callable[[int], np.ndarray]


@pytest.mark.parametrize("name", ["out.mp4", "out.avi", "deep/er/out.mkv"])
def test_a_video_holds_the_frames_written(name: str, tmp_path: Path, frame: Render) -> None:
    with open_sink(str(tmp_path / name), 12.5) as sink:
        for index in range(4):
            sink.write(frame(index))
    assert isinstance(sink, VideoSink)
    assert (sink.frames, sink.path) == (4, tmp_path / name)
    assert len(VideoFile(sink.path)) == 4
    assert VideoFile(sink.path)[0].shape == (120, 160, 3)
    assert cv2.VideoCapture(str(sink.path)).get(cv2.CAP_PROP_FPS) == pytest.approx(12.5, abs=0.1)


@pytest.mark.parametrize("name", ["out/", "out"])
def test_a_folder_holds_numbered_images(name: str, tmp_path: Path, frame: Render) -> None:
    with open_sink(f"{tmp_path}/{name}", 30.0) as sink:
        for index in range(3):
            sink.write(frame(index))
    assert isinstance(sink, FolderSink)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{index:08d}.jpg" for index in range(3)]
    square = read_image(tmp_path / "out" / "00000002.jpg")[36:52, 48:64].astype(int)
    assert np.abs(square - (40, 230, 230)).max() < 20  # through JPEG


def test_a_missing_encoder_falls_back_to_avi(tmp_path: Path, frame: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(video_sink.CODECS, ".mkv", ("ZZZZ",))
    with VideoSink(tmp_path / "out.mkv", 25.0) as sink:
        sink.write(frame(0))
        sink.write(cv2.resize(frame(1), (80, 60)))  # another size is scaled, not lost
    assert sink.path == tmp_path / "out.avi"
    assert len(VideoFile(sink.path)) == 2


def test_no_encoder_at_all_names_the_file(tmp_path: Path, frame: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    for suffix in (".mkv", ".avi"):
        monkeypatch.setitem(video_sink.CODECS, suffix, ("ZZZZ",))
    with (
        pytest.raises(ToolkitError, match=r"out\.mkv cannot be written.*ZZZZ in \.mkv, ZZZZ in \.avi"),
        VideoSink(tmp_path / "out.mkv", 25.0) as sink,
    ):
        sink.write(frame(0))


def test_a_sink_without_frames_writes_nothing(tmp_path: Path) -> None:
    with open_sink(str(tmp_path / "out.mp4"), 30.0) as sink:
        assert isinstance(sink, Sink)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_suffix_and_an_occupied_folder_are_refused(folder: Path) -> None:
    with pytest.raises(ToolkitError, match=r"cannot save \.gif files. Use \.mp4"):
        open_sink("out.gif", 30.0)
    with pytest.raises(ToolkitError, match="already holds images"):
        open_sink(str(folder), 30.0)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ToolkitError, match="cannot be created"):
        make_folder(tmp_path / "file" / "below")
