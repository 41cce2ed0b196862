"""A user's own data: a folder of sequences, one sequence, a folder of images, or a video file. Training and benchmarks
read the same folders, by `find_own`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from toolkit.datasets.annotation import GroundTruth, TextFile, read_ground_truth
from toolkit.datasets.frames import VideoFile
from toolkit.datasets.image_folder import ImageFolder, has_image, natural_key
from toolkit.datasets.layouts.place import Found
from toolkit.datasets.sequence import Sequence

VIDEO_SUFFIXES = frozenset({".avi", ".mp4", ".mov", ".mkv", ".m4v", ".mpg", ".mpeg", ".webm", ".wmv", ".mjpeg"})
IMAGE_FOLDERS = ("img", "imgs", "color", "images", "frames")
EXPECTED = (
    "folders that each hold images (in img/ or directly) and groundtruth.txt or groundtruth_rect.txt (for several "
    "targets groundtruth_1.txt, groundtruth_2.txt, ...)"
)
_TRUTH = re.compile(r"ground_?truth(_rect)?([._-](?P<target>\d+))?\.txt", re.IGNORECASE)


@dataclass(frozen=True)
class OwnSequence:
    """One sequence found, unopened.

    Attributes:
        name: `dog`, `group/dog`, or `dog-2` for its second target.
        images: the folder of its images, or its video file; None where there is neither.
        annotation: its boxes; None without.
    """

    name: str
    images: Path | None
    annotation: Path | None


def is_video(path: Path) -> bool:
    """Whether a file's name says that it is a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def find_own(path: Path) -> list[OwnSequence]:
    """The sequences at `path`: itself when it is a video or an annotated sequence; else in it, and where a folder in it
    is none, in that folder; else itself when it holds images.
    """
    if path.is_file():
        return [_video(path)] if is_video(path) else []
    own = list(_in_folder(path, path.resolve().name))
    if any(sequence.annotation for sequence in own):
        return own
    below: list[OwnSequence] = []
    for entry in _entries(path):
        if entry.is_dir():
            below += list(_in_folder(entry, entry.name)) or [
                sequence
                for inner in _entries(entry)
                if inner.is_dir()
                for sequence in _in_folder(inner, f"{entry.name}/{inner.name}")
            ]
        elif is_video(entry):
            below.append(_video(entry))
    return below if not own or any(sequence.annotation for sequence in below) else own


def own_data(path: Path) -> Found:
    """The sequences of `find_own`, ready to be opened; those one folder deeper only where they are annotated."""
    return {
        sequence.name.replace("/", "-"): partial(_open, sequence)
        for sequence in find_own(path)
        if sequence.annotation or "/" not in sequence.name
    }


def empty_sequences(path: Path) -> tuple[str, ...]:
    """Subfolders laid out as a sequence (`img/`, ...) that hold neither an image nor an annotation."""
    if not path.is_dir() or any(_in_folder(path, "")):
        return ()
    folders = sorted(entry for entry in path.iterdir() if entry.is_dir() and not any(_in_folder(entry, "")))
    return tuple(entry.name for entry in folders if any((entry / sub).is_dir() for sub in IMAGE_FOLDERS))


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=lambda entry: natural_key(entry.name))


def _in_folder(folder: Path, name: str) -> Iterator[OwnSequence]:
    """One sequence per target that `folder` annotates, or one without annotation when it holds images."""
    images = next((folder / sub for sub in (*IMAGE_FOLDERS, ".") if has_image(folder / sub)), None)
    matches = [match for file in folder.iterdir() if (match := _TRUTH.fullmatch(file.name))]
    truths: dict[str, Path] = {}
    for match in sorted(matches, key=lambda match: natural_key(match.group())):
        truths.setdefault(f"{name}-{match['target']}" if match["target"] else name, folder / match.group())
    if images is not None and not truths:
        yield OwnSequence(name, images, None)
    yield from (OwnSequence(target, images, annotation) for target, annotation in truths.items())


def _video(path: Path) -> OwnSequence:
    """A video with the boxes of `<stem>.txt` or `groundtruth.txt` beside it."""
    beside = (path.with_suffix(".txt"), path.with_name("groundtruth.txt"))
    return OwnSequence(path.stem, path, next((file for file in beside if file.is_file()), None))


def _open(own: OwnSequence) -> Sequence:
    truth = GroundTruth(np.empty((0, 4)))
    if own.annotation is not None:
        truth = read_ground_truth(TextFile.at(own.annotation))
    name, rows = own.name.replace("/", "-"), len(truth.boxes)
    if own.images is None or own.images.is_dir():
        frames = None if own.images is None else ImageFolder(own.images, count=rows if rows > 1 else None)
        return Sequence(name, truth.boxes, frames=frames, masks=truth.masks)
    return Sequence(name, truth.boxes, frames=VideoFile(own.images), masks=truth.masks)
