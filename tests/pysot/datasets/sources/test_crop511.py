"""PySOT's prepared sets: which crops there are, where the object lies in them, what is refused."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pysot.core.errors import ConfigError, ImageError
from pysot.datasets.prepare.training_set import prepare
from pysot.datasets.sources.base import SOURCES
from pysot.datasets.sources.crop511 import Crop511Source, CropTrack
from pysot.datasets.sources.folder import FolderSource
from tests.pysot.datasets.files import write_image

BOX = [10.0, 20.0, 40.0, 60.0]


def make_set(root: Path, anno: Any, size: int = 51) -> tuple[Path, Path]:
    """Writes the JSON file and a crop for each of its frames."""
    crops, path = root / "crop511", root / "train.json"
    crops.mkdir(exist_ok=True)
    path.write_text(json.dumps(anno))
    for video, tracks in anno.items():
        for track, frames in tracks.items():
            for frame in filter(str.isdigit, frames):
                write_image(crops / video / f"{int(frame):06d}.{track}.x.jpg", (size, size), int(frame))
    return crops, path


def all_tracks(source: Crop511Source) -> list[CropTrack]:
    return [track for video in source.videos for track in video if isinstance(track, CropTrack)]


def test_videos_tracks_and_frames(tmp_path: Path) -> None:
    anno = {
        "a/b": {"00": {"000010": BOX, "000002": BOX, "meta": 3}, "01": {"000002": [30, 40]}},
        "c": {"07": {"5": BOX}},
    }
    source = SOURCES["crop511"]("VID", *make_set(tmp_path, anno), frame_range=1)
    assert isinstance(source, Crop511Source) and len(source) == source.num_use == 2
    first, second, third = all_tracks(source)
    assert (first.name, third.name) == ("a/b", "c")
    assert [first.file_name(0), first.file_name(1)] == ["000002.00.x.jpg", "000010.00.x.jpg"]
    assert second.file_name(0) == "000002.01.x.jpg" and third.file_name(0) == "000005.07.x.jpg"
    assert third.read(0).origin == str(tmp_path / "crop511" / "c" / "000005.07.x.jpg")


def test_box_has_the_size_of_the_crop_and_its_middle(tmp_path: Path) -> None:
    """The target's context square spans 127 pixels: 30 x 40 pixels, s_z = sqrt((30 + 35) (40 + 35))."""
    source = Crop511Source("VID", *make_set(tmp_path, {"a": {"00": {"000001": BOX, "000002": [30, 40]}}}, size=511))
    scale = 127 / math.sqrt(65 * 75)
    for index in range(2):
        expected = [255 - 15 * scale, 255 - 20 * scale, 30 * scale, 40 * scale]
        assert all_tracks(source)[0].read(index).box_xywh == pytest.approx(expected, abs=1e-9)


def test_a_prepared_set_gives_back_what_was_prepared(tmp_path: Path) -> None:
    """The object fills the crop's box: the crop is made by the project's own writer from a bright object on black."""
    images = tmp_path / "raw" / "dog" / "img"
    images.mkdir(parents=True)
    for number in range(3):
        image = np.zeros((120, 160, 3), np.uint8)
        image[40:70, 50 + number : 90 + number] = 255
        assert cv2.imwrite(str(images / f"{number}.png"), image)
    (tmp_path / "raw" / "dog" / "groundtruth.txt").write_text("50,40,40,30\n51,40,40,30\n52,40,40,30\n")
    summary = prepare(FolderSource("raw", tmp_path / "raw"), tmp_path / "out")
    (track,) = all_tracks(Crop511Source("made", summary.root, summary.annotation))
    for index in range(3):
        sample = track.read(index)
        bright = sample.image[..., 0] > 127
        rows, columns = np.flatnonzero(bright.any(1)), np.flatnonzero(bright.any(0))
        seen = [columns[0], rows[0], columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]]
        assert seen == pytest.approx(sample.box_xywh, abs=2)


def test_boxes_without_area_are_dropped_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bad = {"000001": [5, 5, 5, 9], "000002": [9, 5, 3, 9], "000003": [0, 7], "000004": [float("nan")] * 4}
    anno = {"a": {"00": {**bad, "000005": BOX}, "01": {"000001": [1, 1, 1, 1]}}, "b": {"00": {"000001": [0, 0]}}}
    crops, path = make_set(tmp_path, anno)
    with caplog.at_level(logging.WARNING):
        source = Crop511Source("VID", crops, path)
    assert [(track.name, list(track.frames)) for track in all_tracks(source)] == [("a", [5])]
    assert len(caplog.records) == 1 and "6 boxes" in caplog.text


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.integers(0, 10**6 - 1),
        st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=4).filter(lambda box: len(box) != 3),
        min_size=1,
        max_size=6,
    )
)
def test_every_box_is_kept_or_counted(tmp_path_factory: pytest.TempPathFactory, boxes: dict[int, list[float]]) -> None:
    root = tmp_path_factory.mktemp("set")
    anno = {"good": {"00": {"000000": BOX}}, "v": {"00": {f"{frame:06d}": box for frame, box in boxes.items()}}}
    (root / "train.json").write_text(json.dumps(anno))
    sizes = {frame: box if len(box) == 2 else [box[2] - box[0], box[3] - box[1]] for frame, box in boxes.items()}
    kept = {frame: size for frame, size in sorted(sizes.items()) if min(size) > 0}
    tracks = all_tracks(Crop511Source("VID", root, root / "train.json", check_files=False))
    assert sum(map(len, tracks)) == 1 + len(kept)
    if kept:
        assert list(tracks[1].frames) == list(kept)
        assert list(tracks[1].sizes) == [side for size in kept.values() for side in size]


def test_missing_crops_are_listed_counted_and_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    anno = {
        "a": {"00": {f"{n:06d}": BOX for n in range(20)}},
        "b": {"00": {"000000": BOX}},
        "c": {"00": {"000000": BOX}},
    }
    crops, path = make_set(tmp_path, anno)
    for number in range(3, 15):
        (crops / "a" / f"{number:06d}.00.x.jpg").unlink()
    (crops / "b" / "000000.00.x.jpg").unlink()
    (crops / "b").rmdir()
    with pytest.raises(ConfigError) as caught:
        Crop511Source("VID", crops, path)
    message = str(caught.value)
    assert "13 of 22 crops" in message and "and 3 more" in message and "--skip-missing" in message
    assert message.count(".x.jpg") == 10 and str(crops / "a" / "000003.00.x.jpg") in message
    with caplog.at_level(logging.WARNING):
        source = Crop511Source("VID", crops, path, skip_missing=True)
    assert "13 of 22 crops" in caplog.text
    assert [(track.name, list(track.frames)) for track in all_tracks(source)] == [
        ("a", [0, 1, 2, *range(15, 20)]),
        ("c", [0]),
    ]
    for track in all_tracks(source):
        assert len(track.sizes) == 2 * len(track)
        assert [track.read(index).image.shape[0] for index in range(len(track))] == [51] * len(track)


def test_unchecked_missing_crop_is_found_when_it_is_read(tmp_path: Path) -> None:
    crops, path = make_set(tmp_path, {"a": {"00": {"000000": BOX}}})
    (crops / "a" / "000000.00.x.jpg").unlink()
    source = Crop511Source("VID", crops, path, check_files=False)
    with pytest.raises(ImageError, match=r"000000\.00\.x\.jpg"):
        source.draw(0, np.random.default_rng(0))


def test_nothing_left_is_refused(tmp_path: Path) -> None:
    crops, path = make_set(tmp_path, {})
    with pytest.raises(ConfigError, match="no usable video"):
        Crop511Source("VID", crops, path)
    path.write_text(json.dumps({"a": {"00": {"000000": BOX}}}))
    with pytest.raises(ConfigError, match="no usable video"):
        Crop511Source("VID", crops, path, skip_missing=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": {"00": {"000001": [1, 2', r"train\.json:1: this annotation file is damaged"),
        ("[1, 2]", r"train\.json holds \[1, 2\]; expected an object"),
        ('{"a": [1]}', r"video 'a' holds \[1\]; expected an object"),
        ('{"a": {"00": 5}}', r"video 'a', track '00' holds 5; expected an object"),
        ('{"a": {"00": {"000001": [1, 2, 3]}}}', r"track '00', frame 1: \[1, 2, 3\] is no box"),
        ('{"a": {"00": {"000001": "wide"}}}', r"frame 1: wide is no box"),
        ('{"a": {"00": {"000001": [1, 2, null, 4]}}}', r"frame 1: .* is no box"),
    ],
)
def test_damaged_annotation_is_located(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "train.json").write_text(text)
    with pytest.raises(ConfigError, match=message):
        Crop511Source("VID", tmp_path, tmp_path / "train.json")


def test_missing_root_and_annotation_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"VID: ROOT .*nowhere does not exist"):
        Crop511Source("VID", tmp_path / "nowhere", tmp_path / "train.json")
    with pytest.raises(ConfigError, match=r"VID: ANNO .*train\.json does not exist"):
        Crop511Source("VID", tmp_path, tmp_path / "train.json")
