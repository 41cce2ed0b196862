"""Small files in the forms that training data comes in."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


def write_image(path: Path, size_wh: tuple[int, int] = (64, 48), seed: int = 0) -> NDArray[np.uint8]:
    """Writes a random image, lossless when the suffix says so, and returns it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(seed).integers(0, 256, (size_wh[1], size_wh[0], 3), dtype=np.uint8)
    assert cv2.imwrite(str(path), image)
    return image


def write_palette_png(path: Path, indices: NDArray[np.uint8], bits: int = 8) -> None:
    """Writes a palette PNG, as DAVIS and YouTube-VOS store masks; the colors say nothing about the indices."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = indices.shape
    palette = np.random.default_rng(1).integers(0, 256, 3 * 2**bits, dtype=np.uint8).tobytes()
    bit_rows = np.unpackbits(indices[..., None], axis=-1)[..., 8 - bits :].reshape(height, -1)
    rows = b"".join(b"\0" + np.packbits(row).tobytes() for row in bit_rows)
    header = struct.pack(">IIBBBBB", width, height, bits, 3, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"PLTE", palette), (b"tRNS", b"\0"), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
