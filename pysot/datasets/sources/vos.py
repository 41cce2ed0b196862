"""Video object segmentation sets as their archives unpack: DAVIS 2016 and 2017, YouTube-VOS. Boxes bound the masks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pysot.core.errors import ConfigError, ImageError
from pysot.datasets.sources.base import SOURCES, VideoSource
from pysot.datasets.sources.images import mask_values
from pysot.datasets.sources.tracks import MaskTrack, as_config_error, select_names
from toolkit.datasets.image_folder import list_images

IMAGES, MASKS = "JPEGImages", "Annotations"


@SOURCES.register("davis")
class DavisSource(VideoSource):
    """DAVIS: `ROOT/{JPEGImages,Annotations}/<resolution>/<sequence>/00000.{jpg,png}` and `ROOT/ImageSets/<split>.txt`.

    The objects of a sequence are those in its first mask: one in DAVIS 2016, numbered ones in DAVIS 2017.

    Args:
        root: the folder `DAVIS`.
        frame_range: how far, in frames, the other frame of a pair may lie from the first.
        name, num_use: see `Source`.
        split: which list of sequences: `2017/train`, `2016/train`, or `480p/train` in the first release of DAVIS 2016.
        resolution: `480p`, or the name of another folder of images and masks.
        only, exclude: see `select_names`.

    Raises:
        ConfigError: the list or a folder is missing, a first mask cannot be read, or images lack their masks.

    Source: Perazzi et al., CVPR 2016; Pont-Tuset et al., arXiv 1704.00675.
    """

    def __init__(
        self,
        name: str,
        root: str | Path,
        frame_range: int = 20,
        num_use: int = -1,
        split: str = "2017/train",
        resolution: str = "480p",
        only: str | Sequence[str] = (),
        exclude: str | Sequence[str] = (),
    ) -> None:
        listed = _read_list(name, Path(root, "ImageSets", f"{split}.txt"))
        chosen = select_names(listed, only, exclude, name)
        videos = [_open_davis(Path(root), resolution, video) for video in chosen]
        super().__init__(name, videos, frame_range, num_use)


@SOURCES.register("youtube_vos")
class YoutubeVosSource(VideoSource):
    """YouTube-VOS: `ROOT/<split>/{JPEGImages,Annotations}/<video>/00000.{jpg,png}` and `ROOT/<split>/meta.json`.

    Only frames with a mask (every fifth) are used, and of those the ones that meta.json lists for the object.

    Args:
        root: the folder that holds `train/`, or that folder itself.
        frame_range: how far, in frames with a mask, the other frame of a pair may lie from the first.
        name, num_use: see `Source`.
        split: `train`, or another part that comes with all its masks.
        only, exclude: see `select_names`.

    Raises:
        ConfigError: meta.json is missing, damaged or of another form.

    Source: Xu et al., arXiv 1809.03327.
    """

    def __init__(
        self,
        name: str,
        root: str | Path,
        frame_range: int = 20,
        num_use: int = -1,
        split: str = "train",
        only: str | Sequence[str] = (),
        exclude: str | Sequence[str] = (),
    ) -> None:
        base = Path(root, split) if Path(root, split).is_dir() else Path(root)
        meta = base / "meta.json"
        listed = _read_meta(name, meta)
        videos = []
        for video in select_names(sorted(listed), only, exclude, name):
            objects = _objects(listed[video], f"{meta}: video '{video}'")
            tracks = [_track(video, base, "", frames, number) for number, frames in objects.items() if frames]
            videos += [tracks] if tracks else []
        super().__init__(name, videos, frame_range, num_use)


def _read_list(name: str, path: Path) -> list[str]:
    """Sequence names: one per line, or lines `/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png`."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{name}: cannot read the list of sequences {path} ({error}). Set ROOT to the folder DAVIS, and SPLIT to "
            "the path of a list below ImageSets without its suffix, such as 2017/train."
        ) from error
    firsts = [PurePosixPath(line.split()[0]) for line in lines if line.strip()]
    return list(dict.fromkeys(first.parent.name if first.suffix else first.name for first in firsts))


def _open_davis(root: Path, resolution: str, video: str) -> list[MaskTrack]:
    masks = root / MASKS / resolution / video
    with as_config_error():
        stems = [Path(mask).stem for mask in list_images(masks)]
    if not stems:
        raise ConfigError(f"{masks} has no mask. Unpack the annotations of this sequence, or list it in EXCLUDE.")
    try:
        values = mask_values(masks / f"{stems[0]}.png")
    except ImageError as error:
        raise ConfigError(str(error)) from error
    return [_track(video, root, f"{resolution}/", stems, value) for value in values]


def _track(video: str, base: Path, part: str, stems: Sequence[str], value: int) -> MaskTrack:
    images = [f"{IMAGES}/{part}{video}/{stem}.jpg" for stem in stems]
    masks = [f"{MASKS}/{part}{video}/{stem}.png" for stem in stems]
    return MaskTrack(video, base, images, masks, value)


def _read_meta(name: str, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{name}: cannot read {path} ({error}). Set ROOT to the folder that holds meta.json, or its parent."
        ) from error
    videos = content.get("videos") if isinstance(content, dict) else None
    if not isinstance(videos, dict):
        raise ConfigError(f"{path}: expected an object with the key 'videos', as YouTube-VOS publishes it.")
    return videos


def _objects(entry: Any, where: str) -> dict[int, list[str]]:
    """Number of each object -> the frames that show it, in order."""
    try:
        return {int(number): sorted(map(str, item["frames"])) for number, item in entry["objects"].items()}
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"{where} is {str(entry)[:60]}; expected {{'objects': {{'1': {{'frames': ['00000', ...]}}}}}}."
        ) from error
