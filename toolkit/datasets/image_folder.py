"""The images of one folder, put in the order and number that the annotation expects."""

from __future__ import annotations

import os
import re
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from toolkit.datasets.frames import FrameSource, Image, read_image
from toolkit.errors import FrameError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})
_DIGITS = re.compile(r"\d+")
_TIME = re.compile(r"\d+[.]\d{3,}|\d{9,}[.]\d+")  # seconds; `1.10` may as well be two counters


class ImageFolder(FrameSource):
    """Frames of a folder by image number. The folder is listed at the first use, so building a source costs nothing.

    Args:
        folder: where the images lie.
        first: number of the first frame's image, or None when the folder's first image is the first frame.
        count: how many frames there must be, or None for as many as there are. An image that the numbering asks for
            but that is not there keeps its place, so that the later ones stay aligned with their annotation:
            reading it raises `FrameError`.
        shared: whether the folder is known to hold images of other sequences, or images that are not used.
    """

    def __init__(
        self, folder: str | Path, *, first: int | None = None, count: int | None = None, shared: bool = False
    ) -> None:
        self.folder = Path(folder)
        self.first = first
        self.count = count
        self.shared = shared

    @cached_property
    def present(self) -> list[str]:
        """Names of the images that are there, in natural order (`2.jpg` before `10.jpg`)."""
        return list_images(self.folder)

    @cached_property
    def names(self) -> list[str]:
        """File name of every frame, whether the file is there or not."""
        return _arrange(self.present, self.first, self.count)

    def __len__(self) -> int:
        return self.count if self.count is not None else len(self.names)

    def __getitem__(self, index: int) -> Image:
        return read_image(Path(self.label(index)))

    def label(self, index: int) -> str:
        if not self.present:
            raise FrameError(f"{self.folder} holds no image. Unpack the sequence's images there.")
        if not 0 <= index < len(self.names):
            raise FrameError(f"{self.folder} has frames 0..{len(self.names) - 1}, not {index}.")
        return str(self.folder / self.names[index])


def is_image(name: str) -> bool:
    """Whether a file's name says that it is an image."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not name.startswith(".")


def has_image(folder: Path) -> bool:
    """Whether `folder` exists and holds at least one image; stops at the first."""
    try:
        with os.scandir(folder) as entries:
            return any(is_image(entry.name) for entry in entries)
    except OSError:
        return False


def list_images(folder: Path) -> list[str]:
    """Names of the images in `folder`, in natural order. Raises `FrameError` when it cannot be listed."""
    try:
        return sorted(filter(is_image, os.listdir(folder)), key=natural_key)
    except OSError as error:
        raise FrameError(f"{folder}: cannot list the images of this folder ({error.strerror}).") from error


def natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """Sorts the digits in a name by their value; a name that is nothing but a decimal number, a time, by that."""
    stem = name.rpartition(".")[0]
    if _TIME.fullmatch(stem):
        whole, _, fraction = stem.partition(".")
        return (int(whole), whole), (int(fraction[:9].ljust(9, "0")), fraction)
    return tuple((int(part), part) if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name))


def image_numbers(names: list[str]) -> list[int] | None:
    """The number each image carries, its name's last digits; None unless they rise from image to image, as those of a
    name that is a time need not.
    """
    found = [_DIGITS.findall(os.path.splitext(name)[0]) for name in names]
    numbers = [int(digits[-1]) for digits in found if digits]
    rising = len(numbers) == len(names) and all(a < b for a, b in pairwise(numbers))
    return numbers if rising else None


def _arrange(present: list[str], first: int | None, count: int | None) -> list[str]:
    """The `count` names from image number `first` on; numbers without a file get the name the file would have."""
    numbers = image_numbers(present)
    if not present or numbers is None:
        return present if count is None else present[:count]
    if first is None:
        first, numbered = numbers[0], False
    else:  # a copy numbered from elsewhere is whole when nothing is missing from it
        numbered = len(present) != count or numbers[-1] - numbers[0] != count - 1
    if count is None:
        return [name for name, number in zip(present, numbers, strict=True) if number >= first]
    if not numbered and len(present) >= count:
        return present[:count]
    by_number = dict(zip(numbers, present, strict=True))
    return [by_number.get(number) or _renumber(present, number) for number in range(first, first + count)]


def _renumber(present: list[str], number: int) -> str:
    """The name that image `number` would have beside those present: same prefix, suffix and zero padding."""
    stem, suffix = os.path.splitext(present[0])
    last = list(_DIGITS.finditer(stem))[-1]
    padded = len({len(name) for name in present}) == 1
    digits = str(number).zfill(len(last.group()) if padded else 1)
    return f"{stem[: last.start()]}{digits}{stem[last.end() :]}{suffix}"
