"""COCO as its archives unpack: every image is a video of one frame, every annotated object a track with a mask."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pysot.core.errors import ConfigError, ImageError
from pysot.datasets.sources.base import SOURCES, AnnotatedFrame, VideoSource
from pysot.datasets.sources.tracks import StillTrack, annotate

logger = logging.getLogger(__name__)


class CocoTrack(StillTrack):
    """One annotated object.

    Args:
        outline: polygons as arrays x1, y1, x2, y2, ..., or a run-length code {'counts', 'size'}; None without a mask.
        size_hw: height and width of the image as annotated.
    """

    __slots__ = ("outline", "size_hw")

    def __init__(
        self,
        name: str,
        folder: Path,
        file: str,
        box_xywh: tuple[float, float, float, float],
        outline: list[NDArray[np.float64]] | dict[str, Any] | None,
        size_hw: tuple[int, int],
    ) -> None:
        super().__init__(name, folder, file, box_xywh)
        self.outline, self.size_hw = outline, size_hw

    def read(self, index: int) -> AnnotatedFrame:
        box = np.array(self.box_xywh, dtype=np.float64)
        return annotate(self.folder / self.file, box, None if self.outline is None else self._draw())

    def _draw(self) -> NDArray[np.bool_]:
        """(H, W) bool: the outline filled as COCO's own tools fill it."""
        from pycocotools import mask as coco_mask

        height, width = self.size_hw
        code: Any = self.outline
        try:
            if isinstance(self.outline, list):
                code = coco_mask.merge(coco_mask.frPyObjects([part.tolist() for part in self.outline], height, width))
            elif self.outline is not None and isinstance(self.outline["counts"], list):
                code = coco_mask.frPyObjects(self.outline, height, width)
            return np.asarray(coco_mask.decode(code), dtype=np.bool_)
        except (TypeError, ValueError, KeyError) as error:
            raise ImageError(
                f"{self.folder / self.file}: the outline of an object cannot be drawn ({error})."
            ) from error


@SOURCES.register("coco")
class CocoSource(VideoSource):
    """COCO: `ROOT/<split>/*.jpg` and `ROOT/annotations/instances_<split>.json`. Crowds are not used.

    Args:
        root: the folder that holds `annotations/`.
        frame_range: of no effect: both frames of a pair are the same image.
        name, num_use: see `Source`.
        split: `train2017`, `val2017`, ...

    Raises:
        ConfigError: pycocotools is not installed, the annotation file is missing, damaged or of another form, or
            nothing usable is in it.

    Source: Lin et al., ECCV 2014.
    """

    def __init__(
        self, name: str, root: str | Path, frame_range: int = 1, num_use: int = -1, split: str = "train2017"
    ) -> None:
        _require_pycocotools(name)
        anno = Path(root, "annotations", f"instances_{split}.json")
        try:
            content = json.loads(anno.read_bytes())
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{name}: cannot read {anno} ({error}). Set ROOT to the folder that holds annotations/ and {split}/."
            ) from error
        try:
            videos = _videos(name, Path(root), split, content)
        except (TypeError, KeyError, ValueError) as error:
            raise ConfigError(
                f"{anno}: not of COCO's form ({type(error).__name__}: {error}): expected 'images' with id, file_name, "
                "height and width, and 'annotations' with image_id, bbox and segmentation."
            ) from error
        super().__init__(name, videos, frame_range, num_use)


def _require_pycocotools(name: str) -> None:
    try:
        import pycocotools.mask  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"{name}: KIND coco needs pycocotools for the masks ({error}). Install it with `pip install pycocotools`, "
            "or train on a prepared set (KIND crop511)."
        ) from error


def _videos(name: str, root: Path, split: str, content: Mapping[str, Any]) -> list[list[CocoTrack]]:
    images = {image["id"]: image for image in content["images"]}
    tracks: dict[int, list[CocoTrack]] = {}
    dropped = 0
    for entry in content["annotations"]:
        if entry.get("iscrowd"):
            continue
        x, y, w, h = map(float, entry["bbox"])
        if not (w > 0 and h > 0):
            dropped += 1
            continue
        image = images[entry["image_id"]]
        file = f"{split}/{image['file_name']}"
        track = CocoTrack(
            str(PurePosixPath(file).with_suffix("")), root, file, (x, y, w, h), _outline(entry),
            (int(image["height"]), int(image["width"])),
        )  # fmt: skip
        tracks.setdefault(entry["image_id"], []).append(track)
    if dropped:
        logger.warning("%s: %d boxes have no area and are dropped.", name, dropped)
    return [tracks[key] for key in sorted(tracks)]


def _outline(entry: Mapping[str, Any]) -> list[NDArray[np.float64]] | dict[str, Any] | None:
    """The segmentation; polygons as arrays, which take a quarter of the memory of lists."""
    segmentation = entry.get("segmentation")
    if isinstance(segmentation, list):
        return [np.array(part, dtype=np.float64) for part in segmentation] or None
    return dict(segmentation) if segmentation else None
