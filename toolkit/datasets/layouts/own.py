"""A user's own data: a folder of sequences, one sequence, a folder of images, or a video file."""

from __future__ import annotations

import re
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
_TRUTH = re.compile(r"groundtruth(_rect)?(\.(?P<target>\d+))?\.txt")


def is_video(path: Path) -> bool:
    """Whether a file's name says that it is a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def own_data(path: Path) -> Found:
    """The sequences at `path`: itself when it is a video or holds images or an annotation, else its subfolders."""
    if path.is_file():
        return {path.stem: partial(_open_video, path)} if is_video(path) else {}
    found = _folder_sequences(path)
    if found:
        return found
    for entry in sorted(path.iterdir(), key=lambda entry: natural_key(entry.name)):
        if entry.is_dir():
            found.update(_folder_sequences(entry))
        elif is_video(entry):
            found[entry.stem] = partial(_open_video, entry)
    return found


def empty_sequences(path: Path) -> tuple[str, ...]:
    """Subfolders laid out as a sequence (`img/`, ...) that hold neither an image nor an annotation."""
    if not path.is_dir() or _folder_sequences(path):
        return ()
    folders = sorted(entry for entry in path.iterdir() if entry.is_dir() and not _folder_sequences(entry))
    return tuple(entry.name for entry in folders if any((entry / sub).is_dir() for sub in IMAGE_FOLDERS))


def _folder_sequences(folder: Path) -> Found:
    """One sequence per annotation file in `folder` (`name-2` for a second target), or one without annotation."""
    images = next((folder / sub for sub in (*IMAGE_FOLDERS, ".") if has_image(folder / sub)), None)
    matches = [match for path in folder.glob("groundtruth*.txt") if (match := _TRUTH.fullmatch(path.name))]
    found: Found = {}
    for match in sorted(matches, key=lambda match: match.group()):
        name = folder.resolve().name + (f"-{match['target']}" if match["target"] else "")
        found.setdefault(name, partial(_open_folder, name, images, folder / match.group()))
    if not found and images is not None:
        found[folder.resolve().name] = partial(_open_folder, folder.resolve().name, images, None)
    return found


def _open_folder(name: str, images: Path | None, annotation: Path | None) -> Sequence:
    truth = _read_truth(annotation)
    rows = len(truth.boxes)
    frames = None if images is None else ImageFolder(images, count=rows if rows > 1 else None)
    return Sequence(name, truth.boxes, frames=frames, masks=truth.masks)


def _open_video(path: Path) -> Sequence:
    """The boxes of `<stem>.txt` or `groundtruth.txt` beside the video; (0, 4) without either."""
    beside = (path.with_suffix(".txt"), path.with_name("groundtruth.txt"))
    truth = _read_truth(next((file for file in beside if file.is_file()), None))
    return Sequence(path.stem, truth.boxes, frames=VideoFile(path), masks=truth.masks)


def _read_truth(annotation: Path | None) -> GroundTruth:
    return GroundTruth(np.empty((0, 4))) if annotation is None else read_ground_truth(TextFile.at(annotation))
