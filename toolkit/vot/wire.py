"""TraX's messages as text, from its specification: what `toolkit.vot.client` speaks, without the package vot-trax.

A message is one line: `@@TRAX:name "argument" ... "key=value" ...`; other lines are the program's own output.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from toolkit.datasets.frames import Image
from toolkit.regions import Region, format_region

PREFIX = "@@TRAX:"
_ARGUMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_PROPERTY = re.compile(r"([A-Za-z0-9._]{1,64})=(.*)", re.DOTALL)
_ESCAPED = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


@dataclass(frozen=True)
class Message:
    """One message: its name, its positional arguments and its properties."""

    name: str
    arguments: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


def parse_message(line: str) -> Message | None:
    """The message of a line; None for a line of other output."""
    if not line.startswith(PREFIX):
        return None
    name, _, rest = line.strip()[len(PREFIX) :].partition(" ")
    arguments, properties = [], {}
    for quoted, bare in _ARGUMENT.findall(rest):
        text = bare or re.sub(r"\\.", lambda found: _ESCAPED.get(found[0], found[0]), quoted)
        match = _PROPERTY.fullmatch(text)
        if match:
            properties[match[1]] = match[2]
        else:
            arguments.append(text)
    return Message(name, tuple(arguments), properties)


def format_message(name: str, arguments: Sequence[str] = (), properties: Mapping[str, str] | None = None) -> str:
    """One line, its newline included."""
    words = [*arguments, *(f"{key}={value}" for key, value in (properties or {}).items())]
    return " ".join([PREFIX + name, *map(_quoted, words)]) + "\n"


def region_text(region: Region) -> str:
    """A region as TraX writes it: numbers, or `mask:` and the offset, size and runs."""
    text = format_region(region)
    return f"mask:{text[1:]}" if text.startswith("m") else text


def image_text(frame: Image, kind: str, path: Path) -> str:
    """The image `frame`, which the file `path` holds too, in one of TraX's formats: `path`, `buffer` or `memory`."""
    if kind == "path":
        return f"file://{path}"
    if kind == "buffer":
        form = "png" if path.suffix.lower() == ".png" else "jpeg"
        return f"data:image/{form};{base64.b64encode(path.read_bytes()).decode('ascii')}"
    height, width = frame.shape[:2]
    pixels = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB).tobytes()
    return f"image:{width};{height};rgb;{base64.b64encode(pixels).decode('ascii')}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
