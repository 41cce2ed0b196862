"""What kind of file a snapshot is, by its content."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

SAFETENSORS, TORCH, MATCONVNET = ".safetensors", ".pth", ".mat"
"""Kinds of files, by the suffix they mostly have. Our own snapshots are in safetensors: names, shapes and numbers, no
pickle."""

_HEAD = 16
_PICKLE, _ZIP, _MATLAB = b"\x80", b"PK\x03\x04", b"MATLAB 5.0 MAT"


_LONGER_HEAD = 1024
_OF_DOWNLOAD = "the download was refused or wants a confirmation. Open the link in a browser and save the file itself."
_NO_WEIGHTS = (
    (rb"<(!doctype|!--|html|head|body|script|meta)", f"is a web page (HTML), not weights: {_OF_DOWNLOAD}"),
    (rb"<[?]xml|<error", f"is a server's answer (XML), not weights: {_OF_DOWNLOAD}"),
    (rb"[{]\s*\"(error|message|detail|code|status)", f"is a server's answer (JSON), not weights: {_OF_DOWNLOAD}"),
    (rb"\x1f\x8b|7z\xbc\xaf|Rar!", "is a compressed archive: unpack it, and give the file of weights inside."),
    (
        rb"version https://git-lfs",
        "is a Git LFS pointer, not the weights it stands for: run `git lfs pull` where it was cloned.",
    ),
    (
        rb"\S*/annex/objects/",
        "is a git-annex pointer, not the weights it stands for: run `git annex get` where it was cloned.",
    ),
)
"""Beginnings of files that lie about under the name of a snapshot."""


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


def why_no_weights(path: Path) -> str:
    """What the file `path` is instead of weights, and how to get these, as the rest of a sentence that begins with its
    name; empty when it may hold weights.
    """
    with path.open("rb") as file:
        head = file.read(_LONGER_HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head:
        return "is empty: its download or copy never began. Get it again."
    if head.startswith(_ZIP) and zipfile.is_zipfile(path) and not _holds_pickle(path):
        return "is a zip archive, but not one of torch: unpack it, or `pysot zoo add` it."
    return next((reason for beginning, reason in _NO_WEIGHTS if re.match(beginning, head, re.IGNORECASE)), "")


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
