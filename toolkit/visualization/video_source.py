"""Readers of frames: a video file, a folder of images, a list of images, or a camera."""

from __future__ import annotations

import glob
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from toolkit.datasets.frames import FrameSource, Image, ImageFiles, VideoFile
from toolkit.datasets.image_folder import ImageFolder, has_image, is_image, natural_key
from toolkit.datasets.layouts.own import IMAGE_FOLDERS
from toolkit.errors import FrameError, ToolkitError
from toolkit.utils.opencv import quiet_opencv

_WHOLE = 0.95  # headers are often a few frames off


class FrameReader(ABC):
    """Reads frames one after the other.

    Attributes:
        name: what a message calls it.
        fps: frames per second when the reader knows, else None.
        total: number of frames when it is known without decoding (a video's header may be wrong), else None.
        folder: the folder that images are read from, else None.
        file: the video file, else None.
    """

    name: str
    fps: float | None = None
    total: int | None = None
    folder: Path | None = None
    file: Path | None = None

    @abstractmethod
    def read(self, index: int) -> Image | None:
        """Frame `index`, (H, W, 3) uint8 BGR, called with 0, 1, 2, ...; None after the last one.

        Raises `FrameError` naming a frame that cannot be read; the next one may be.
        """

    def close(self) -> None:  # noqa: B027
        """Gives back what other programs may want; most readers hold nothing."""


class ImageReader(FrameReader):
    """Reads image files in the order they are given."""

    def __init__(self, frames: FrameSource, name: str, folder: Path) -> None:
        self.frames, self.name, self.folder = frames, name, folder
        self.total = len(frames)

    def read(self, index: int) -> Image | None:
        return self.frames[index] if index < len(self.frames) else None


class VideoReader(FrameReader):
    """Reads a video file. A frame that cannot be decoded is its end, and a `FrameError` when that comes too early."""

    def __init__(self, path: Path) -> None:
        self.name, self.file = path.name, path
        self.frames = VideoFile(path)
        with quiet_opencv():
            header = cv2.VideoCapture(str(path))
        self.fps = header.get(cv2.CAP_PROP_FPS) or None
        self.total = int(header.get(cv2.CAP_PROP_FRAME_COUNT)) or None
        header.release()
        self._ended = False

    def read(self, index: int) -> Image | None:
        try:
            with quiet_opencv():
                return self.frames[index]
        except FrameError:
            if index == 0:
                raise
            if self.total is not None and index < _WHOLE * self.total and not self._ended:
                self._ended = True
                raise FrameError(
                    f"{self.file} ends after {index} of the {self.total} frames that its header announces. It may be "
                    "damaged; copy it again."
                ) from None
            return None


class CameraReader(FrameReader):
    """Reads from a camera, by number."""

    def __init__(self, number: int) -> None:
        self.name = f"camera {number}"
        with quiet_opencv():
            self.capture = cv2.VideoCapture(number)
        if not self.capture.isOpened():
            raise FrameError(
                f"{self.name} cannot be opened. Connect one or check who may use it, or name a video file or a folder "
                "of images instead."
            )
        self.fps = self.capture.get(cv2.CAP_PROP_FPS) or None

    def read(self, index: int) -> Image | None:
        ok, image = self.capture.read()
        if not ok and index == 0:
            raise FrameError(f"{self.name} is open but gives no picture. Close other programs that use it.")
        return np.asarray(image, dtype=np.uint8) if ok else None

    def close(self) -> None:
        self.capture.release()


def open_reader(names: Sequence[str]) -> FrameReader:
    """The reader of what `names` say: nothing or a number is a camera, several names are image files.

    Raises `ToolkitError` or `FrameError` naming what is missing, empty or unreadable.
    """
    if len(names) > 1:
        return _images(names, f"{len(names)} images")
    name = names[0] if names else "0"
    path = Path(name)
    if path.is_dir():
        return _folder(path)
    if path.is_file():
        return _images([name], name) if is_image(path.name) else VideoReader(path)
    if name.isdigit():
        return CameraReader(int(name))
    if glob.has_magic(name):
        found = sorted((path for path in glob.glob(name) if is_image(Path(path).name)), key=natural_key)
        if not found:
            raise ToolkitError(f"No image matches '{name}'. Check the pattern.")
        return _images(found, name)
    raise ToolkitError(
        f"{name} does not exist. Give a video file, a folder of images, a pattern, or a camera's number."
    )


def _folder(path: Path) -> FrameReader:
    """The images in `path`, or in its `img/`, as benchmarks keep them."""
    for folder in (path, *(path / name for name in IMAGE_FOLDERS)):
        if has_image(folder):
            return ImageReader(ImageFolder(folder), str(path), folder)
    raise ToolkitError(
        f"{path} holds no image (looked in it and in its {', '.join(f'{name}/' for name in IMAGE_FOLDERS)})."
    )


def _images(names: Sequence[str], title: str) -> FrameReader:
    strangers = [name for name in names if not is_image(Path(name).name)]
    if strangers:
        stranger = min(strangers, key=lambda name: Path(name).exists())  # a stray word before a file of another kind
        raise ToolkitError(
            f"{stranger} is not an image. Give one video file or folder, or several images (and no box)."
        )
    return ImageReader(ImageFiles(names), title, Path(names[0]).parent)
