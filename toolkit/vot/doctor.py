"""Whether a tracker would work in the VOT toolkit: checks in the order a user needs them, on a made sequence."""

from __future__ import annotations

import importlib.metadata
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.frames import Image
from toolkit.regions import (
    Mask,
    Rectangle,
    Region,
    bounding_box,
    from_numbers,
    parse_region,
    rasterize,
    rectangle_iou,
    to_numbers,
)
from toolkit.regions.boxes import box_corners
from toolkit.synthetic.generator import random_scene
from toolkit.vot.client import TraxClient
from toolkit.vot.images import FORMATS
from toolkit.vot.objects import REGIONS
from toolkit.vot.server import INSTALL, TraxError, require_trax
from toolkit.vot.wire import Message, image_text

Floats: TypeAlias = NDArray[np.float64]

FRAMES = 8
"""Of the made sequence, shown in each image format."""
_OLDEST = 4
_SAME = 0.5
"""Pixels by which the answers to the same pixels in two image formats may differ: a GPU does not repeat itself."""


@dataclass(frozen=True)
class Finding:
    """A check that went well: its name, and what was found."""

    check: str
    found: str


def examine(command: Sequence[str], kind: str, folder: Path, timeout: float = 60.0) -> Iterator[Finding]:
    """The findings, one check after the other; a check that fails raises `TraxError` and is the last.

    Args:
        command: starts the tracker, as the VOT toolkit would.
        kind: the form of its regions, one of `toolkit.vot.objects.REGIONS`.
        folder: where the frames of the made sequence are written.
        timeout: seconds to wait for each answer.
    """
    yield _package()
    yield _version()
    frames, truth_xywh = _made_sequence(folder)
    start, other = (_region(truth_xywh[0] + shift, kind, frames[0][1]) for shift in ([0, 0, 0, 0], [-20, -10, 0, 0]))
    tracks: dict[str, Floats] = {}
    for form in FORMATS:
        began = time.perf_counter()
        with TraxClient(command, timeout) as client:
            if not tracks:
                name, seconds = client.hello.get("trax.name", ""), time.perf_counter() - began
                yield Finding("handshake", f"'{name}' says hello after {seconds:.1f} s, its weights loaded")
                yield _formats(client.hello, kind)
            tracks[form] = _track(client, frames, form, start)
            yield Finding(f"images as {form}", _against_truth(tracks[form], truth_xywh))
            if form == FORMATS[-1]:
                yield _two_objects(client, image_text(frames[-1][1], form, frames[-1][0]), other)
            _end(client)
    yield _same_colors(tracks)
    yield Finding("end", "'quit' ends each session with exit code 0")


def _package() -> Finding:
    trax = require_trax()
    return Finding("package", f"vot-trax is at {Path(trax.__file__).parent}")


def _version() -> Finding:
    version = importlib.metadata.version("vot-trax")
    major = re.match(r"\d+", version)
    if major is None or int(major[0]) < _OLDEST:
        raise TraxError(f"vot-trax is {version}; several objects need {_OLDEST}.0 or newer: {INSTALL}")
    return Finding("version", f"vot-trax {version}")


def _formats(told: Mapping[str, str], kind: str) -> Finding:
    wanted = {"trax.region": (kind,), "trax.image": FORMATS, "trax.channels": ("color",), "trax.multiobject": ("1",)}
    for key, values in wanted.items():
        missing = set(values) - set(told.get(key, "").split(";"))
        if missing:
            raise TraxError(
                f"The tracker says {key}={told.get(key, '')!r}, without {', '.join(sorted(missing))}. The command must "
                f"start `pysot trax --region {kind}` of this version."
            )
    return Finding("formats", f"regions as {kind}, images as {', '.join(FORMATS)}, color, several objects")


def _made_sequence(folder: Path) -> tuple[list[tuple[Path, Image]], Floats]:
    """Paths and pixels of JPEG frames, and the true boxes (N, 4) x, y, w, h."""
    sequence = random_scene(0, ("illumination",), FRAMES, family="face", name="made").sequence()
    frames = []
    for index in range(FRAMES):
        path = folder / f"{index + 1:08d}.jpg"
        cv2.imwrite(str(path), sequence.require_frames()[index])
        frames.append((path, np.asarray(cv2.imread(str(path)), np.uint8)))
    return frames, sequence.ground_truth[:FRAMES]


def _region(box_xywh: Floats, kind: str, frame: Image) -> Region:
    if kind not in REGIONS:
        raise TraxError(f"Regions cannot be a {kind}. Choose from: {', '.join(REGIONS)}.")
    box = from_numbers(box_xywh)
    if kind == "polygon":
        return from_numbers(box_corners(box_xywh[None]).reshape(-1))
    height, width = frame.shape[:2]
    return Mask(rasterize(box, (0, 0, width - 1, height - 1))) if kind == "mask" else box


def _track(client: TraxClient, frames: Sequence[tuple[Path, Image]], form: str, first: Region) -> Floats:
    """(N, 4) boxes x, y, w, h around the answers; the first is the start."""
    texts = [image_text(frame, form, path) for path, frame in frames]
    states = [client.frame(texts[0], [first]), *(client.frame(text) for text in texts[1:])]
    boxes = np.stack([bounding_box(_told(state[0])) for state in states])
    if not np.isfinite(boxes).all():
        raise TraxError(f"The answer to frame {int(np.argmin(np.isfinite(boxes).all(axis=1)))} holds no region.")
    return boxes


def _told(state: Message) -> Region:
    text = state.arguments[0] if state.arguments else ""
    region = parse_region(text.replace("mask:", "m", 1))
    if not isinstance(region, Mask | Rectangle):
        to_numbers(region)
    return region


def _against_truth(boxes: Floats, truth_xywh: Floats) -> str:
    overlap = float(np.nanmean(rectangle_iou(boxes[1:], truth_xywh[1:])))
    return f"{len(boxes)} answers to {len(boxes)} frames, mean overlap {overlap:.2f}"


def _same_colors(tracks: Mapping[str, Floats]) -> Finding:
    expected = tracks[FORMATS[0]]
    for form, boxes in tracks.items():
        apart = np.abs(expected - boxes).max()
        if apart > _SAME:
            raise TraxError(
                f"The same frames as {form} give boxes {apart:.1f} px apart from those as {FORMATS[0]}: red and blue "
                "may be exchanged, or the tracker is not deterministic. Run this again to see which."
            )
    return Finding("colors", "the same answers to all image formats: red and blue are where they belong")


def _two_objects(client: TraxClient, image: str, region: Region) -> Finding:
    counts = [len(client.frame(image, [region])), len(client.frame(image))]  # frame() waits for one state per target
    return Finding("two objects", f"a second target that appears later has its own answer ({counts[1]} a frame)")


def _end(client: TraxClient) -> None:
    code = client.quit()
    if code != 0:
        raise TraxError(f"The tracker ends with exit code {code} after 'quit'; expected 0.")
