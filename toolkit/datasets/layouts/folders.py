"""Folder layouts of the one-pass benchmarks; the patterns are in the table, what is peculiar is here."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.annotation import GroundTruth, TextFile, read_flags, read_table, read_values
from toolkit.datasets.catalog import BenchmarkRow
from toolkit.datasets.image_folder import ImageFolder
from toolkit.datasets.layouts.place import Place, assemble, find_frames, open_place, read_attributes
from toolkit.datasets.sequence import Sequence
from toolkit.errors import DatasetError

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

    Rows of corners are at 240 per second, unless the images show that there is a row for each of them.
    """
    boxes, lost, are_corners = read_nfs(TextFile.at(place.path), corners=not place.path.name.startswith("nfs_"))
    frames = find_frames(row, place, row.first_image, 1)
    stride = row.stride if are_corners else 1
    if isinstance(frames, ImageFolder):
        stride = row.stride if 2 * len(boxes) > row.stride * len(frames) else 1
        frames = ImageFolder(frames.folder, first=row.first_image, count=len(boxes[::stride]))
    sequence = replace(assemble(row, place, GroundTruth(boxes[::stride])), frames=frames)
    attributes = read_attributes(row, place.folder / "att", place.name)
    return replace(sequence, attributes=attributes, visible=None if lost is None else ~lost[::stride])


def read_nfs(text: TextFile, corners: bool) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None, bool]:
    """(N, 4) boxes x, y, w, h, with VATIC rows also where the target is lost, and whether the rows hold corners.

    VATIC rows and the official four numbers are x1, y1, x2, y2; other releases write x, y, w, h. Of the two readings of
    four numbers the right one has no negative sizes, and sizes that change less from row to row than the other's; where
    that leaves both, `corners` decides.
    """
    data = text.read().replace(b'"', b" ")
    is_vatic = len(data.split(b"\n", 1)[0].split()) > VATIC_COLUMNS
    if is_vatic:  # the label is text: only the numbers before it count
        data = b"\n".join(b" ".join(line.split()[:VATIC_COLUMNS]) for line in data.rstrip().split(b"\n"))
    table = read_table(TextFile(text.where, lambda: data))
    lost = None
    if is_vatic and table.shape[1] == VATIC_COLUMNS:
        table, lost = table[:, 1:5], table[:, 6] != 0
    elif table.shape[1] != 4:
        raise DatasetError(
            f"{text.where}:1: {table.shape[1]} numbers per row; expected x1 y1 x2 y2 or x y w h, or a VATIC row."
        )
    as_corners = np.concatenate([table[:, :2], table[:, 2:] - table[:, :2]], axis=1)
    if lost is None:
        change, other = (np.nansum(np.abs(np.diff(boxes[:, 2:], axis=0))) for boxes in (as_corners, table))
        inverted = bool((as_corners[:, 2:] < 0).any())
        corners = not inverted and (change < other or (change == other and corners))
    else:
        corners = True
    return (as_corners if corners else table), lost, corners
