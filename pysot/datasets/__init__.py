"""Training data: importing this package fills `SOURCES` with every KIND of source."""

from pysot.datasets import (
    coco,
    copy_paste,
    crop511,
    folder,
    official_boxes,
    official_imagenet,
    official_masks,
    pseudo,
    rendered,
)

__all__ = [
    "coco",
    "copy_paste",
    "crop511",
    "folder",
    "official_boxes",
    "official_imagenet",
    "official_masks",
    "pseudo",
    "rendered",
]
