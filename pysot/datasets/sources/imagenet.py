"""ImageNet VID and DET as their archives unpack: images below `Data`, one XML file per image below `Annotations`."""

from __future__ import annotations

import logging
import os
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pysot.core.errors import ConfigError
from pysot.datasets.sources.base import SOURCES, VideoSource
from pysot.datasets.sources.tracks import FileTrack, NumberedNames, StillTrack, select_names

logger = logging.getLogger(__name__)

_SUFFIX = ".JPEG"


@dataclass(frozen=True)
class XmlObject:
    """One object of an annotation file: its `trackid` (empty in sets of still images) and its corners in pixels."""

    track: str
    box_xyxy: tuple[float, float, float, float]

    @property
    def box_xywh(self) -> tuple[float, float, float, float]:
        """Left, top, width, height."""
        left, top, right, bottom = self.box_xyxy
        return left, top, right - left, bottom - top

    @property
    def has_area(self) -> bool:
        """Whether right lies beyond left and bottom below top."""
        left, top, right, bottom = self.box_xyxy
        return right > left and bottom > top


@SOURCES.register("imagenet_vid")
class ImageNetVidSource(VideoSource):
    """ImageNet VID: `ROOT/{Data,Annotations}/VID/<split>/.../<video>/000000.{JPEG,xml}`, one track per `trackid`.

    All annotation files are read at the start, one to two minutes per million on a local disk; for repeated runs a
    prepared set (KIND crop511) starts faster.

    Args:
        root: the folder `ILSVRC2015`.
        frame_range: how far, in frames with a box, the other frame of a pair may lie from the first.
        name, num_use: see `Source`.
        split: `train` or `val`.
        only, exclude: see `select_names`.

    Raises:
        ConfigError: no annotation found, or one that cannot be parsed.

    Source: Russakovsky et al., IJCV 2015.
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
        folders = _annotation_folders(name, Path(root), f"VID/{split}")
        videos, dropped = [], 0
        for video in select_names(list(folders), only, exclude, name):
            tracks, bad = _read_video(video, Path(root, "Data", "VID", split, video), *folders[video])
            dropped += bad
            videos += [tracks] if tracks else []
        _report_dropped(name, dropped)
        super().__init__(name, videos, frame_range, num_use)


@SOURCES.register("imagenet_det")
class ImageNetDetSource(VideoSource):
    """ImageNet DET: `ROOT/{Data,Annotations}/DET/<split>/.../<image>.{JPEG,xml}`; every image is a video of one frame.

    Args:
        root: the folder `ILSVRC2015`, `ILSVRC2014` or `ILSVRC`.
        frame_range: of no effect: both frames of a pair are the same image.
        name, num_use: see `Source`.
        split: `train` or `val`.

    Raises:
        ConfigError: no annotation found, or one that cannot be parsed.

    Source: Russakovsky et al., IJCV 2015.
    """

    def __init__(
        self, name: str, root: str | Path, frame_range: int = 1, num_use: int = -1, split: str = "train"
    ) -> None:
        images = Path(root, "Data", "DET", split)
        videos, dropped = [], 0
        for folder, (described, stems) in _annotation_folders(name, Path(root), f"DET/{split}").items():
            for stem in stems:
                objects = read_xml(f"{described}/{stem}.xml")
                usable = [entry for entry in objects if entry.has_area]
                dropped += len(objects) - len(usable)
                key = stem if folder == "." else f"{folder}/{stem}"
                if usable:
                    videos.append([StillTrack(key, images, key + _SUFFIX, entry.box_xywh) for entry in usable])
        _report_dropped(name, dropped)
        super().__init__(name, videos, frame_range, num_use)


def read_xml(path: str) -> list[XmlObject]:
    """The objects of one annotation file. Raises `ConfigError` naming it when it is damaged or lacks a corner."""
    try:
        with open(path, "rb") as file:
            root = ET.parse(file).getroot()
        objects = []
        for entry in root.iter("object"):
            corners = [entry.findtext(f"bndbox/{key}") for key in ("xmin", "ymin", "xmax", "ymax")]
            if None in corners:
                raise ValueError("an object lacks xmin, ymin, xmax or ymax")
            left, top, right, bottom = (float(corner or "") for corner in corners)
            objects.append(XmlObject(entry.findtext("trackid", ""), (left, top, right, bottom)))
        return objects
    except (OSError, ET.ParseError, ValueError) as error:
        raise ConfigError(f"{path}: cannot read this annotation file ({error}). Unpack it again.") from error


def _annotation_folders(name: str, root: Path, part: str) -> dict[str, tuple[str, list[str]]]:
    """Every folder with annotation files, relative to the part: its path, and its files' names without suffix."""
    top = root / "Annotations" / part
    found = {}
    for folder, subfolders, files in os.walk(top, followlinks=True):
        subfolders.sort()
        stems = sorted(file[:-4] for file in files if file.endswith(".xml"))
        if stems:
            found[Path(folder).relative_to(top).as_posix()] = (folder, stems)
    if not found:
        raise ConfigError(
            f"{name}: no annotation file in {top}. Set ROOT to the folder that holds Annotations/{part} and "
            f"Data/{part}."
        )
    return found


def _read_video(video: str, images: Path, annotations: str, stems: list[str]) -> tuple[list[FileTrack], int]:
    """The tracks of one video, and how many boxes without area were dropped."""
    frames: dict[str, list[str]] = {}
    boxes: dict[str, list[tuple[float, float, float, float]]] = {}
    dropped = 0
    for stem in stems:
        for entry in read_xml(f"{annotations}/{stem}.xml"):
            if entry.has_area:
                frames.setdefault(entry.track, []).append(stem)
                boxes.setdefault(entry.track, []).append(entry.box_xywh)
            else:
                dropped += 1
    tracks = [FileTrack(video, images, _file_names(frames[key]), np.array(boxes[key])) for key in sorted(boxes)]
    return tracks, dropped


def _file_names(stems: list[str]) -> Sequence[str]:
    """The image names; compact where they are numbers of six digits, as in the official archive."""
    if all(len(stem) == 6 and stem.isdecimal() for stem in stems):
        return NumberedNames(f"%06d{_SUFFIX}", np.array([int(stem) for stem in stems]))
    return [stem + _SUFFIX for stem in stems]


def _report_dropped(name: str, dropped: int) -> None:
    if dropped:
        logger.warning("%s: %d boxes have no area (or are inverted) and are dropped.", name, dropped)
