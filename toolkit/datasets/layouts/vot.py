"""The folder layout of the VOT challenges, short-term and long-term, boxes, polygons and masks."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np

from toolkit.datasets.annotation import TextFile, fit_tag, read_flags, read_values
from toolkit.datasets.catalog import BenchmarkRow
from toolkit.datasets.image_folder import has_image
from toolkit.datasets.layouts.place import Place, find_frames, open_place
from toolkit.datasets.sequence import Sequence
from toolkit.errors import DatasetError


def open_vot(row: BenchmarkRow, place: Place) -> Sequence:
    """`<sequence>/{groundtruth.txt,*.tag,anchor.value,sequence}` with the images there or in `color/`."""
    info: dict[str, str] = {}
    if (place.folder / "sequence").is_file():  # lines key=value
        text = TextFile.at(place.folder / "sequence").read().decode("utf-8-sig", "replace")
        info = {key: value.strip() for key, value in re.findall(r"^([\w.]+)\s*=(.*)$", text, re.MULTILINE)}
    sequence = open_place(row, place)
    rows = len(sequence.ground_truth)
    channel = PurePosixPath(info.get("channels.color", "")).parent.as_posix()
    if channel not in (".", "color") and has_image(place.folder / channel):
        sequence = replace(
            sequence, frames=find_frames(replace(row, frames=(f"{{dir}}/{channel}",)), place, row.first_image, rows)
        )
    tags = {}
    for path in sorted(place.folder.glob("*.tag")):  # an empty file is a tag that no frame carries
        flags = read_flags(TextFile.at(path)) if path.stat().st_size else np.zeros(0, dtype=np.bool_)
        tags[path.stem] = fit_tag(flags, rows)
    anchors, path = None, place.folder / "anchor.value"
    if path.is_file():
        anchors = read_values(TextFile.at(path)).astype(np.int64)
        if len(anchors) != rows:
            raise DatasetError(f"{path}: {len(anchors)} anchors for {rows} annotated frames; one per frame expected.")
    width, height = info.get("width", ""), info.get("height", "")
    return replace(
        sequence,
        frame_tags=tags,
        anchors=anchors,
        image_size=(int(width), int(height)) if width.isdigit() and height.isdigit() else None,
    )
