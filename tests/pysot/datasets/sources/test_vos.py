"""DAVIS and YouTube-VOS as their archives unpack."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from pysot.core.errors import ConfigError, ImageError
from pysot.datasets.sources.base import SOURCES, VideoSource
from pysot.datasets.sources.vos import DavisSource, YoutubeVosSource
from tests.pysot.datasets.files import write_image, write_palette_png

COUNT = 3


def indices(number: int, objects: int = 2) -> np.ndarray:
    """Object k is a rectangle of 6 x (3 + k) pixels that moves by one pixel per frame."""
    mask = np.zeros((48, 64), np.uint8)
    for value in range(1, objects + 1):
        mask[10 * value : 10 * value + 3 + value, 4 + number : 10 + number] = value
    return mask


def make_davis(root: Path, video: str, split: str = "2017/train", listing: str | None = None) -> None:
    for number in range(COUNT):
        write_image(root / "JPEGImages" / "480p" / video / f"{number:05d}.jpg", seed=number)
        write_palette_png(root / "Annotations" / "480p" / video / f"{number:05d}.png", indices(number))
    path = root / "ImageSets" / f"{split}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((path.read_text() if path.exists() else "") + (listing or video) + "\n")


def make_youtube(root: Path, video: str, frames: dict[str, list[str]]) -> dict[str, object]:
    """Writes images and masks; returns the video's part of meta.json."""
    for number in range(COUNT):
        write_image(root / "JPEGImages" / video / f"{5 * number:05d}.jpg", seed=number)
        write_palette_png(root / "Annotations" / video / f"{5 * number:05d}.png", indices(number), bits=4)
    return {"objects": {number: {"category": "dog", "frames": stems} for number, stems in frames.items()}}


def test_davis_2017_objects_are_numbered(tmp_path: Path) -> None:
    make_davis(tmp_path, "bear")
    make_davis(tmp_path, "dog")
    source = SOURCES["davis"]("DAVIS", tmp_path)
    assert isinstance(source, VideoSource) and [video[0].name for video in source.videos] == ["bear", "dog"]
    assert [[len(track) for track in video] for video in source.videos] == [[COUNT, COUNT]] * 2
    sample = source.videos[0][1].read(2)
    assert sample.box_xywh.tolist() == [6, 20, 6, 5] and sample.origin.endswith("480p/bear/00002.jpg")
    assert sample.mask is not None and np.array_equal(sample.mask, indices(2) == 2)
    assert len(DavisSource("DAVIS", tmp_path, only=["dog"])) == 1


def test_davis_2016_lists_files_and_has_one_object(tmp_path: Path) -> None:
    listing = "\n".join(f"/JPEGImages/480p/cow/{n:05d}.jpg /Annotations/480p/cow/{n:05d}.png" for n in range(COUNT))
    make_davis(tmp_path, "cow", "480p/train", listing)
    for number in range(COUNT):
        path = tmp_path / "Annotations" / "480p" / "cow" / f"{number:05d}.png"
        cv2.imwrite(str(path), (indices(number, 1) > 0).astype(np.uint8) * 255)
    (video,) = DavisSource("DAVIS", tmp_path, split="480p/train").videos
    assert len(video) == 1 and video[0].read(1).box_xywh.tolist() == [5, 10, 6, 4]


def test_youtube_vos_uses_the_frames_that_meta_lists(tmp_path: Path) -> None:
    videos = {
        "0a": make_youtube(tmp_path / "train", "0a", {"1": ["00000", "00005", "00010"], "2": ["00010"]}),
        "0b": make_youtube(tmp_path / "train", "0b", {"1": []}),
    }
    (tmp_path / "train" / "meta.json").write_text(json.dumps({"videos": videos}))
    for root in (tmp_path, tmp_path / "train"):
        source = SOURCES["youtube_vos"]("YTVOS", root)
        assert isinstance(source, VideoSource) and [len(track) for track in source.videos[0]] == [3, 1]
        assert len(source) == 1
        sample = source.videos[0][1].read(0)
        assert sample.origin.endswith("JPEGImages/0a/00010.jpg") and sample.box_xywh.tolist() == [6, 20, 6, 5]


def test_missing_lists_and_masks_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"DAVIS: cannot read the list of sequences .*2017/train\.txt"):
        DavisSource("DAVIS", tmp_path)
    make_davis(tmp_path, "bear")
    (tmp_path / "Annotations" / "480p" / "bear" / "00000.png").write_bytes(b"broken")
    with pytest.raises(ConfigError, match=r"bear/00000\.png"):
        DavisSource("DAVIS", tmp_path)
    for path in (tmp_path / "Annotations" / "480p" / "bear").iterdir():
        path.unlink()
    with pytest.raises(ConfigError, match="bear has no mask"):
        DavisSource("DAVIS", tmp_path)
    (tmp_path / "Annotations" / "480p" / "bear").rmdir()
    with pytest.raises(ConfigError, match="bear: cannot list"):
        DavisSource("DAVIS", tmp_path)


def test_mask_without_its_image_is_named_when_it_is_read(tmp_path: Path) -> None:
    make_davis(tmp_path, "bear")
    (tmp_path / "JPEGImages" / "480p" / "bear" / "00001.jpg").unlink()
    with pytest.raises(ImageError, match=r"bear/00001\.jpg"):
        DavisSource("DAVIS", tmp_path).videos[0][0].read(1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"cannot read .*meta\.json"),
        ("{", r"cannot read .*meta\.json"),
        ("[]", "key 'videos'"),
        ('{"videos": {"a": {"objects": {"1": {}}}}}', r"meta\.json: video 'a' is"),
    ],
)
def test_damaged_meta_is_named(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "meta.json").write_text(text)
    with pytest.raises(ConfigError, match=message):
        YoutubeVosSource("YTVOS", tmp_path)
