"""Tiny benchmark trees on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest


def write_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def write_images(folder: Path, names: Sequence[str], values: Sequence[int] | None = None) -> None:
    """8x6 images; image i is filled with `values[i]` (default i), so that a test sees which one it read."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        value = index if values is None else values[index]
        cv2.imwrite(str(folder / name), np.full((6, 8, 3), value, dtype=np.uint8))


def write_rows(path: Path, rows: Sequence[Sequence[float]], separator: str = ",") -> Path:
    return write_text(path, "".join(separator.join(f"{value:g}" for value in row) + "\n" for row in rows))


@pytest.fixture(name="write_text")
def write_text_fixture() -> Callable[..., Path]:
    return write_text


@pytest.fixture(name="write_images")
def write_images_fixture() -> Callable[..., None]:
    return write_images


@pytest.fixture(name="write_rows")
def write_rows_fixture() -> Callable[..., Path]:
    return write_rows
