"""Tracking benchmarks with boxes, as their archives unpack: GOT-10k, LaSOT, TrackingNet, OTB.

Annotations are read by the toolkit, as for a test run; no image is opened or looked for before it is drawn.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pysot.core.errors import ConfigError
from pysot.datasets.sources.base import SOURCES, VideoSource
from pysot.datasets.sources.tracks import FileTrack, NumberedNames, as_config_error, select_names
from toolkit.datasets import Sequence as Recording
from toolkit.datasets.catalog import BenchmarkRow, find_row
from toolkit.datasets.image_folder import ImageFolder
from toolkit.datasets.layouts import find_sequences
from toolkit.datasets.listings import LASOT_TEST
from toolkit.errors import abbreviate

logger = logging.getLogger(__name__)

TRACKING_NET_SETS = tuple(range(12))


@SOURCES.register("got10k")
class Got10kSource(VideoSource):
    """GOT-10k: `ROOT/<split>/<sequence>/{00000001.jpg,groundtruth.txt,absence.label,cover.label}`.

    Frames in which the target is absent, covered completely (cover 0) or without a box are not used.

    Args:
        root: the folder that holds `train/`, or that folder itself.
        frame_range: how far, in usable frames, the other frame of a pair may lie from the first.
        name, num_use: see `Source`.
        split: `train` or `val`.
        only: names of the sequences to use, or a text file with one per line; empty for all.
        exclude: names not to use, for instance those that overlap with VOT.

    Raises:
        ConfigError: no sequence found, or an annotation that cannot be parsed (file and line).

    Source: Huang et al., TPAMI 2021; docs/systems/atom.md, Training.
    """

    def __init__(
        self,
        name: str,
        root: str | Path,
        frame_range: int = 100,
        num_use: int = -1,
        split: str = "train",
        only: str | Sequence[str] = (),
        exclude: str | Sequence[str] = (),
    ) -> None:
        row = BenchmarkRow(
            name,
            "got10k_folders",
            annotations=(f"{split}/{{name}}/groundtruth.txt", "{name}/groundtruth.txt"),
            frames=("{dir}",),
        )
        super().__init__(name, _videos(row, Path(root), "%08d.jpg", 1, only, exclude), frame_range, num_use)


@SOURCES.register("lasot")
class LasotSource(VideoSource):
    """LaSOT's training part: `ROOT/<class>/<class>-<n>/{img,groundtruth.txt,full_occlusion.txt,out_of_view.txt}`.

    The 280 sequences of the test part are never used, wherever they lie; nor are frames in which the target is fully
    occluded, out of view or without a box.

    Args:
        root: the folder of the classes.
        frame_range: how far, in usable frames, the other frame of a pair may lie from the first.
        name, num_use: see `Source`.
        only, exclude: see `select_names`.

    Raises:
        ConfigError: no sequence found, or an annotation that cannot be parsed (file and line).

    Source: Fan et al., CVPR 2019, protocol II; docs/systems/atom.md, Training.
    """

    def __init__(
        self,
        name: str,
        root: str | Path,
        frame_range: int = 100,
        num_use: int = -1,
        only: str | Sequence[str] = (),
        exclude: str | Sequence[str] = (),
    ) -> None:
        row = BenchmarkRow(
            name, "lasot_folders", annotations=("{group}/{name}/groundtruth.txt", "{name}/groundtruth.txt")
        )
        videos = _videos(row, Path(root), "%08d.jpg", 1, only, exclude, never=LASOT_TEST)
        super().__init__(name, videos, frame_range, num_use)


@SOURCES.register("trackingnet")
class TrackingNetSource(VideoSource):
    """TrackingNet: `ROOT/TRAIN_<set>/{anno/<sequence>.txt,frames/<sequence>/0.jpg}`.

    Args:
        root: the folder of the sets.
        frame_range: how far, in frames with a box, the other frame of a pair may lie from the first.
        name, num_use: see `Source`.
        sets: numbers of the training sets to use; those that are not there are left out. ATOM and DiMP use 0 to 3.
        only, exclude: see `select_names`.

    Raises:
        ConfigError: no sequence found, or an annotation that cannot be parsed (file and line).

    Source: Müller et al., ECCV 2018; docs/systems/atom.md, Training.
    """

    def __init__(
        self,
        name: str,
        root: str | Path,
        frame_range: int = 100,
        num_use: int = -1,
        sets: Sequence[int] = TRACKING_NET_SETS,
        only: str | Sequence[str] = (),
        exclude: str | Sequence[str] = (),
    ) -> None:
        row = BenchmarkRow(
            name,
            "split_folders",
            annotations=tuple(f"TRAIN_{number}/anno/{{name}}.txt" for number in sets),
            frames=("{dir}/../frames/{name}",),
            first_image=None,
        )
        super().__init__(name, _videos(row, Path(root), "%d.jpg", 0, only, exclude), frame_range, num_use)


@SOURCES.register("otb")
class OtbSource(VideoSource):
    """OTB's official folders: `ROOT/<sequence>/{img/0001.jpg,groundtruth_rect.txt}`, boxes counted from pixel 1.

    As in a test run: sequences that use part of their images (David from number 300) are aligned with these;
    further targets (`groundtruth_rect.2.txt`) are videos of their own, `Jogging-2`. Whoever tests on OTB must
    not train on it.

    Args:
        root: the folder of the sequences; those that are there are used.
        frame_range: how far, in frames with a box, the other frame of a pair may lie from the first.
        name, num_use: see `Source`.
        only, exclude: see `select_names`.

    Raises:
        ConfigError: no sequence found, or an annotation that cannot be parsed (file and line).

    Source: Wu, Lim and Yang, TPAMI 2015.
    """

    def __init__(
        self,
        name: str,
        root: str | Path,
        frame_range: int = 100,
        num_use: int = -1,
        only: str | Sequence[str] = (),
        exclude: str | Sequence[str] = (),
    ) -> None:
        row = find_row("OTB100")
        assert row is not None
        videos = _videos(replace(row, name=name), Path(root), None, 1, only, exclude)
        super().__init__(name, videos, frame_range, num_use)


def _videos(
    row: BenchmarkRow,
    root: Path,
    pattern: str | None,
    first: int,
    only: str | Sequence[str],
    exclude: str | Sequence[str],
    never: Sequence[str] = (),
) -> list[list[FileTrack]]:
    """One track per sequence of the layout; images are called `pattern`, the first one's number is `first`. With None
    for the pattern they are called what the folders hold, which are then listed.
    """
    if not root.is_dir():
        raise ConfigError(f"{row.name}: ROOT {root} is not a folder. Set it to where the data set was unpacked.")
    with as_config_error():
        found = find_sequences(root, row)
        allowed = sorted(set(found) - set(never))
        if not allowed:
            raise ConfigError(
                f"{row.name}: no training sequence in {root}. Looked for {abbreviate(row.annotations)} below it."
                + (f" Found only {len(found)} sequences of the test part." if found else "")
            )
        recordings = [found[key]() for key in select_names(allowed, only, exclude, row.name)]
    tracks = [_track(recording, pattern, first) for recording in recordings if recording.frames is not None]
    if len(tracks) < len(recordings):
        bare = [recording.name for recording in recordings if recording.frames is None]
        logger.warning("%s: %d sequences have no images and are left out: %s", row.name, len(bare), abbreviate(bare))
    return [[track] for track in tracks if len(track)]


def _track(recording: Recording, pattern: str | None, first: int) -> FileTrack:
    boxes = recording.ground_truth.copy()
    if recording.visible is not None:
        boxes[~recording.visible] = np.nan
    if recording.cover is not None:
        boxes[recording.cover == 0] = np.nan
    assert isinstance(recording.frames, ImageFolder)
    numbers = np.arange(first, first + len(boxes))
    files = recording.frames.names if pattern is None else NumberedNames(pattern, numbers)
    return FileTrack(recording.name, recording.frames.folder, files, boxes)
