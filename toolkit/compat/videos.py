"""The sequences of PySOT's data sets: images with ground truth, and the results of trackers as lists of numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.frames import Image, read_image
from toolkit.errors import ResultError
from toolkit.regions import Polygon, Rectangle
from toolkit.regions.boxes import bounding_boxes
from toolkit.results.layout import FolderFiles
from toolkit.visualization.drawing import Pen, draw_label, draw_region

Rows: TypeAlias = list[list[float]]
"""The numbers of each line of a file."""


class Video:
    """A sequence. Iterating gives (image, ground truth) pairs; images are read when they are asked for.

    Args:
        name: of the sequence.
        root: folder that the paths of images start from.
        video_dir: its folder in `root`.
        init_rect: first box, x, y, w, h.
        img_names: paths of the images, from `root`, or from the current folder if they are not there.
        gt_rect: one list of 4 or 8 numbers per frame.
        attr: names of its attributes, or None.
        load_img: read all images now.
    """

    def __init__(
        self,
        name: str,
        root: str,
        video_dir: str,
        init_rect: Sequence[float],
        img_names: Sequence[str],
        gt_rect: Sequence[Sequence[float]],
        attr: Sequence[str] | None,
        load_img: bool = False,
    ) -> None:
        self.name, self.video_dir, self.init_rect, self.attr = name, video_dir, init_rect, attr
        self.gt_traj: list[Any] = list(gt_rect)
        base = Path(root).absolute() if img_names and (Path(root) / img_names[0]).exists() else Path.cwd()
        self.img_names = [str(base / image) for image in img_names]
        self.pred_trajs: dict[str, Any] = {}
        self.tracker_names: list[str] = []
        self.imgs: list[Image] | None = None
        if load_img:
            self.load_img()

    @cached_property
    def _size(self) -> tuple[int, int]:
        height, width = read_image(Path(self.img_names[0])).shape[:2]
        return width, height

    @property
    def width(self) -> int:
        """Of the images, in pixels. Raises `FrameError` when the first one cannot be read."""
        return self._size[0]

    @property
    def height(self) -> int:
        """Of the images, in pixels. Raises `FrameError` when the first one cannot be read."""
        return self._size[1]

    def load_tracker(self, path: str, tracker_names: str | Sequence[str] | None = None, store: bool = True) -> Any:
        """Reads the results of trackers below `path`, all by default, into `pred_trajs`.

        `store` False reads those of the first tracker only, and returns them. Raises `ResultError` naming the file that
        is missing or holds no numbers.
        """
        if not tracker_names:
            tracker_names = sorted(folder.name for folder in Path(path).iterdir() if folder.is_dir())
        for name in [tracker_names] if isinstance(tracker_names, str) else tracker_names:
            found = self.read_result(Path(path) / name)
            if not store:
                return found
            self.keep_result(name, found)
        self.tracker_names = list(self.pred_trajs)
        return None

    def read_result(self, folder: Path) -> Any:
        """The boxes that a tracker, whose files are in `folder`, has of this sequence."""
        return read_rows(find_file(folder, self.name))

    def keep_result(self, tracker: str, found: Any) -> None:
        """Keeps what `read_result` read."""
        self.pred_trajs[tracker] = found

    def load_img(self) -> None:
        """Reads all images."""
        if self.imgs is None:
            self.imgs = [read_image(Path(path)) for path in self.img_names]

    def free_img(self) -> None:
        """Forgets the images that were read."""
        self.imgs = None

    def __len__(self) -> int:
        return len(self.img_names)

    def __getitem__(self, idx: int) -> tuple[Image, Any]:
        image = read_image(Path(self.img_names[idx])) if self.imgs is None else self.imgs[idx]
        return image, self.gt_traj[idx]

    def __iter__(self) -> Iterator[tuple[Image, Any]]:
        return (self[index] for index in range(len(self)))

    def draw_box(
        self, roi: Sequence[float], img: Image, linewidth: int, color: Sequence[float], name: str | None = None
    ) -> Image:
        """`img` with a box or polygon drawn into it, and `name` beside it; unchanged where the box is NaN."""
        if len(roi) >= 4 and not math.isnan(roi[0]):
            blue, green, red = (int(level) for level in color)
            points = np.asarray(roi, np.float64)
            pen = replace(Pen.for_image(img), line=linewidth)
            region = Rectangle(*points.tolist()) if len(points) == 4 else Polygon(points.reshape(-1, 2))
            draw_region(img, region, (blue, green, red), pen)
            if name:
                left, top, width, height = bounding_boxes(points[None])[0].tolist()
                draw_label(img, name, (left, top, width, height), (blue, green, red), pen)
        return img

    def show(
        self, pred_trajs: Mapping[str, Sequence[Any]] | None = None, linewidth: int = 2, show_name: bool = False
    ) -> list[Image]:
        """Shows the video in a window, truth and results drawn in, and returns its frames.

        `pred_trajs` are results by tracker, as `load_tracker` keeps them; default: all that are kept.
        """
        results = pred_trajs or self.pred_trajs
        rng = np.random.default_rng(0)
        colors = {name: rng.integers(0, 256, 3).tolist() for name in results}
        shown = []
        for index, (image, truth) in enumerate(self):
            frame = image.copy()
            self.draw_box(truth, frame, linewidth, (0, 255, 0), "gt" if show_name else None)
            for name, rows in results.items():
                run = rows[0] if rows and rows[0] and isinstance(rows[0][0], Sequence) else rows
                self.draw_box(run[index], frame, linewidth, colors[name], name if show_name else None)
            cv2.imshow(self.name, frame)
            cv2.waitKey(40)
            shown.append(frame)
        return shown


class OTBVideo(Video):
    """A sequence of OTB; files of results may have any of its spellings (`jogging_1.txt`)."""


class UAVVideo(Video):
    """A sequence of UAV123 or UAV20L."""


class NFSVideo(Video):
    """A sequence of NFS."""


class GOT10kVideo(Video):
    """A sequence of GOT-10k."""


class TrackingNetVideo(Video):
    """A sequence of TrackingNet."""


class LaSOTVideo(Video):
    """A sequence of LaSOT; `absent` is 1 in frames that count, as in PySOT's file."""

    def __init__(
        self,
        name: str,
        root: str,
        video_dir: str,
        init_rect: Sequence[float],
        img_names: Sequence[str],
        gt_rect: Sequence[Sequence[float]],
        attr: Sequence[str] | None,
        absent: Sequence[int],
        load_img: bool = False,
    ) -> None:
        super().__init__(name, root, video_dir, init_rect, img_names, gt_rect, attr, load_img)
        self.absent: NDArray[np.int8] = np.array(absent, np.int8)

    def read_result(self, folder: Path) -> Rows:
        rows = read_rows(find_file(folder, self.name))
        return rows[: len(self.gt_traj)]  # published results of monkey-17 go on after the truth


VOT_TAGS = ("camera_motion", "illum_change", "motion_change", "size_change", "occlusion")


class VOTVideo(Video):
    """A sequence of VOT with restarts; `tags` holds 0 or 1 for every frame."""

    def __init__(
        self,
        name: str,
        root: str,
        video_dir: str,
        init_rect: Sequence[float],
        img_names: Sequence[str],
        gt_rect: Sequence[Sequence[float]],
        camera_motion: Sequence[int],
        illum_change: Sequence[int],
        motion_change: Sequence[int],
        size_change: Sequence[int],
        occlusion: Sequence[int],
        load_img: bool = False,
    ) -> None:
        super().__init__(name, root, video_dir, init_rect, img_names, gt_rect, None, load_img)
        given = (camera_motion, illum_change, motion_change, size_change, occlusion)
        self.tags: dict[str, list[int]] = {"all": [1] * len(gt_rect)}
        self.tags |= {tag: list(frames) for tag, frames in zip(VOT_TAGS, given, strict=True)}
        known = np.array([frames for frames in self.tags.values() if len(frames) == len(gt_rect)])
        self.tags["empty"] = np.all(known[1:] == 0, axis=0).astype(int).tolist()
        self.tag_names = list(self.tags)

    def select_tag(self, tag: str, start: int = 0, end: int = 0) -> list[int]:
        """The frames from `start` to before `end` that carry `tag`, as 0 and 1."""
        return self.tags[tag][start:end]

    def read_result(self, folder: Path) -> list[Rows]:
        """One trajectory per repetition; VOT's runs have 15, or the first alone counts."""
        paths = sorted((folder / "baseline" / self.name).glob("*0*.txt"))
        if not paths:
            raise ResultError(
                f"{folder}: no results for '{self.name}' (baseline/{self.name}/{self.name}_001.txt). Run the tracker "
                "with restarts on it."
            )
        return [read_rows(path) for path in (paths if len(paths) == 15 else paths[:1])]


class VOTLTVideo(Video):
    """A sequence of VOT-LT; the truth of frames without the target is [0], `confidence` is by tracker."""

    def __init__(
        self,
        name: str,
        root: str,
        video_dir: str,
        init_rect: Sequence[float],
        img_names: Sequence[str],
        gt_rect: Sequence[Sequence[float]],
        load_img: bool = False,
    ) -> None:
        truth = [[0] if math.isnan(box[0]) else box for box in gt_rect]
        super().__init__(name, root, video_dir, init_rect, img_names, truth, None, load_img)
        self.confidence: dict[str, list[float]] = {}

    def read_result(self, folder: Path) -> tuple[Rows, list[float]]:
        base = folder / "longterm" / self.name / f"{self.name}_001"
        scores = [float(line) for line in read_lines(base.with_name(f"{base.name}_confidence.value"))[1:]]
        return read_rows(base.with_suffix(".txt")), [math.nan, *scores]

    def keep_result(self, tracker: str, found: tuple[Rows, list[float]]) -> None:
        self.pred_trajs[tracker], self.confidence[tracker] = found

    def load_tracker(self, path: str, tracker_names: str | Sequence[str] | None = None, store: bool = True) -> Any:
        """As in `Video`, and returns the boxes and confidences of the last tracker that was read."""
        found = super().load_tracker(path, tracker_names, store)
        if found is None and self.tracker_names:
            last = self.tracker_names[-1]
            return self.pred_trajs[last], self.confidence[last]
        return found


def find_file(folder: Path, sequence: str) -> Path:
    """The text file of a sequence among a tracker's, in any of its known spellings. Raises `ResultError`."""
    usual = folder / f"{sequence}.txt"
    if usual.is_file():
        return usual
    files = FolderFiles(folder.name, folder)
    found = files.find(sequence)
    if not found:
        raise ResultError(f"{usual}: there is no such file, nor one of another spelling. {files.summary()}")
    return folder / found[0]


def read_lines(path: Path) -> list[str]:
    """The lines of a result file, but empty last ones. Raises `ResultError` when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ResultError(f"{path}: cannot be read ({error}). Check the file.") from None


def read_rows(path: Path) -> Rows:
    """The numbers of every line, one (a code) to eight. Raises `ResultError` naming the line that holds others."""
    rows = []
    for number, line in enumerate(read_lines(path), 1):
        try:
            rows.append([float(word) for word in re.split(r"[,\s]+", line.strip())])
        except ValueError:
            raise ResultError(f"{path}:{number}: '{line[:40]}' are no numbers; expected x,y,w,h.") from None
    return rows
