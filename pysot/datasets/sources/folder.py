"""A plain folder of sequences: the form for a user's own training data.

::

    ROOT/<name>/img/0001.jpg ...      images (jpg, png, ...) in the order of their numbers; imgs/, color/, images/ or
                                      frames/ will do, or the sequence's own folder
    ROOT/<name>/groundtruth.txt       one line x,y,w,h per image: 0-based pixels, left, top, width, height; commas,
                                      blanks or tabs; NaN or a width or height of 0 where the target is absent. A
                                      polygon x1,y1,...,x4,y4 stands for its bounding box. groundtruth_rect.txt will
                                      do; groundtruth_1.txt, groundtruth_rect.2.txt, ... are further targets
    ROOT/<name>/mask/0001.png ...     optional: masks under the names of the images; anything but 0 is the object

Sequences may lie one folder deeper, `ROOT/<group>/<name>/`, and ROOT may be a sequence itself: what is found is what
`tools/test.py --dataset ROOT` finds (`toolkit.datasets.layouts.own`), without videos.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from pysot.core.errors import ConfigError
from pysot.datasets.sources.base import SOURCES, Track, VideoSource
from pysot.datasets.sources.tracks import FileTrack, as_config_error, select_names
from toolkit.datasets.annotation import TextFile, read_ground_truth
from toolkit.datasets.image_folder import list_images
from toolkit.datasets.layouts.own import EXPECTED, IMAGE_FOLDERS, OwnSequence, find_own
from toolkit.errors import abbreviate
from toolkit.regions.boxes import bounding_boxes

logger = logging.getLogger(__name__)

MASK_FOLDER = "mask"


@SOURCES.register("folder")
class FolderSource(VideoSource):
    """Sequences of a plain folder, one object each.

    Args:
        root: the folder.
        frame_range: how far, in frames with a box, the other frame of a pair may lie from the first.
        name, num_use: see `Source`.
        only: names of the sequences to use (`dog` or `davis/dog`), or a text file with one per line; empty for all.
        exclude: names not to use.

    Raises:
        ConfigError: no such folder, no sequence in it, a file that cannot be parsed (file and line), or another number
            of lines than images.
    """

    def __init__(
        self,
        name: str,
        root: str | Path,
        frame_range: int = 100,
        num_use: int = -1,
        only: str | Sequence[str] = (),
        exclude: str | Sequence[str] = (),
    ) -> None:
        found = find_sequences(Path(root), name)
        chosen = select_names(list(found), only, exclude, name)
        with as_config_error():
            tracks: list[Track] = [_open(found[key]) for key in chosen]
        empty = [track.name for track in tracks if not len(track)]
        if empty:
            logger.warning("%s: %d sequences have no frame with a box: %s", name, len(empty), abbreviate(empty))
        super().__init__(name, [[track] for track in tracks if len(track)], frame_range, num_use)


def find_sequences(root: Path, source: str) -> dict[str, OwnSequence]:
    """Name and place of every annotated sequence at, in or one folder below `root`, in natural order."""
    if not root.is_dir():
        raise ConfigError(f"{source}: ROOT {root} is not a folder. Set it to the folder that holds the sequences.")
    every = find_own(root)
    videos = [one.images for one in every if one.images is not None and one.images.is_file()]
    bare = [one.name for one in every if one.annotation is None and one.images not in videos]
    found = {one.name: one for one in every if one.annotation is not None and one.images not in videos}
    if bare:
        logger.warning("%s: %d folders have images but no groundtruth.txt: %s", source, len(bare), abbreviate(bare))
    if videos:
        logger.warning(
            "%s: %d videos are left out, training reads images: ffmpeg -i %s -q:v 2 %s/img/%%06d.jpg, and the boxes as "
            "groundtruth.txt beside img/",
            source, len(videos), videos[0], videos[0].with_suffix(""),
        )  # fmt: skip
    if not found:
        raise ConfigError(
            f"{source}: there is no sequence in {root}. Expected {EXPECTED}, there or one folder deeper"
            f"{'; training reads no videos' if videos else ''}."
        )
    return found


def _open(own: OwnSequence) -> FileTrack:
    assert own.annotation is not None
    folder = own.annotation.parent
    boxes = bounding_boxes(read_ground_truth(TextFile.at(own.annotation)).boxes)
    if own.images is None:
        raise ConfigError(f"{folder} has no images: put them into {folder / IMAGE_FOLDERS[0]}.")
    images = list_images(own.images)
    if len(images) != len(boxes):
        raise ConfigError(
            f"{own.annotation} has {len(boxes)} lines, and there are {len(images)} images in {own.images}. Write one "
            "line per image, NaN,NaN,NaN,NaN where the target is absent."
        )
    masks = _masks(folder, images) if (folder / MASK_FOLDER).is_dir() else None
    sub = own.images.relative_to(folder).as_posix()
    return FileTrack(own.name, folder, [f"{sub}/{image}" for image in images], boxes, masks)


def _masks(folder: Path, images: Sequence[str]) -> list[str | None]:
    """The mask of each image, by the name without its suffix."""
    by_stem = {Path(mask).stem: f"{MASK_FOLDER}/{mask}" for mask in list_images(folder / MASK_FOLDER)}
    masks = [by_stem.get(Path(image).stem) for image in images]
    if by_stem and not any(masks):
        raise ConfigError(
            f"{folder / MASK_FOLDER}: no mask has the name of an image ({next(iter(by_stem.values()))}, {images[0]}). "
            "Name each mask as its image, with the suffix .png."
        )
    return masks
