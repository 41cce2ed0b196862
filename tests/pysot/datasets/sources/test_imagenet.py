"""ImageNet VID and DET as their archives unpack."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pysot.core.errors import ConfigError
from pysot.datasets.sources.base import SOURCES, VideoSource
from pysot.datasets.sources.imagenet import ImageNetDetSource, ImageNetVidSource, read_xml
from tests.pysot.datasets.files import write_image

Boxes = dict[str, tuple[int, int, int, int]]


def write_xml(path: Path, objects: Boxes, with_track: bool = True) -> None:
    """One annotation file; `objects` maps track ids to xmin, ymin, xmax, ymax. The files name xmax before xmin."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = "".join(
        f"<object>{f'<trackid>{track}</trackid>' if with_track else ''}<name>n02084071</name><bndbox>"
        f"<xmax>{right}</xmax><xmin>{left}</xmin><ymax>{bottom}</ymax><ymin>{top}</ymin></bndbox><occluded>0</occluded></object>"
        for track, (left, top, right, bottom) in objects.items()
    )
    path.write_text(f"<annotation><size><width>64</width><height>48</height></size>{entries}</annotation>")


def make_video(root: Path, video: str, frames: list[Boxes], split: str = "train") -> None:
    for number, objects in enumerate(frames):
        write_xml(root / "Annotations" / "VID" / split / video / f"{number:06d}.xml", objects)
        write_image(root / "Data" / "VID" / split / video / f"{number:06d}.JPEG", seed=number)


def make_still(root: Path, image: str, objects: Boxes, split: str = "train") -> None:
    write_xml(root / "Annotations" / "DET" / split / f"{image}.xml", objects, with_track=False)
    write_image(root / "Data" / "DET" / split / f"{image}.JPEG")


def test_vid_tracks_follow_their_ids(tmp_path: Path) -> None:
    frames: list[Boxes] = [{"0": (1, 2, 11, 12)}, {}, {"1": (5, 5, 9, 9), "0": (3, 2, 13, 12)}, {"1": (6, 5, 9, 9)}]
    make_video(tmp_path, "ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000", frames)
    make_video(tmp_path, "ILSVRC2015_VID_train_0001/ILSVRC2015_train_00000001", [{"0": (1, 2, 11, 12)}])
    make_video(tmp_path, "ILSVRC2015_val_00000000", [{"0": (1, 2, 11, 12)}], split="val")
    source = SOURCES["imagenet_vid"]("VID", tmp_path)
    assert isinstance(source, VideoSource) and len(source) == 2
    first, second = source.videos[0]
    assert first.name == second.name == "ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000"
    read = [(Path(s.origin).name, s.box_xywh.tolist()) for s in (first.read(0), first.read(1), second.read(1))]
    assert read == [
        ("000000.JPEG", [1, 2, 10, 10]),
        ("000002.JPEG", [3, 2, 10, 10]),
        ("000003.JPEG", [6, 5, 3, 4]),
    ]
    assert [video[0].name for video in ImageNetVidSource("VID", tmp_path, split="val").videos] == [
        "ILSVRC2015_val_00000000"
    ]
    assert len(ImageNetVidSource("VID", tmp_path, exclude=["ILSVRC2015_train_00000000"])) == 1


def test_det_images_are_videos_of_one_frame(tmp_path: Path) -> None:
    make_still(tmp_path, "ILSVRC2013_train/n01/n01_1", {"a": (1, 2, 11, 12), "b": (20, 20, 30, 40)})
    make_still(tmp_path, "ILSVRC2013_train/n01/n01_2", {})
    make_still(tmp_path, "ILSVRC2012_val_1", {"a": (1, 2, 11, 12)}, split="val")
    source = SOURCES["imagenet_det"]("DET", tmp_path)
    assert isinstance(source, VideoSource) and [len(video) for video in source.videos] == [2]
    template, search = source.draw(0, np.random.default_rng(0))
    assert template.origin == search.origin and template.box_xywh.tolist() == search.box_xywh.tolist()
    assert source.videos[0][1].read(0).box_xywh.tolist() == [20, 20, 10, 20]
    (val,) = ImageNetDetSource("DET", tmp_path, split="val").videos
    assert val[0].name == "ILSVRC2012_val_1" and val[0].read(0).image.shape == (48, 64, 3)


def test_boxes_without_area_are_dropped_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bad: Boxes = {"0": (5, 5, 5, 9), "1": (9, 5, 3, 9), "2": (1, 2, 11, 12)}
    make_video(tmp_path, "v", [bad])
    make_still(tmp_path, "i", bad)
    with caplog.at_level(logging.WARNING):
        for source in (ImageNetVidSource("X", tmp_path), ImageNetDetSource("X", tmp_path)):
            assert [len(video) for video in source.videos] == [1]
    assert caplog.text.count("X: 2 boxes have no area") == 2


corner = st.integers(-50, 3000)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.from_regex(r"[0-9]{1,3}", fullmatch=True), st.tuples(corner, corner, corner, corner)))
def test_every_object_of_a_file_is_read(tmp_path_factory: pytest.TempPathFactory, objects: Boxes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.xml"
    write_xml(path, objects)
    read = read_xml(str(path))
    assert {entry.track: entry.box_xyxy for entry in read} == objects and len(read) == len(objects)
    for entry in read:
        assert entry.has_area == (min(entry.box_xywh[2:]) > 0)


@pytest.mark.parametrize(
    "text",
    [
        "<annotation><object>",
        "<annotation><object><bndbox><xmin>1</xmin></bndbox></object></annotation>",
        "<annotation><object><bndbox><xmin>x</xmin><ymin>1</ymin><xmax>1</xmax><ymax>1</ymax></bndbox></object></annotation>",
    ],
)
def test_damaged_annotation_is_named(tmp_path: Path, text: str) -> None:
    make_video(tmp_path, "v", [{"0": (1, 2, 11, 12)}])
    (tmp_path / "Annotations" / "VID" / "train" / "v" / "000000.xml").write_text(text)
    with pytest.raises(ConfigError, match=r"v/000000\.xml: cannot read this annotation"):
        ImageNetVidSource("VID", tmp_path)


@pytest.mark.parametrize(("source", "part"), [(ImageNetVidSource, "VID"), (ImageNetDetSource, "DET")])
def test_wrong_root_is_explained(tmp_path: Path, source: type[VideoSource], part: str) -> None:
    with pytest.raises(ConfigError, match=rf"X: no annotation file in .*Annotations/{part}/train"):
        source("X", tmp_path)  # type: ignore[arg-type]
