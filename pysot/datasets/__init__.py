"""Training data: importing this package fills `SOURCES` with every KIND of source."""

from pysot.datasets.sources import coco, crop511, folder, pseudo, rendered
from pysot.datasets.sources import imagenet as official_imagenet
from pysot.datasets.sources import tracking as official_boxes
from pysot.datasets.sources import vos as official_masks
from pysot.datasets.sources.copy_paste import source as copy_paste

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
