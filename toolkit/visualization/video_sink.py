"""Writers of frames: into a video file, or as images into a folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.frames import Image
from toolkit.datasets.image_folder import has_image
from toolkit.errors import ToolkitError
from toolkit.utils.opencv import quiet_opencv

CODECS: dict[str, tuple[str, ...]] = {
    ".mp4": ("mp4v",),
    ".m4v": ("mp4v",),
    ".mov": ("mp4v",),
    ".mkv": ("mp4v",),
    ".avi": ("MJPG", "XVID"),
}
"""Containers, and the encoders in OpenCV's wheels that fit them, best first."""

_FALLBACK = ".avi"  # OpenCV writes MJPG in AVI without any library


class Sink(ABC):
    """Takes frames one by one; leaving the context finishes the files.

    Attributes:
        path: where the frames go; final after the first `write`.
        frames: how many were written.
    """

    path: Path
    frames: int = 0

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close()

    @abstractmethod
    def write(self, image: Image) -> None:
        """Appends a frame. Raises `ToolkitError` naming the file when it cannot be written."""

    def close(self) -> None:  # noqa: B027 - images need no end
        """Finishes the file."""


class VideoSink(Sink):
    """A video file, opened at the first frame; later frames of another size are scaled to the first one's.

    When no encoder for the wanted container is in this OpenCV build, the same name with `.avi` is written.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self.path, self.fps = path, fps
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def write(self, image: Image) -> None:
        if self._writer is None:
            self._size = (image.shape[1], image.shape[0])
            self._writer = self._open()
        if (image.shape[1], image.shape[0]) != self._size:
            image = np.asarray(cv2.resize(image, self._size), dtype=np.uint8)
        self._writer.write(image)
        self.frames += 1

    def close(self) -> None:
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        if not self.path.is_file() or self.path.stat().st_size == 0:
            raise ToolkitError(f"{self.path} could not be written: it is empty. Check the free space of that disk.")

    def _open(self) -> cv2.VideoWriter:
        make_folder(self.path.parent)
        tried = []
        for path in dict.fromkeys((self.path, self.path.with_suffix(_FALLBACK))):
            for codec in CODECS[path.suffix.lower()]:
                with quiet_opencv():
                    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), self.fps, self._size)
                if writer.isOpened():
                    self.path = path
                    return writer
                tried.append(f"{codec} in {path.suffix}")
        raise ToolkitError(
            f"{self.path} cannot be written: OpenCV opened none of {', '.join(tried)}. Check that the folder may be "
            "written to, or save images into a folder: FOLDER/."
        )


class FolderSink(Sink):
    """Numbered JPEG files in a folder: `00000000.jpg`, ..."""

    def __init__(self, folder: Path) -> None:
        if has_image(folder):
            raise ToolkitError(f"{folder} already holds images. Choose another folder, or empty it.")
        self.path = folder

    def write(self, image: Image) -> None:
        make_folder(self.path)
        file = self.path / f"{self.frames:08d}.jpg"
        try:
            file.write_bytes(encode_image(image, ".jpg"))
        except OSError as error:
            raise ToolkitError(f"{file} cannot be written: {error.strerror}.") from error
        self.frames += 1


def open_sink(target: str, fps: float) -> Sink:
    """The sink for a path: a video for a known suffix, a folder where the path has none, ends with / or is one.

    Raises `ToolkitError` when the suffix is unknown, or the folder already holds images.
    """
    path = Path(target)
    if path.is_dir() or target.endswith(("/", "\\")) or not path.suffix:
        return FolderSink(path)
    if path.suffix.lower() not in CODECS:
        raise ToolkitError(
            f"{target}: cannot save {path.suffix} files. Use {', '.join(CODECS)}, or a folder: {path.stem}/."
        )
    return VideoSink(path, fps)


def encode_image(image: NDArray[np.uint8], suffix: str = ".png") -> bytes:
    """The content of an image file of (H, W, 3) BGR or (H, W) gray pixels; `suffix` names its format.

    Raises `ToolkitError` when OpenCV cannot write that format.
    """
    try:
        done, content = cv2.imencode(suffix, image)
    except cv2.error:
        done = False
    if not done:
        raise ToolkitError(f"OpenCV cannot write {suffix} pictures here. Reinstall opencv-python-headless.")
    return content.tobytes()


def make_folder(folder: Path) -> None:
    """Creates `folder` and its parents. Raises `ToolkitError` naming it when that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolkitError(f"The folder {folder} cannot be created: {error.strerror}.") from error
