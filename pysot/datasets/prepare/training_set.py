"""Makes PySOT's prepared training sets: a crop around every annotated object, and one JSON file of boxes.

Below the chosen folder (docs/systems/siamrpn.md, Training data)::

    train.json                                {video: {track: {frame: [x1, y1, x2, y2]}}}, pixels of the original frame
    crop511/<video>/<frame>.<track>.x.jpg     what training reads
    crop511/<video>/<frame>.<track>.z.jpg     the template crop; optional, nothing reads it
    crop511/<video>/prepared.json             the video's part of train.json; written last: the video is complete

Frames are numbered from 0 in the order of the track, six digits; tracks from 0, two digits.
"""

from __future__ import annotations

import json
import multiprocessing as mp
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
from tqdm import tqdm

from pysot.core.errors import ConfigError, ImageError, SotError
from pysot.datasets.prepare.video import CropSettings, VideoRecord, prepare_video, read_record, to_json
from pysot.datasets.sources.base import Track, VideoSource
from pysot.datasets.sources.images import set_cache_size
from toolkit.results.writer import write_files
from toolkit.runner.pool import die_with_parent

ANNOTATION = "train.json"
FRAME_CACHE_MIB = 64
"""Decoded frames that a worker keeps: the objects of one frame are cut one after the other."""

_SPAWN = mp.get_context("spawn")


@dataclass(frozen=True)
class PrepareSummary:
    """What a call of `prepare` did.

    Attributes:
        root: the folder of crops.
        annotation: the JSON file.
        videos: everything in the set now; videos without a readable frame are not in the JSON file.
        resumed: how many of them an earlier call had made.
        crops: crops that this call made.
        seconds: how long it took.
    """

    root: Path
    annotation: Path
    videos: Mapping[str, VideoRecord]
    resumed: int
    crops: int
    seconds: float

    @property
    def unreadable(self) -> list[str]:
        """What was wrong with each frame that was left out."""
        return [message for record in self.videos.values() for message in record.unreadable]

    @property
    def masks(self) -> int:
        """How many crops have a mask in the source, which a prepared set does not hold."""
        return sum(record.masks for record in self.videos.values())

    @property
    def total_crops(self) -> int:
        """Crops in the set."""
        return sum(record.crops for record in self.videos.values())


def prepare(
    source: VideoSource,
    out: Path,
    settings: CropSettings | None = None,
    *,
    workers: int = 1,
    overwrite: bool = False,
    progress: bool = False,
) -> PrepareSummary:
    """Makes a prepared set of every video of `source`, or finishes one that was interrupted.

    A frame that cannot be read is left out and listed in the summary. Videos that are complete are kept, unless they
    were made with other settings or `overwrite` is set.

    Args:
        workers: videos at once, one process each; 1 works in this process.
        progress: shows a progress bar on stderr.

    Raises:
        ConfigError: two videos of one name; a name that is no path below `out`; `out` holds another set.
        ImageError: no frame at all can be read.
        SotError: a worker process died; files of an older call cannot be removed.
        ResultError: a file cannot be written.
    """
    began = time.perf_counter()
    settings = settings or CropSettings()
    videos = _by_name(source)
    root, annotation = out / settings.folder, out / ANNOTATION
    if not overwrite:
        _refuse_other_set(annotation, videos)
    found = {} if overwrite else {name: read_record(root / name, tracks, settings) for name, tracks in videos.items()}
    records = {name: record for name, record in found.items() if record is not None}
    resumed = len(records)
    pending = {name: tracks for name, tracks in videos.items() if name not in records}
    with tqdm(
        total=sum(map(settings.planned, pending.values())), desc=source.name, unit="crop", disable=not progress
    ) as bar:
        for name, record in _make_all(pending, root, settings, workers):
            records[name] = record
            bar.update(settings.planned(pending[name]))
    records = {name: records[name] for name in videos}
    if not any(record.crops for record in records.values()):
        first = next(message for record in records.values() for message in record.unreadable)
        raise ImageError(f"{source.name}: no frame of its {len(records)} videos can be read. The first: {first}")
    write_files({annotation: to_json({name: record.boxes for name, record in records.items() if record.crops})})
    made = sum(records[name].crops for name in pending)
    return PrepareSummary(root, annotation, records, resumed, made, time.perf_counter() - began)


def _by_name(source: VideoSource) -> dict[str, list[Track]]:
    """The videos under the names of their folders."""
    names = [tracks[0].name for tracks in source.videos]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ConfigError(
            f"{source.name}: {len(twice)} names stand for several videos, first '{twice[0]}', and would share a "
            "folder. Rename the folders of the source, or prepare its parts one by one."
        )
    for name in names:
        path = PurePosixPath(name)
        if not name or "\\" in name or path.is_absolute() or ".." in path.parts:
            raise ConfigError(f"{source.name}: the video name '{name}' is no path below the folder of crops.")
    return dict(zip(names, source.videos, strict=True))


def _refuse_other_set(annotation: Path, videos: Mapping[str, list[Track]]) -> None:
    """Raises `ConfigError` when the JSON file there names videos that this source does not have."""
    try:
        known = json.loads(annotation.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):  # the second is for the first write to print_error about
        return
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{annotation} is there but cannot be read: {error}. Remove it, or choose another folder."
        ) from error
    others = [name for name in known if name not in videos]
    if others:
        raise ConfigError(
            f"{annotation} describes another set: {len(others)} of its {len(known)} videos are not in this source, "
            f"first '{others[0]}'. Choose another folder, or overwrite it on purpose."
        )


def _make_all(
    videos: Mapping[str, list[Track]], root: Path, settings: CropSettings, workers: int
) -> Iterator[tuple[str, VideoRecord]]:
    """Prepares the videos, in `workers` processes when there are several; yields each as it is complete."""
    if min(workers, len(videos)) <= 1:
        for name, tracks in videos.items():
            yield name, prepare_video(tracks, root / name, settings)
        return
    pool = ProcessPoolExecutor(min(workers, len(videos)), mp_context=_SPAWN, initializer=_start_worker)
    try:
        futures = {pool.submit(prepare_video, tracks, root / name, settings): name for name, tracks in videos.items()}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise SotError(
            "A worker process died, often for want of memory. Complete videos are kept: the same call goes on from "
            "there; use fewer workers."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    """Spawned workers end with Ctrl-C and with the process that started them; a damaged image is reported by us."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=die_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    set_cache_size(FRAME_CACHE_MIB)
