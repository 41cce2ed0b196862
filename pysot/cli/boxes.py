"""Targets on the command line: boxes in the form of --init-box, and the first frame they lie in."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from pysot.core.errors import BadBoxError, SotError
from pysot.tracker.base import check_box
from toolkit.datasets.frames import Image
from toolkit.protocols.start import Box
from toolkit.utils.opencv import quiet_opencv
from toolkit.visualization.video_source import open_reader


def parse_boxes(texts: Sequence[str]) -> list[Box]:
    """Boxes x, y, w, h from texts such as `10,20,30,40`; one text may hold several, separated by blanks or `;`.

    Raises `BadBoxError` naming the text that is not four finite numbers with a positive width and height.
    """
    return [_parse_box(part) for text in texts for part in re.split(r"[;\s]+", text.strip()) or [""]]


def _parse_box(text: str) -> Box:
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError as error:
        raise BadBoxError(f"--init-box '{text}' is not x,y,w,h. Example: --init-box 130,55,64,80") from error
    if not all(map(math.isfinite, (x, y, width, height))) or width <= 0 or height <= 0:
        raise BadBoxError(f"--init-box '{text}' has no area. Give x,y,w,h in pixels, width and height above zero.")
    return x, y, width, height


def check_boxes(boxes: Sequence[Box], image: Image) -> None:
    """Raises `BadBoxError` naming the first box that lies outside the first frame `image`."""
    for number, box in enumerate(boxes, start=1):
        try:
            check_box(box, image)
        except BadBoxError as error:
            raise BadBoxError(f"Target {number}: {error}") from error


def read_target(names: Sequence[str], init_box: str) -> tuple[Image, Box]:
    """The first frame of what `names` say (see `open_reader`), and the one box of `init_box` in it."""
    box, *more = parse_boxes([init_box])
    if more:
        raise SotError(f"--init-box {init_box} holds {len(more) + 1} boxes; give one.")
    reader = open_reader(names)
    with quiet_opencv():
        frame = reader.read(0)
    reader.close()
    if frame is None:
        raise SotError(f"{reader.name} has no frame.")
    check_boxes([box], frame)
    return frame, box
