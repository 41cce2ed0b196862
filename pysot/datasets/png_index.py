"""Palette PNGs as plain numbers: OpenCV turns a palette into colours, but a mask's meaning is in the indices."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE, _GREY = 3, 0  # colour types of the IHDR chunk
_KEPT = (b"IDAT", b"IEND")


def palette_as_grey(data: bytes) -> tuple[bytes, int]:
    """The same PNG with its palette taken away, so that a decoder gives grey levels `index * step`; and that step.

    Indices and grey levels are packed alike, hence only the header changes (PNG specification, sections 7.2 and 11.2).
    A decoder spreads the levels of 1, 2 and 4 bits over 0..255, hence the step. Any other data is returned as it is,
    with step 1.
    """
    header = data[16:29]  # width, height (4 bytes each), bit depth, colour type, and three more of 1 byte
    if not data.startswith(_SIGNATURE + b"\0\0\0\rIHDR") or len(header) < 13 or header[9] != _PALETTE:
        return data, 1
    depth = header[8]
    grey = header[:9] + bytes([_GREY]) + header[10:]
    parts = [_SIGNATURE, _chunk(b"IHDR", grey), *(raw for kind, raw in _chunks(data) if kind in _KEPT)]
    return b"".join(parts), 255 // (2**depth - 1) if depth in (1, 2, 4) else 1


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and raw bytes of each chunk, in order, as far as the data goes."""
    start = len(_SIGNATURE)
    while start + 8 <= len(data):
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        yield data[start + 4 : start + 8], data[start:end]
        start = end


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
