"""PySOT's prepared training sets: one crop around every annotated object, and one JSON file
(docs/systems/siamrpn.md, Training data).

::

    ANNO                                            {video: {track: {frame: [x1, y1, x2, y2] or [w, h]}}}
    ROOT/<video>/<frame, six digits>.<track>.x.jpg  the object in the middle; s_z is 127 pixels
"""

from __future__ import annotations

import json
import logging
import os
from array import array
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from pysot.core.crop import context_side
from pysot.core.errors import ConfigError
from pysot.datasets.sources.base import SOURCES, AnnotatedFrame, Track, VideoSource
from pysot.datasets.sources.images import read_frame

logger = logging.getLogger(__name__)

EXEMPLAR_SIZE = 127
CONTEXT = 0.5
_SHOWN = 10


class CropTrack(Track):
    """The crops of one object.

    Args:
        name: the video's.
        root: the folder of crops.
        track: the object's number as the file names have it.
        frames: number of each frame.
        sizes: width and height of the object in each original frame, one after the other.
    """

    __slots__ = ("frames", "name", "root", "sizes", "track")

    def __init__(self, name: str, root: Path, track: str, frames: array[int], sizes: array[float]) -> None:
        self.name, self.root, self.track, self.frames, self.sizes = name, root, track, frames, sizes

    def __len__(self) -> int:
        return len(self.frames)

    def file_name(self, index: int) -> str:
        """Name of crop `index` in the video's folder."""
        return f"{self.frames[index]:06d}.{self.track}.x.jpg"

    def read(self, index: int) -> AnnotatedFrame:
        path = self.root / self.name / self.file_name(index)
        image = read_frame(path)
        size = np.array(self.sizes[2 * index : 2 * index + 2])
        size *= EXEMPLAR_SIZE / context_side((size[0], size[1]), CONTEXT)
        center = np.array([image.shape[1] // 2, image.shape[0] // 2])
        return AnnotatedFrame(image, np.concatenate([center - size / 2, size]), None, str(path))

    def without(self, indices: set[int]) -> CropTrack:
        """The track less some of its crops."""
        kept = [index for index in range(len(self)) if index not in indices]
        sizes = array("d", [self.sizes[2 * index + side] for index in kept for side in (0, 1)])
        return CropTrack(self.name, self.root, self.track, array("i", [self.frames[index] for index in kept]), sizes)


@SOURCES.register("crop511")
class Crop511Source(VideoSource):
    """A prepared set. The box in a crop has the size the object has there, and the crop's middle as its center.

    Args:
        root: the folder of crops.
        anno: the JSON file. Boxes without area are dropped, with a warning; keys of frames that are no number are
            passed over, as PySOT does.
        frame_range: how far, in annotated frames, the other frame of a pair may lie from the first.
        name, num_use: see `Source`.
        check_files: look whether every crop is there; lists each folder once.
        skip_missing: go on, with a warning, without the crops that are not there.

    Raises:
        ConfigError: `root` or `anno` is missing, the JSON is damaged or of another form, crops are missing (the first
            ten are listed), or nothing is left.
    """

    def __init__(
        self,
        name: str,
        root: str | Path,
        anno: str | Path,
        frame_range: int = 100,
        num_use: int = -1,
        check_files: bool = True,
        skip_missing: bool = False,
    ) -> None:
        root, anno = Path(root), Path(anno)
        for key, path, there in (("ROOT", root, root.is_dir()), ("ANNO", anno, anno.is_file())):
            if not there:
                raise ConfigError(
                    f"{name}: {key} {path} does not exist. Set DATASET.{name}.{key}, prepare the set with "
                    f"`tools/data.py prepare`, or take {name} out of DATASET.NAMES."
                )
        videos = _read_videos(name, root, anno)
        if check_files:
            videos = _check_files(name, root, videos, skip_missing)
        super().__init__(name, videos, frame_range, num_use)


def _read_videos(name: str, root: Path, anno: Path) -> list[list[CropTrack]]:
    """The tracks of the JSON file, those without a valid box left out."""
    videos, dropped = [], 0
    for video, entries in _items(_load(anno), str(anno)):
        tracks = []
        for number, frames in _items(entries, f"{anno}: video '{video}'"):
            track, bad = _read_track(video, root, number, frames, anno)
            dropped += bad
            if len(track):
                tracks.append(track)
        if tracks:
            videos.append(tracks)
    if dropped:
        logger.warning("%s: %d boxes of %s have no area (or are inverted) and are dropped.", name, dropped, anno)
    return videos


def _read_track(video: str, root: Path, number: str, entries: Any, anno: Path) -> tuple[CropTrack, int]:
    """The track, and how many of its boxes have no area."""
    frames, sizes, bad = array("i"), array("d"), 0
    where = f"{anno}: video '{video}', track '{number}'"
    for frame, box in sorted((int(key), box) for key, box in _items(entries, where) if key.isdigit()):
        width, height = _size(box, where, frame)
        if 0 < width < np.inf and 0 < height < np.inf:
            frames.append(frame)
            sizes.extend((width, height))
        else:
            bad += 1
    return CropTrack(video, root, number, frames, sizes), bad


def _size(box: Any, where: str, frame: int) -> tuple[float, float]:
    try:
        if len(box) == 4:
            return box[2] - box[0], box[3] - box[1]
        width, height = box
        return width + 0.0, height + 0.0
    except (TypeError, ValueError, KeyError) as error:
        raise ConfigError(
            f"{where}, frame {frame}: {str(box)[:60]} is no box; expected [x1, y1, x2, y2] or [width, height]."
        ) from error


def _load(anno: Path) -> Any:
    try:
        return json.loads(anno.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{anno}: cannot read this annotation file ({error}). Download or prepare it again."
        ) from error
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{anno}:{error.lineno}: this annotation file is damaged: {error.msg} (column {error.colno}). Download or "
            "prepare it again."
        ) from error


def _items(content: Any, where: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(content, Mapping):
        raise ConfigError(
            f"{where} holds {str(content)[:60]}; expected an object. The form of the file is "
            "{video: {track: {frame: [x1, y1, x2, y2]}}}."
        )
    yield from content.items()


def _check_files(name: str, root: Path, videos: list[list[CropTrack]], skip: bool) -> list[list[CropTrack]]:
    """The tracks whose crops are there; one listing per folder, because asking file by file takes hours on big sets."""
    total = sum(len(track) for video in videos for track in video)
    missing: list[str] = []
    kept: list[list[CropTrack]] = []
    for video in videos:
        there: set[str] = set()
        with suppress(OSError):
            there = set(os.listdir(root / video[0].name))
        kept.append([])
        for track in video:
            gone = {index for index in range(len(track)) if track.file_name(index) not in there}
            missing += [str(root / track.name / track.file_name(index)) for index in sorted(gone)]
            kept[-1] += [track.without(gone) if gone else track] if len(gone) < len(track) else []
    if not missing:
        return videos
    listed = "".join(f"\n  {path}" for path in missing[:_SHOWN])
    rest = f"\n  and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    summary = f"{name}: {len(missing)} of {total} crops that the annotation names are not in {root}:{listed}{rest}"
    if not skip:
        raise ConfigError(
            f"{summary}\nCheck ROOT, restore the files, or go on without them with --skip-missing (SKIP_MISSING True)."
        )
    logger.warning("%s\nTraining goes on without them.", summary)
    return [tracks for tracks in kept if tracks]
