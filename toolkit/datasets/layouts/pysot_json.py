"""PySOT's JSON form of a benchmark: one file for all sequences, image names relative to the dataset root."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence as AbstractSequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.annotation import VOT_TAGS, check_width, fit_tag
from toolkit.datasets.frames import ImageFiles
from toolkit.datasets.layouts.own import IMAGE_FOLDERS
from toolkit.datasets.layouts.place import Found
from toolkit.datasets.sequence import Sequence
from toolkit.errors import DatasetError

SYNONYMS = {"image_files": "img_names", "gt_bbox": "gt_rect", "gt": "gt_rect"}
"""Keys of the files of DaSiamRPN and SiamMask, and of others made after them, and what PySOT calls them."""


def pysot_json(path: Path, roots: AbstractSequence[Path]) -> Found:
    """The sequences of the JSON file at `path`; boxes are taken as they are.

    `roots` are the folders that image names may be relative to. Raises `DatasetError` naming the file, and the line
    and key where it is not JSON.
    """
    entries = _read_json(path)
    return {name: partial(_open_entry, path, name, entry, roots) for name, entry in entries.items()}


def _read_json(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot read this benchmark file ({error}).") from error
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        where = _last_keys(text[: error.pos])
        raise DatasetError(
            f"{path}:{error.lineno}: this benchmark file is corrupt{where}: {error.msg} (column {error.colno}). "
            "Download it again."
        ) from error
    if not isinstance(entries, dict) or not entries:
        found = "an empty object" if entries == {} else f"a {type(entries).__name__}"
        raise DatasetError(f"{path}: expected an object of video name -> entry, found {found}. Download it again.")
    return entries


def _last_keys(text: str) -> str:
    """The video and key that a broken text was in when it broke."""
    videos = re.findall(r'"([^"\n]*)"\s*:\s*\{', text)
    keys = re.findall(r'"([^"\n]*)"\s*:', text)
    if not keys:
        return ""
    inside = f"in video '{videos[-1]}', " if videos and videos[-1] != keys[-1] else ""
    return f", {inside}after key '{keys[-1]}'"


def _open_entry(path: Path, name: str, entry: Any, roots: AbstractSequence[Path]) -> Sequence:
    where = f"{path}: video '{name}'"
    if not isinstance(entry, dict):
        raise DatasetError(f"{where} is {type(entry).__name__}, expected an object with gt_rect and img_names.")
    entry = {SYNONYMS[key]: value for key, value in entry.items() if key in SYNONYMS} | entry
    truth = _ground_truth(where, entry)
    rows = len(truth)
    images = _list_of(where, entry, "img_names")
    if not all(isinstance(image, str) for image in images):
        raise DatasetError(f"{where}: 'img_names' holds {images[:3]}...; expected a list of file names.")
    if 1 < rows != len(images):
        raise DatasetError(f"{where}: {len(images)} img_names but {rows} rows in gt_rect; one row per image expected.")
    folders = [str(entry[key]) for key in ("video_dir", "name") if entry.get(key)]
    visible = None
    if entry.get("absent") is not None:  # holds 1 where the target is there: it is LaSOT's flag turned round
        visible = _flags(where, entry, "absent")
        if len(visible) != rows:
            raise DatasetError(
                f"{where}: {len(visible)} flags in 'absent' for {rows} rows of gt_rect; one per row expected."
            )
    size, width, height = None, entry.get("width"), entry.get("height")
    if width is not None and height is not None:
        try:
            size = int(width), int(height)
        except (ValueError, TypeError) as error:
            raise DatasetError(f"{where}: width {width!r}, height {height!r}: whole numbers expected.") from error
    return Sequence(
        name,
        truth,
        frames=find_images(images, roots, [*folders, name]),
        image_size=size,
        attributes=tuple(map(str, _list_of(where, entry, "attr"))) if entry.get("attr") else (),
        # published files hold an empty list for a tag that no frame carries, and some lists end early
        frame_tags={tag: fit_tag(_flags(where, entry, tag), rows) for tag in VOT_TAGS if tag in entry},
        visible=visible,
    )


def find_images(
    names: AbstractSequence[str], roots: AbstractSequence[Path], folders: AbstractSequence[str]
) -> ImageFiles | None:
    """The images called `names`, below one of `roots`; None where there are none.

    Names may be written with back slashes, be absolute paths of another machine, whose beginning is left out then, or
    be relative to one of the sequence's `folders` or to `img/` in it, as in the files that DaSiamRPN came with.
    """
    names = [name.replace("\\", "/") for name in names]
    first = PurePosixPath(names[0])
    for left_out in range(max(1, len(first.parts) - 1)):  # at least one folder stays: every sequence has a 0001.jpg
        shorter = PurePosixPath(*first.parts[left_out:])
        for root in roots:
            below = [root / folder / sub for folder in folders for sub in ("", *IMAGE_FOLDERS)]
            place = next((place for place in (root, *below) if (place / shorter).is_file()), None)
            if place is not None:
                kept = (
                    names if not left_out else [str(PurePosixPath(*PurePosixPath(n).parts[left_out:])) for n in names]
                )
                return ImageFiles(kept, place)
    # the folder is there, but not the first image: reading says so
    return next((ImageFiles(names, root) for root in roots if (root / first.parent).is_dir()), None)


def _ground_truth(where: str, entry: dict[str, Any]) -> NDArray[np.float64]:
    """(N, 4) or (N, 8); a row of one number (a code) is an absent target. `init_rect` alone gives (1, K)."""
    if entry.get("gt_rect"):
        key, rows = "gt_rect", _list_of(where, entry, "gt_rect")
    elif entry.get("init_rect"):
        key, rows = "init_rect", [entry["init_rect"]]
    elif "gt_rect" in entry or "init_rect" in entry:
        raise DatasetError(f"{where}: gt_rect is empty; a sequence needs at least its first box.")
    else:
        raise DatasetError(f"{where} has no key 'gt_rect' (nor 'init_rect'); it has: {', '.join(entry)}.")
    try:
        table = np.array(rows, dtype=np.float64)
    except (ValueError, TypeError):
        table = np.empty(0)
    return check_width(table if table.ndim == 2 else _read_rows(f"{where}: {key}", rows), f"{where}: {key}")


def _read_rows(where: str, rows: list[Any]) -> NDArray[np.float64]:
    """Row by row: fills rows of a lone code with NaN, names the first row that is not numbers of one width."""
    widths = [len(row) for row in rows if isinstance(row, list) and len(row) > 1]
    width = widths[0] if widths else 4
    table = np.full((len(rows), width), np.nan)
    for index, row in enumerate(rows):
        try:
            numbers = np.array(row, dtype=np.float64)
        except (ValueError, TypeError):
            numbers = np.empty((0, 0))
        if numbers.ndim != 1 or len(numbers) not in (1, width):
            raise DatasetError(f"{where}[{index}] is {str(row)[:60]}; expected {width} numbers, as in the other rows.")
        if len(numbers) == width:
            table[index] = numbers
    return table


def _list_of(where: str, entry: dict[str, Any], key: str) -> list[Any]:
    if key not in entry:
        raise DatasetError(f"{where} has no key '{key}'; it has: {', '.join(entry)}.")
    if not isinstance(entry[key], list) or not entry[key]:
        raise DatasetError(f"{where}: '{key}' is {str(entry[key])[:40]}; expected a list that is not empty.")
    return entry[key]


def _flags(where: str, entry: dict[str, Any], key: str) -> NDArray[np.bool_]:
    try:
        flags = np.array(entry[key], dtype=np.float64) == 1
    except (ValueError, TypeError):
        flags = np.zeros((0, 0), dtype=np.bool_)
    if flags.ndim != 1:
        raise DatasetError(f"{where}: '{key}' is {str(entry[key])[:40]}; expected a list of 0 and 1, one per frame.")
    return flags
