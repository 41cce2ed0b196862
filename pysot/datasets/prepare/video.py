"""One video of a prepared training set: a crop around every annotated object, and a record of what was made."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from pysot.core.crop import Image, context_side
from pysot.core.errors import ConfigError, ImageError, SotError
from pysot.core.geometry import xywh_to_cxcywh, xywh_to_xyxy
from pysot.datasets.sources.base import AnnotatedFrame, Track
from pysot.datasets.sources.crop511 import CONTEXT, EXEMPLAR_SIZE
from toolkit.results.writer import write_files

RECORD = "prepared.json"

Boxes: TypeAlias = dict[str, dict[str, list[float]]]
"""Track number, then frame number, to x1, y1, x2, y2."""


@dataclass(frozen=True)
class CropSettings:
    """What is written of each video.

    Attributes:
        size: side of a crop in pixels; the template's 127 px stand for the same part of the scene in every size.
        frame_step: only every n-th frame of a track.
        template: also write the template crop.

    Raises:
        ConfigError: a crop that does not hold the search region of training, or no positive step.
    """

    size: int = 511
    frame_step: int = 1
    template: bool = False

    def __post_init__(self) -> None:
        if self.size < 255:
            raise ConfigError(
                f"The crop size is {self.size} px; training cuts search regions of 255 px and more out of a crop. "
                "Use 511, as PySOT does, or at least 255."
            )
        if self.frame_step < 1:
            raise ConfigError(f"The frame step is {self.frame_step}; expected 1 (every frame) or more.")

    @property
    def folder(self) -> str:
        """Name of the folder of crops."""
        return f"crop{self.size}"

    def planned(self, tracks: Iterable[Track]) -> int:
        """Number of crops that `tracks` give when every frame can be read."""
        return sum(math.ceil(len(track) / self.frame_step) for track in tracks)


@dataclass(frozen=True)
class VideoRecord:
    """What was made of one video.

    Attributes:
        boxes: its part of the JSON file.
        unreadable: what was wrong with each frame that was left out.
        masks: how many crops have a mask in the source; a prepared set does not hold it.
    """

    boxes: Boxes
    unreadable: list[str]
    masks: int = 0

    @property
    def crops(self) -> int:
        """Number of crops."""
        return sum(map(len, self.boxes.values()))


def cut_crop(image: Image, box_xywh: NDArray[np.floating], size: int) -> Image:
    """The square around a box, at the scale where the template's square (side s_z) is 127 pixels wide.

    The center of the box comes to pixel (size // 2, size // 2), where readers of prepared sets expect it; what lies
    outside the image has the image's mean color.

    Args:
        image: (H, W, 3) uint8.
        box_xywh: (4,) image pixels, positive width and height.
        size: side of the result; 127 gives the template, 511 the usual crop (s_x = s_z * 511 / 127).

    Returns:
        (size, size, 3) uint8.

    Source: docs/systems/siamrpn.md, Training data.
    """
    center_x, center_y, width, height = xywh_to_cxcywh(box_xywh).tolist()
    scale = EXEMPLAR_SIZE / context_side((width, height), CONTEXT)
    matrix = np.array([[scale, 0, size // 2 - scale * center_x], [0, scale, size // 2 - scale * center_y]])
    crop = cv2.warpAffine(image, matrix, (size, size), borderMode=cv2.BORDER_CONSTANT, borderValue=cv2.mean(image))
    return np.asarray(crop, dtype=np.uint8)


def prepare_video(tracks: Sequence[Track], folder: Path, settings: CropSettings) -> VideoRecord:
    """Writes the crops of one video into `folder`, then its record.

    Frames that cannot be read are left out. Raises `ResultError` or `SotError` when the disk refuses.
    """
    _clear(folder)
    boxes: Boxes = {}
    masks = 0
    unreadable: dict[str, None] = {}  # a set in order: the objects of one frame share its message
    for index in range(0, max(map(len, tracks)), settings.frame_step):
        for number, track in enumerate(tracks):
            if index >= len(track):
                continue
            try:
                sample = track.read(index)
            except ImageError as error:
                unreadable[str(error)] = None
                continue
            write_files(_crop_files(sample, folder / f"{index:06d}.{number:02d}", settings))
            masks += sample.mask is not None
            corners = xywh_to_xyxy(sample.box_xywh).round(4).tolist()
            boxes.setdefault(f"{number:02d}", {})[f"{index:06d}"] = corners
    record = VideoRecord(dict(sorted(boxes.items())), list(unreadable), masks)
    write_files({folder / RECORD: to_json({"made_with": _fingerprint(tracks, settings), **asdict(record)})})
    return record


def _clear(folder: Path) -> None:
    """Removes what an older call left there; the record first, so that a half cleared video is not complete."""
    try:
        for left in [*folder.glob(RECORD), *folder.glob("*.[xz].jpg")]:
            left.unlink()
    except OSError as error:
        raise SotError(f"{folder}: files of an older run cannot be removed: {error.strerror}.") from error


def _crop_files(sample: AnnotatedFrame, stem: Path, settings: CropSettings) -> dict[Path, bytes]:
    sizes = {"x": settings.size, "z": EXEMPLAR_SIZE} if settings.template else {"x": settings.size}
    files = {}
    for letter, size in sizes.items():
        _, encoded = cv2.imencode(".jpg", cut_crop(sample.image, sample.box_xywh, size))
        files[stem.with_name(f"{stem.name}.{letter}.jpg")] = encoded.tobytes()
    return files


def read_record(folder: Path, tracks: Sequence[Track], settings: CropSettings) -> VideoRecord | None:
    """The record of a complete video; None when it is missing, damaged, of other settings, or crops are gone."""
    try:
        content = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if content["made_with"] != _fingerprint(tracks, settings):
            return None
        record = VideoRecord(content["boxes"], content["unreadable"], content["masks"])
        wanted = {f"{frame}.{track}.x.jpg" for track, frames in record.boxes.items() for frame in frames}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return record if wanted <= set(os.listdir(folder)) else None


def _fingerprint(tracks: Sequence[Track], settings: CropSettings) -> dict[str, Any]:
    """What a finished video must have been made with to be kept."""
    return {**asdict(settings), "frames": [len(track) for track in tracks]}


def to_json(content: object) -> str:
    """JSON in one line, without blanks."""
    return json.dumps(content, separators=(",", ":")) + "\n"
