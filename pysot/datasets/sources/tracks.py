"""Tracks of recorded data: one object in image files, with boxes, masks or both; and the choice of videos by name."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import overload

import numpy as np
from numpy.typing import NDArray

from pysot.core.errors import ConfigError, ImageError
from pysot.core.registry import closest
from pysot.datasets.sources.base import AnnotatedFrame, Track
from pysot.datasets.sources.images import read_frame, read_mask
from toolkit.errors import ToolkitError, abbreviate
from toolkit.regions import Mask, bounding_box

logger = logging.getLogger(__name__)


class NumberedNames(Sequence[str]):
    """File names made from whole numbers when they are asked for: millions of frames then take four bytes each.

    Args:
        pattern: %-format of a name, `%08d.jpg`.
        numbers: (N,) the number of each file.
    """

    def __init__(self, pattern: str, numbers: NDArray[np.integer]) -> None:
        self.pattern, self.numbers = pattern, np.asarray(numbers, dtype=np.int32)

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return NumberedNames(self.pattern, self.numbers[index])
        return self.pattern % int(self.numbers[index])


class FileTrack(Track):
    """One object in image files, a box for each of them.

    Args:
        name: the video's.
        folder: what file names are relative to.
        files: image file of every frame.
        boxes_xywh: (N, 4), one row per file; frames whose row has a NaN or no area (an absent target) are not used.
        masks: mask file of every frame, None where there is none; anything but 0 in it is the object.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        files: Sequence[str],
        boxes_xywh: NDArray[np.floating],
        masks: Sequence[str | None] | None = None,
    ) -> None:
        self.name, self.folder, self.files, self.masks = name, folder, files, masks
        usable = np.isfinite(boxes_xywh).all(axis=1) & (boxes_xywh[:, 2:] > 0).all(axis=1)
        self._rows = np.flatnonzero(usable).astype(np.int32)
        self._boxes = np.ascontiguousarray(boxes_xywh[usable], dtype=np.float64)

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, index: int) -> AnnotatedFrame:
        row = int(self._rows[index])
        mask_file = None if self.masks is None else self.masks[row]
        mask = None if mask_file is None else read_mask(self.folder / mask_file)
        return annotate(self.folder / self.files[row], self._boxes[index], mask)


class MaskTrack(Track):
    """One object in image files with masks alone; its box is the mask's tight box.

    Whether a mask shows the object is seen only when it is read. A frame that does not show it is replaced by the
    nearest one that does.

    Args:
        name: the video's.
        folder: what file names are relative to.
        files, masks: image and mask file of every frame.
        value: number of the object in the masks.
    """

    def __init__(self, name: str, folder: Path, files: Sequence[str], masks: Sequence[str], value: int) -> None:
        self.name, self.folder, self.files, self.masks, self.value = name, folder, files, masks, value

    def __len__(self) -> int:
        return len(self.files)

    def read(self, index: int) -> AnnotatedFrame:
        for near in sorted(range(len(self)), key=lambda other: abs(other - index)):
            mask = read_mask(self.folder / self.masks[near], self.value)
            if mask.any():
                return annotate(self.folder / self.files[near], bounding_box(Mask(mask)), mask)
        raise ImageError(
            f"{self.folder / self.masks[index]}: object {self.value} is in none of the {len(self)} masks of this video."
        )


class StillTrack(Track):
    """One object of one image. Sets of images have many of them, hence the slots."""

    __slots__ = ("box_xywh", "file", "folder", "name")

    def __init__(self, name: str, folder: Path, file: str, box_xywh: tuple[float, float, float, float]) -> None:
        self.name, self.folder, self.file, self.box_xywh = name, folder, file, box_xywh

    def __len__(self) -> int:
        return 1

    def read(self, index: int) -> AnnotatedFrame:
        return annotate(self.folder / self.file, np.array(self.box_xywh, dtype=np.float64), None)


def annotate(path: Path, box_xywh: NDArray[np.float64], mask: NDArray[np.bool_] | None) -> AnnotatedFrame:
    """The frame at `path` with its annotation; a mask without a set pixel counts as no mask.

    Raises `ImageError` naming the file when it cannot be read, the mask has another size, or the box lies outside.
    """
    image = read_frame(path)
    height, width = image.shape[:2]
    if mask is not None and mask.shape != (height, width):
        raise ImageError(
            f"{path} is {width} x {height} pixels and its mask {mask.shape[1]} x {mask.shape[0]}. Make them agree."
        )
    x, y, w, h = box_xywh.tolist()
    if min(x + w, width) <= max(x, 0) or min(y + h, height) <= max(y, 0):
        raise ImageError(
            f"{path}: the box {x:g},{y:g},{w:g},{h:g} lies outside this image of {width} x {height} pixels. Correct "
            "the annotation; boxes are x,y,width,height from 0, and NaN where the target is absent."
        )
    return AnnotatedFrame(image, box_xywh.copy(), mask if mask is not None and mask.any() else None, str(path))


def select_names(
    known: Sequence[str], only: str | Sequence[str], exclude: str | Sequence[str], source: str
) -> list[str]:
    """The names among `known` that are to be used, in their order.

    Args:
        known: names of the videos that are there; `davis/dog` may be called `dog`.
        only: names to use; empty for all.
        exclude: names not to use. Either is a list, or the path of a text file with one name per line.
        source: what messages call the data set.

    Raises:
        ConfigError: a name in `only` is not there, or none of `exclude` is; where just some of `exclude` are not
            (lists of a whole benchmark, of which a part is there), it is logged.
    """
    kept, strange = _matching(known, _read_names(only, source))
    if strange:
        raise ConfigError(
            f"{source}: ONLY names {len(strange)} videos that are not there: {abbreviate(strange)}."
            f"{closest(strange[0], known)} Found {len(known)}: {abbreviate(list(known))}."
        )
    excluded = _read_names(exclude, source)
    dropped, strange = _matching(known, excluded)
    if excluded and not dropped:
        raise ConfigError(
            f"{source}: EXCLUDE names {abbreviate(excluded)}, and none of them is there.{closest(excluded[0], known)} "
            f"Found {len(known)}: {abbreviate(list(known))}."
        )
    if strange:
        logger.warning("%s: EXCLUDE names %d videos that are not there: %s", source, len(strange), abbreviate(strange))
    return [name for name in known if (name in kept or not kept) and name not in dropped]


@contextmanager
def as_config_error() -> Iterator[None]:
    """Turns what the toolkit's readers raise about annotations and folders into `ConfigError`."""
    try:
        yield
    except ToolkitError as error:
        raise ConfigError(str(error)) from error


def _matching(known: Sequence[str], wanted: Sequence[str]) -> tuple[set[str], list[str]]:
    """Those of `known` that are wanted, and what was wanted but is not known."""
    by_name: dict[str, list[str]] = {}
    for name in known if wanted else ():
        for spelling in {name, PurePosixPath(name).name}:
            by_name.setdefault(spelling, []).append(name)
    found = {name for want in wanted for name in by_name.get(want, ())}
    return found, [want for want in wanted if want not in by_name]


def _read_names(names: str | Sequence[str], source: str) -> list[str]:
    if not isinstance(names, str):
        return [str(name) for name in names]
    if not names:
        return []
    try:
        return Path(names).read_text(encoding="utf-8-sig").split()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{source}: ONLY and EXCLUDE are lists of names, or the path of a text file with one per line; "
            f"'{names}' cannot be read ({error})."
        ) from error
