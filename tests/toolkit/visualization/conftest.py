"""A short video of a bright square that moves, as images and as a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

FRAMES = 8


@pytest.fixture
def frame() -> Callable[[int], np.ndarray]:
    """Frame `index` of the video."""

    def render(index: int) -> np.ndarray:
        image = np.random.default_rng(0).integers(0, 120, (120, 160, 3)).astype(np.uint8)
        image[30 + index : 54 + index, 40 + 2 * index : 64 + 2 * index] = (40, 230, 230)
        return image

    return render


@pytest.fixture
def folder(tmp_path: Path, frame: Callable[[int], np.ndarray]) -> Path:
    path = tmp_path / "frames"
    path.mkdir()
    for index in range(FRAMES):
        cv2.imwrite(str(path / f"{index + 1}.png"), frame(index))
    return path


@pytest.fixture
def video(tmp_path: Path, frame: Callable[[int], np.ndarray]) -> Path:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 12.5, (160, 120))
    for index in range(FRAMES):
        writer.write(frame(index))
    writer.release()
    return path
