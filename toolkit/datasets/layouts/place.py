"""How a layout finds its sequences: patterns of paths, and the one way to open what they lead to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.annotation import GroundTruth, TextFile, read_flags, read_ground_truth
from toolkit.datasets.catalog import BenchmarkRow
from toolkit.datasets.image_folder import ImageFolder, has_image
from toolkit.datasets.sequence import Sequence

Found: TypeAlias = dict[str, Callable[[], Sequence]]
"""Name of each sequence found -> the call that opens it; finding reads no annotation."""


@dataclass(frozen=True)
class Place:
    """One sequence found: its name, the folder that was searched, its annotation file relative to it."""

    name: str
    base: Path
    annotation: str

    @property
    def path(self) -> Path:
        return self.base / self.annotation

    @property
    def folder(self) -> Path:
        """Where the annotation file lies."""
        return self.path.parent

    @property
    def video(self) -> str:
        """The video a part was cut from: `bird1` for `bird1_2`."""
        return re.sub(r"_\d+$", "", self.name)


Opener: TypeAlias = Callable[[BenchmarkRow, Place], Sequence]


def find_places(base: Path, row: BenchmarkRow, opener: Opener) -> Found:
    """Every sequence below `base` that one of the row's annotation patterns leads to; a file belongs to the first."""
    found: Found = {}
    taken: set[Path] = set()
    for pattern in row.annotations:
        shape = _pattern_regex(pattern)
        for path in sorted(base.glob(re.sub(r"\{\w+\}", "*", pattern))):
            match = shape.fullmatch(path.relative_to(base).as_posix())
            if match and path not in taken:
                taken.add(path)
                target = match.groupdict().get("target")
                name = match["name"] + (f"-{target}" if target else "")
                found.setdefault(name, partial(opener, row, Place(name, base, match.group())))
    return found


def open_place(row: BenchmarkRow, place: Place) -> Sequence:
    """Boxes or masks, images and attributes of one sequence, as most benchmarks store them.

    Also annotations in one folder with `att/` beside them, images in another: UAV123, UAVDT, TrackingNet.
    """
    return assemble(row, place, read_ground_truth(TextFile.at(place.path)))


def assemble(row: BenchmarkRow, place: Place, truth: GroundTruth) -> Sequence:
    """The sequence with its part of the annotation rows, shifted to 0-based, and its images where they are."""
    first, last = row.image_ranges.get(place.name, (row.first_image, None))
    boxes = truth.boxes
    if first is not None and last is not None and len(boxes) >= last:
        boxes = boxes[first - 1 : last]  # the file annotates from image 1 on
    if row.one_based:
        boxes = boxes - (np.array([1.0, 1.0, 0.0, 0.0]) if boxes.shape[1] == 4 else 1.0)
    return Sequence(
        place.name,
        boxes,
        frames=find_frames(row, place, first, len(boxes)),
        attributes=read_attributes(row, place.folder / "att", place.name),
        masks=truth.masks,
    )


def find_frames(row: BenchmarkRow, place: Place, first: int | None, rows: int) -> ImageFolder | None:
    """The first of the row's image folders that holds an image; a single annotated row leaves the count open."""
    for pattern in row.frames:
        parent = Path(place.annotation).parent.as_posix()
        folder = place.base / pattern.format(dir=parent, name=place.name, video=place.video)
        if has_image(folder):
            shared = place.name in row.image_ranges
            cut_out = shared and "{name}" in pattern  # a part's own folder, own numbering
            return ImageFolder(
                folder, first=None if cut_out else first, count=rows if rows > 1 else None, shared=shared
            )
    return None


def read_attributes(row: BenchmarkRow, folder: Path, name: str) -> tuple[str, ...]:
    """Whole-sequence attributes from `<folder>/<name>.txt` or `<name>_att.txt`, 0/1 flags; () without such a file."""
    for file_name in (f"{name}.txt", f"{name}_att.txt"):
        path = folder / file_name
        if path.is_file():
            return attribute_names(row, read_flags(TextFile.at(path)))
    return ()


def attribute_names(row: BenchmarkRow, flags: NDArray[np.bool_]) -> tuple[str, ...]:
    """The row's names of the flags that are set; numbered from 1 when the row does not know that many."""
    known = row.attributes
    if len(known) != len(flags):
        known = tuple(f"attribute {number}" for number in range(1, len(flags) + 1))
    return tuple(name for name, holds in zip(known, flags, strict=True) if holds)


def _pattern_regex(pattern: str) -> re.Pattern[str]:
    """`{name}` matches within one folder or file name, and the same text again where it is repeated."""
    seen: set[str] = set()
    parts = []
    for part in re.split(r"(\{\w+\})", pattern):
        key = part[1:-1] if part.startswith("{") else ""
        if not key:
            parts.append(re.escape(part))
        elif key in seen:
            parts.append(f"(?P={key})")
        else:
            seen.add(key)
            parts.append(rf"(?P<{key}>\d+)" if key == "target" else f"(?P<{key}>[^/]+?)")
    return re.compile("".join(parts))
