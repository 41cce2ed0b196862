"""Image sizes, for regions are compared inside the image only: a score needs the size where one reaches the border.

PySOT's annotation file of VOT2019 does not hold them: they are here. Most of its sequences are VOT2018's and have the
size they have there.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence as AbstractSequence

from toolkit.datasets.sequence import Sequence
from toolkit.errors import FrameError, abbreviate

logger = logging.getLogger(__name__)

_NAMES_BY_SIZE = {
    (320, 180): "gymnastics1",
    (320, 240): "dinosaur hand pedestrian1",
    (384, 288): "handball1",
    (432, 240): "godfather",
    (460, 345): "fish1",
    (480, 270): "iceskater1",
    (560, 240): "graduate",
    (576, 432): "basketball",
    (624, 352): "shaking singer2",
    (640, 352): "iceskater2",
    (640, 360): "bolt1 fish2 motocross1 soccer1",
    (640, 480): "book butterfly car1 fernando girl glove rabbit tiger wiper",
    (768, 576): "handball2",
    (800, 336): "matrix",
    (848, 480): "helicopter",
    (854, 480): "singer3",
    (960, 540): "lamb nature",
    (1024, 1024): "ants1",
    (1201, 681): "soccer2",
    (1210, 681): "road",
    (1280, 720): (
        "ball2 birds1 conduction1 crabs1 drone1 drone_across drone_flip flamingo1 gymnastics2 gymnastics3 "
        "leaves soldier"
    ),
    (1920, 1080): "frisbee zebrafish1",
}
_SIZES = {name: size for size, names in _NAMES_BY_SIZE.items() for name in names.split()}


def image_sizes(sequences: AbstractSequence[Sequence], benchmark: str = "") -> list[tuple[int, int] | None]:
    """(width, height) of each sequence: from its annotation, the table, or its first frame; None when unknown.

    A frame that cannot be read does not stop the scoring: its sequence's size is unknown, and a warning says so.
    """
    sizes: list[tuple[int, int] | None] = []
    unreadable: list[str] = []
    for sequence in sequences:
        known = sequence.image_size or (_SIZES.get(sequence.name) if benchmark == "VOT2019" else None)
        try:
            sizes.append(known or sequence.size())
        except FrameError as error:
            unreadable.append(str(error))
            sizes.append(None)
    if unreadable:
        logger.warning(
            "%d image size(s) are unknown, so regions of these sequences are not cut at the border: %s",
            len(unreadable),
            abbreviate(unreadable, " | "),
        )
    return sizes
