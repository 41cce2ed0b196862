"""A plain folder of sequences: the form for a user's own training data.

::

    ROOT/<name>/img/0001.jpg ...      images (jpg, png, ...) in the order of their numbers; imgs/, color/, images/ or
                                      frames/ will do, or the sequence's own folder
    ROOT/<name>/groundtruth.txt       one line x,y,w,h per image: 0-based pixels, left, top, width, height; commas,
                                      blanks or tabs; NaN or a width or height of 0 where the target is absent. A
                                      polygon x1,y1,...,x4,y4 stands for its bounding box
    ROOT/<name>/mask/0001.png ...     optional: masks under the names of the images; anything but 0 is the object

Sequences may lie one folder deeper, `ROOT/<group>/<name>/`, and ROOT may be a sequence itself.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from pysot.core.errors import ConfigError
from pysot.datasets.sources.base import SOURCES, Track, VideoSource
from pysot.datasets.sources.tracks import FileTrack, as_config_error, select_names
from toolkit.datasets.annotation import TextFile, read_ground_truth
from toolkit.datasets.image_folder import has_image, list_images, natural_key
from toolkit.datasets.layouts.own import IMAGE_FOLDERS
from toolkit.errors import abbreviate
from toolkit.regions.boxes import bounding_boxes

logger = logging.getLogger(__name__)

TRUTH = "groundtruth.txt"
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
        folders = find_sequences(Path(root), name)
        chosen = select_names(list(folders), only, exclude, name)
        with as_config_error():
            tracks: list[Track] = [_open(key, folders[key]) for key in chosen]
        empty = [track.name for track in tracks if not len(track)]
        if empty:
            logger.warning("%s: %d sequences have no frame with a box: %s", name, len(empty), abbreviate(empty))
        super().__init__(name, [[track] for track in tracks if len(track)], frame_range, num_use)


def find_sequences(root: Path, source: str) -> dict[str, Path]:
    """Name and folder of every sequence at, in or one folder below `root`, in natural order."""
    if not root.is_dir():
        raise ConfigError(f"{source}: ROOT {root} is not a folder. Set it to the folder that holds the sequences.")
    if (root / TRUTH).is_file():
        return {root.resolve().name: root}
    found, bare = [], []
    for entry in _subfolders(root):
        inner = [entry] if (entry / TRUTH).is_file() else _subfolders(entry)
        found += [folder for folder in inner if (folder / TRUTH).is_file()]
        others = [folder for folder in {entry, *inner} if not (folder / TRUTH).is_file()]
        bare += [str(folder) for folder in others if any(has_image(folder / sub) for sub in IMAGE_FOLDERS)]
    if bare:
        logger.warning("%s: %d folders have images but no %s: %s", source, len(bare), TRUTH, abbreviate(sorted(bare)))
    if not found:
        raise ConfigError(
            f"{source}: there is no sequence in {root}. Expected {root}/<name>/img/*.jpg with {root}/<name>/{TRUTH}, "
            f"or one folder deeper."
        )
    return {folder.relative_to(root).as_posix(): folder for folder in found}


def _subfolders(folder: Path) -> list[Path]:
    return sorted((entry for entry in folder.iterdir() if entry.is_dir()), key=lambda entry: natural_key(entry.name))


def _open(name: str, folder: Path) -> FileTrack:
    boxes = bounding_boxes(read_ground_truth(TextFile.at(folder / TRUTH)).boxes)
    sub = next((sub for sub in (*IMAGE_FOLDERS, ".") if has_image(folder / sub)), None)
    if sub is None:
        raise ConfigError(f"{folder} has no images: put them into {folder / IMAGE_FOLDERS[0]}.")
    images = list_images(folder / sub)
    if len(images) != len(boxes):
        raise ConfigError(
            f"{folder / TRUTH} has {len(boxes)} lines, and there are {len(images)} images in {folder / sub}. Write one "
            "line per image, NaN,NaN,NaN,NaN where the target is absent."
        )
    masks = _masks(folder, images) if (folder / MASK_FOLDER).is_dir() else None
    return FileTrack(name, folder, [f"{sub}/{image}" for image in images], boxes, masks)


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
