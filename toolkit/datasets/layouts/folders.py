"""Folder layouts of the one-pass benchmarks; the patterns are in the table, what is peculiar is here."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.annotation import GroundTruth, TextFile, are_corners, read_flags, read_table, read_values
from toolkit.datasets.catalog import BenchmarkRow
from toolkit.datasets.image_folder import ImageFolder
from toolkit.datasets.layouts.place import Place, assemble, find_frames, open_place, read_attributes
from toolkit.datasets.sequence import Sequence
from toolkit.errors import DatasetError
from toolkit.regions.boxes import corners_to_boxes

VATIC_COLUMNS = 9
"""Numbers in a row of the VATIC annotation tool before the quoted label: id, x1, y1, x2, y2, frame, lost, ..."""


def open_sequence_folder(row: BenchmarkRow, place: Place) -> Sequence:
    """One folder per sequence with its annotation and images: OTB, DTB70, TNL2K, TC128.

    TC128 says in `<name>_frames.txt` which images it uses.
    """
    sequence = open_place(row, place)
    used = place.folder / f"{place.name}_frames.txt"
    if used.is_file():
        first = int(read_values(TextFile.at(used))[0])
        sequence = replace(sequence, frames=find_frames(row, place, first, len(sequence.ground_truth)))
    return sequence


def open_lasot(row: BenchmarkRow, place: Place) -> Sequence:
    """`<class>/<sequence>/{img,groundtruth.txt,full_occlusion.txt,out_of_view.txt}`.

    Visible where neither fully occluded nor out of view.
    """
    sequence = open_place(row, place)
    rows = len(sequence.ground_truth)
    absent = [
        read_flags(TextFile.at(place.folder / name), rows)
        for name in ("full_occlusion.txt", "out_of_view.txt")
        if (place.folder / name).is_file()
    ]
    return replace(sequence, visible=~np.any(absent, axis=0)) if absent else sequence


def open_got10k(row: BenchmarkRow, place: Place) -> Sequence:
    """`<subset>/<sequence>/{00000001.jpg,groundtruth.txt,absence.label,cover.label,meta_info.ini}`.

    `absence.label`: 1 where absent; `cover.label`: visible share in eighths; `meta_info.ini`: resolution.
    """
    sequence = open_place(row, place)
    rows = len(sequence.ground_truth)
    absence, cover, meta = (place.folder / name for name in ("absence.label", "cover.label", "meta_info.ini"))
    if absence.is_file():
        sequence = replace(sequence, visible=~read_flags(TextFile.at(absence), rows))
    if cover.is_file():
        values = read_values(TextFile.at(cover))
        if len(values) != rows or not ((values >= 0) & (values <= 8)).all():
            raise DatasetError(f"{cover}: {len(values)} values; expected {rows}, one per frame, between 0 and 8.")
        sequence = replace(sequence, cover=values / 8.0)
    if meta.is_file():
        match = re.search(rb"resolution\s*[:=]\s*\(?\s*(\d+)\D+(\d+)", TextFile.at(meta).read())
        sequence = replace(sequence, image_size=(int(match[1]), int(match[2])) if match else None)
    return sequence


def open_nfs(row: BenchmarkRow, place: Place) -> Sequence:
    """`<sequence>/<rate>/<sequence>/00001.jpg`, `<rate>/<sequence>/` or `sequences/<sequence>/`.

    Official rows are corners at 240 per second; other releases have a row for each image, mostly x, y, w, h.
    """
    table, lost = read_nfs(TextFile.at(place.path))
    frames = find_frames(row, place, row.first_image, 1)
    is_official = not place.path.name.startswith("nfs_")
    per_image = 2 * len(table) <= row.stride * len(frames) if isinstance(frames, ImageFolder) else not is_official
    corners = lost is not None or are_corners(table, likely=is_official, certain=not per_image)
    stride = row.stride if corners and not per_image else 1
    boxes = (corners_to_boxes(table) if corners else table)[::stride]
    if isinstance(frames, ImageFolder):
        frames = ImageFolder(frames.folder, first=row.first_image, count=len(boxes))
    sequence = replace(assemble(row, place, GroundTruth(boxes)), frames=frames)
    attributes = read_attributes(row, place.folder / "att", place.name)
    return replace(sequence, attributes=attributes, visible=None if lost is None else ~lost[::stride])


def read_nfs(text: TextFile) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """(N, 4) rows of four numbers, and where the target is lost if the rows are VATIC's: these hold corners."""
    data = text.read().replace(b'"', b" ")
    is_vatic = len(data.split(b"\n", 1)[0].split()) > VATIC_COLUMNS
    if is_vatic:  # the label is text: only the numbers before it count
        data = b"\n".join(b" ".join(line.split()[:VATIC_COLUMNS]) for line in data.rstrip().split(b"\n"))
    table = read_table(TextFile(text.where, lambda: data))
    if is_vatic and table.shape[1] == VATIC_COLUMNS:
        return table[:, 1:5], table[:, 6] != 0
    if table.shape[1] != 4:
        raise DatasetError(
            f"{text.where}:1: {table.shape[1]} numbers per row; expected x1 y1 x2 y2 or x y w h, or a VATIC row."
        )
    return table, None
