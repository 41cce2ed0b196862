"""Image sizes of VOT2019 sequences, whose PySOT annotation file does not hold them.

Regions are compared inside the image only, so a score needs the size where a target or a result reaches the border.
Most of the sequences are VOT2018's and have the size they have there.
"""

from __future__ import annotations

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


def known_image_size(benchmark: str, sequence: str) -> tuple[int, int] | None:
    """(width, height) of a VOT2019 sequence; None for other benchmarks and sequences not in the table."""
    return _SIZES.get(sequence) if benchmark == "VOT2019" else None
