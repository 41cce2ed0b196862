"""Reading the files of training data: whole frames and masks, or an error that names the file; with a bounded cache."""

from __future__ import annotations

import struct
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pysot.core.crop import Image
from pysot.core.errors import ConfigError, ImageError
from toolkit.datasets.frames import read_image
from toolkit.errors import FrameError

_TAIL = 64  # bytes at the end of a file in which nearly all encoders have written their end marker


class ImageCache:
    """Decoded images of this process, the least recently used dropped first.

    Args:
        mib: how much the images may take together, MiB; 0 keeps none.
    """

    def __init__(self, mib: float = 0) -> None:
        self._images: OrderedDict[object, NDArray[Any]] = OrderedDict()
        self._used = 0
        self.resize(mib)

    @property
    def used_mib(self) -> float:
        """What the kept images take, MiB."""
        return self._used / 2**20

    def resize(self, mib: float) -> None:
        """Sets the bound, and drops what no longer fits."""
        if not mib >= 0:
            raise ConfigError(f"The size of the image cache is {mib} MiB; expected 0 (no cache) or more.")
        self._limit = int(mib * 2**20)
        self._shrink()

    def get(self, key: object, read: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """The image kept as `key`, or what `read()` gives; read-only, because it is handed out again."""
        if key in self._images:
            self._images.move_to_end(key)
            return self._images[key]
        image = read()
        image.setflags(write=False)
        if image.nbytes <= self._limit:
            self._images[key] = image
            self._used += image.nbytes
            self._shrink()
        return image

    def _shrink(self) -> None:
        while self._used > self._limit:
            _, image = self._images.popitem(last=False)
            self._used -= image.nbytes


_CACHE = ImageCache()


def set_cache_size(mib: float) -> None:
    """Bounds the cache of decoded frames and masks of this process, MiB; 0 (as at the start) keeps none.

    Every worker process has a cache of its own, so that the memory of a run is `mib` times the number of workers.
    """
    _CACHE.resize(mib)


def read_frame(path: Path) -> Image:
    """The image file at `path` as (H, W, 3) uint8 BGR, read-only.

    Gray, 16-bit and 4-channel files are converted. Raises `ImageError` naming the file when it is missing, damaged or
    cut short: the decoder fills what a cut file lacks with gray and says nothing, so its end marker is looked for.
    """
    return _CACHE.get(path, lambda: _decode(path))


def read_mask(path: Path, value: int | None = None) -> NDArray[np.bool_]:
    """(H, W) bool, read-only: True where the mask at `path` holds `value`, or anything but 0 when `value` is None.

    A palette PNG counts by its palette index, as DAVIS and YouTube-VOS number their objects; of a color file the
    largest of the three channels counts. Raises `ImageError` naming the file when it is missing, damaged or cut short.
    """

    def select() -> NDArray[np.bool_]:
        levels = _decode_levels(path)
        return np.asarray(levels != 0 if value is None else levels == value, dtype=np.bool_)

    return _CACHE.get((path, value), select)


def mask_values(path: Path) -> list[int]:
    """The numbers other than 0 in the mask at `path`, ascending: the objects it shows. Raises as `read_mask`."""
    return [int(value) for value in np.unique(_decode_levels(path)) if value]


def _decode(path: Path) -> Image:
    try:
        image = read_image(path)
    except FrameError as error:
        raise ImageError(str(error)) from error
    _check_end(path)
    return image


def _decode_levels(path: Path) -> NDArray[Any]:
    """(H, W) of whole numbers: gray levels or palette indices."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: cannot read this mask ({error.strerror}). Restore the file.") from error
    data, step = palette_as_gray(data)
    levels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    if levels is None:
        raise ImageError(f"{path}: this mask cannot be decoded as an image. Restore the file.")
    _check_end(path)
    return (levels if levels.ndim == 2 else levels[..., :3].max(axis=-1)) // step


def _check_end(path: Path) -> None:
    """Raises `ImageError` when a JPEG or PNG lacks its end marker."""
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(-min(_TAIL, path.stat().st_size), 2)
        tail = file.read()
    if head.startswith(b"\xff\xd8"):
        cut = False
        if b"\xff\xd9" not in tail:  # bytes after the marker (padding, notes of cameras) do no harm
            jpeg = path.read_bytes()
            cut = jpeg.rfind(b"\xff\xd9") < jpeg.rfind(b"\xff\xda")
    else:
        cut = head == b"\x89PNG" and b"IEND" not in tail and b"IEND" not in path.read_bytes()
    if cut:
        raise ImageError(f"{path}: this image file is cut short: its end marker is missing. Restore the file.")


_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE, _GRAY = 3, 0  # color types of the IHDR chunk
_KEPT = (b"IDAT", b"IEND")


def palette_as_gray(data: bytes) -> tuple[bytes, int]:
    """The same PNG with its palette taken away, so that a decoder gives gray levels `index * step`; and that step.

    Indices and gray levels are packed alike, hence only the header changes (PNG specification, sections 7.2 and 11.2).
    A decoder spreads the levels of 1, 2 and 4 bits over 0..255, hence the step. Any other data is returned as it is,
    with step 1.
    """
    header = data[16:29]  # width, height (4 bytes each), bit depth, color type, and three more of 1 byte
    if not data.startswith(_SIGNATURE + b"\0\0\0\rIHDR") or len(header) < 13 or header[9] != _PALETTE:
        return data, 1
    depth = header[8]
    gray = b"IHDR" + header[:9] + bytes([_GRAY]) + header[10:]
    parts = [_SIGNATURE, struct.pack(">I", len(header)), gray, struct.pack(">I", zlib.crc32(gray))]
    start = len(_SIGNATURE)
    while start + 8 <= len(data):
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        parts += [data[start:end]] if data[start + 4 : start + 8] in _KEPT else []
        start = end
    return b"".join(parts), 255 // (2**depth - 1) if depth in (1, 2, 4) else 1
