"""Annotations without images: one text file per sequence, in a folder or packed in a tar archive."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.annotation import GroundTruth, TextFile, are_corners, read_flags, read_ground_truth
from toolkit.datasets.catalog import BenchmarkRow
from toolkit.datasets.layouts.folders import read_nfs
from toolkit.datasets.layouts.place import Found, attribute_names
from toolkit.datasets.sequence import Sequence
from toolkit.errors import DatasetError
from toolkit.regions.boxes import corners_to_boxes

ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar")
_NUMBER_ROW = re.compile(rb"^[\s,;]*([-+]?[\d.]+|nan)([\s,;]+([-+]?[\d.eE+-]+|nan)){3,}", re.IGNORECASE)


def annotation_folder(folder: Path, row: BenchmarkRow) -> Found:
    """`<folder>/<sequence>.txt`, with `att/<sequence>.txt` and `absent/<sequence>.txt` where they exist."""
    texts = {
        path.relative_to(folder).as_posix(): TextFile.at(path)
        for part in ("", "absent", "att")
        for path in sorted((folder / part).glob("*.txt"))
    }
    return _found(texts, row)


def annotation_archive(path: Path, row: BenchmarkRow) -> Found:
    """The same, packed; the folder with the most text files in the archive is the one that counts."""
    texts = _unpack(path)
    inside = {PurePosixPath(name): text for name, text in texts.items()}
    tops = [name.parent for name in inside if name.parent.name not in ("absent", "att")]
    if not tops:
        return {}
    top = max(sorted(set(tops)), key=tops.count)
    return _found({p.relative_to(top).as_posix(): t for p, t in inside.items() if p.is_relative_to(top)}, row)


def is_archive(path: Path) -> bool:
    """Whether a file's name says that it is a tar archive."""
    return path.name.endswith(ARCHIVE_SUFFIXES) and path.is_file()


def _unpack(path: Path) -> dict[str, TextFile]:
    """Every text file in the archive, in memory."""
    texts: dict[str, TextFile] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() and member.name.endswith(".txt") else None
                if content is not None:
                    data = content.read()
                    texts[member.name] = TextFile(f"{path}:{member.name}", partial(bytes, data))
    except (OSError, EOFError, tarfile.TarError) as error:
        raise DatasetError(f"{path}: cannot read this archive of annotations ({error}). Download it again.") from error
    return texts


def _found(texts: Mapping[str, TextFile], row: BenchmarkRow) -> Found:
    listed = None if row.names is None else set(row.names)
    found: Found = {}
    for name in (file_name[: -len(".txt")] for file_name in texts if "/" not in file_name):
        if listed is None:  # a README may lie beside: a row of numbers or a mask must come first
            head = texts[f"{name}.txt"].read()[:400].removeprefix(b"\xef\xbb\xbf")
            belongs = bool(_NUMBER_ROW.match(head) or re.match(rb"\s*m\d+,", head))
        else:
            belongs = row.canonical(name) in listed
        if belongs:
            found[name] = partial(_open, name, texts, row)
    return found


def _open(name: str, texts: Mapping[str, TextFile], row: BenchmarkRow) -> Sequence:
    text = texts[f"{name}.txt"]
    lost: NDArray[np.bool_] | None = None
    if row.layout == "nfs_folders":
        table, lost = read_nfs(text)
        if lost is not None or are_corners(table, likely=False):  # at 240 per second
            table, lost = corners_to_boxes(table)[:: row.stride], None if lost is None else lost[:: row.stride]
        truth = GroundTruth(table)
    else:
        truth = read_ground_truth(text)
    absent, att = texts.get(f"absent/{name}.txt"), texts.get(f"att/{name}.txt")
    if absent is not None:
        lost = read_flags(absent, len(truth.boxes))
    return Sequence(
        name,
        truth.boxes,
        attributes=() if att is None else attribute_names(row, read_flags(att)),
        visible=None if lost is None else ~lost,
        masks=truth.masks,
    )
