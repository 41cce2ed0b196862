"""A tracker's process for tests: it follows the reddest pixel, or does worse."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2
import numpy as np

from tests.conftest import REPO

PROGRAM = """
import sys
import numpy as np
from pysot.cli.command import guarded
from toolkit.vot.server import serve

class Reddest:
    def at_frame(self, video, index): pass
    def init(self, image, box):
        self.size = box[2:]
    def track(self, image):
        red = image[:, :, 2].astype(int) - image[:, :, 0]
        y, x = np.unravel_index(red.argmax(), red.shape)
        {track}
        return {{"bbox": (x, y, *self.size), "best_score": 0.5}}

sys.exit(guarded("trax", lambda: serve(Reddest, {kind!r}, "a 'red' one", {{"made.by": "test"}}) and 0))
"""


def command(folder: Path, kind: str = "rectangle", track: str = "pass") -> list[str]:
    """Writes the program and says how to start it; `track` is a line of its `track`."""
    script = folder / f"tracker_{kind}.py"
    script.write_text(PROGRAM.format(kind=kind, track=track))
    return [sys.executable, str(script)]


def environment() -> dict[str, str]:
    """In which a program outside the repository finds it."""
    return {**os.environ, "PYTHONPATH": str(REPO)}


def red_frames(folder: Path, places: list[tuple[int, int]], suffix: str = ".png") -> list[tuple[Path, np.ndarray]]:
    """(path, BGR pixels) of 60 x 40 frames, blue all over but for a red block at each of `places` (x, y)."""
    frames = []
    for number, (x, y) in enumerate(places, start=1):
        frame = np.zeros((40, 60, 3), np.uint8)
        frame[:, :, 0] = 200
        frame[y : y + 8, x : x + 8] = (0, 0, 250)
        path = folder / f"{number:08d}{suffix}"
        cv2.imwrite(str(path), frame)
        frames.append((path, frame))
    return frames
