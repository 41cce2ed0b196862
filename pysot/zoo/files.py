"""What kind of file a snapshot is, by its content."""

from __future__ import annotations

import zipfile
from pathlib import Path

SAFETENSORS, TORCH, MATCONVNET = ".safetensors", ".pth", ".mat"
"""Kinds of files, by the suffix they mostly have. Our own snapshots are in safetensors: names, shapes and numbers, no
pickle."""

_HEAD = 16
_PICKLE, _ZIP, _MATLAB = b"\x80", b"PK\x03\x04", b"MATLAB 5.0 MAT"


def file_kind(path: Path) -> str | None:
    """`SAFETENSORS`, `TORCH` or `MATCONVNET`; None for anything else, such as a web page in place of a download.

    A damaged file is of the kind that its suffix says, so that messages speak of that.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if kind_of_name(path.name) != TORCH:
        return path.suffix
    if head.startswith(_MATLAB):
        return MATCONVNET
    if head.startswith(_ZIP):
        return TORCH if _holds_pickle(path) else None
    if head[:1] == _PICKLE and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return TORCH
    header = int.from_bytes(head[:8], "little")
    return SAFETENSORS if head[8:9] == b"{" and header + 8 <= path.stat().st_size else None


def kind_of_name(file: str) -> str:
    """The kind that a file of the catalog has, by its name."""
    suffix = Path(file).suffix
    return suffix if suffix in (SAFETENSORS, MATCONVNET) else TORCH


def _holds_pickle(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.lower().endswith("data.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False
