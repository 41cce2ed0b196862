"""COCO as its archives unpack; masks as COCO's own tools draw them."""

from __future__ import annotations

import json
import logging
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pysot.core.errors import ConfigError, ImageError
from pysot.datasets.sources.base import SOURCES, VideoSource
from pysot.datasets.sources.coco import CocoSource
from tests.pysot.datasets.files import write_image

TWO_PARTS = [[5.1, 5.3, 20.7, 6.2, 18.4, 19.9, 7.7, 15.1], [30.0, 30.0, 40.5, 30.0, 40.5, 40.5]]
RUNS = {"counts": [48 * 10 + 5, 8, 40, 8, 48 * 64 - 48 * 10 - 5 - 56], "size": [48, 64]}


def annotation(number: int, image: int, bbox: list[float], segmentation: Any = None, crowd: int = 0) -> dict[str, Any]:
    entry = {"id": number, "image_id": image, "bbox": bbox, "iscrowd": crowd, "category_id": 1, "area": 1.0}
    return entry | ({} if segmentation is None else {"segmentation": segmentation})


def make_coco(root: Path, annotations: list[dict[str, Any]], images: int = 2) -> Path:
    """Writes images and the annotation file; returns the latter."""
    entries = []
    for number in range(1, images + 1):
        name = f"{number:012d}.jpg"
        write_image(root / "train2017" / name, seed=number)
        entries.append({"id": number, "file_name": name, "height": 48, "width": 64})
    path = root / "annotations" / "instances_train2017.json"
    path.parent.mkdir(exist_ok=True)
    categories = [{"id": 1, "name": "dog"}]
    path.write_text(json.dumps({"images": entries, "annotations": annotations, "categories": categories}))
    return path


def test_images_are_videos_and_objects_tracks(tmp_path: Path) -> None:
    annotations = [
        annotation(1, 2, [5.1, 5.3, 35.4, 35.2], TWO_PARTS),
        annotation(2, 2, [1, 2, 3, 4]),
        annotation(3, 1, [9, 9, 9, 9]),
        annotation(4, 1, [0, 0, 60, 40], RUNS, crowd=1),
    ]
    make_coco(tmp_path, annotations)
    source = SOURCES["coco"]("COCO", tmp_path)
    assert isinstance(source, VideoSource) and [len(video) for video in source.videos] == [1, 2]
    first, second = source.videos[1]
    assert first.name == second.name == "train2017/000000000002"
    assert second.read(0).mask is None and second.read(0).box_xywh.tolist() == [1, 2, 3, 4]
    assert first.read(0).origin.endswith("train2017/000000000002.jpg")


def test_masks_equal_those_of_coco_itself(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    from pycocotools import mask as coco_mask

    code = coco_mask.frPyObjects(RUNS, 48, 64)
    packed = {"counts": code["counts"].decode(), "size": code["size"]}
    outlines = [TWO_PARTS, RUNS, packed]
    path = make_coco(tmp_path, [annotation(n, 1, [0, 0, 9, 9], outline) for n, outline in enumerate(outlines)])
    truth = coco.COCO(str(path))
    (video,) = pickle.loads(pickle.dumps(CocoSource("COCO", tmp_path).videos))
    for number, track in enumerate(video):
        mask = track.read(0).mask
        assert mask is not None and 0 < mask.sum() < mask.size
        assert np.array_equal(mask, truth.annToMask(truth.anns[number]).astype(bool))


def test_boxes_without_area_are_dropped_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_coco(
        tmp_path, [annotation(1, 1, [5, 5, 0, 4]), annotation(2, 1, [1, 2, 3, 4]), annotation(3, 2, [5, 5, 4, -1])]
    )
    with caplog.at_level(logging.WARNING):
        assert [len(video) for video in CocoSource("COCO", tmp_path).videos] == [1]
    assert "COCO: 2 boxes have no area" in caplog.text


def test_impossible_outline_is_an_unreadable_frame(tmp_path: Path) -> None:
    make_coco(tmp_path, [annotation(1, 1, [1, 2, 3, 4], {"counts": [1, 2], "size": ["a", 3]})])
    with pytest.raises(ImageError, match="outline of an object cannot be drawn"):
        CocoSource("COCO", tmp_path).videos[0][0].read(0)


def test_pycocotools_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_coco(tmp_path, [annotation(1, 1, [1, 2, 3, 4])])
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    monkeypatch.setitem(sys.modules, "pycocotools.mask", None)
    with pytest.raises(ConfigError, match="pip install pycocotools"):
        CocoSource("COCO", tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"COCO: cannot read .*instances_train2017\.json"),
        ("{", r"COCO: cannot read .*instances_train2017\.json"),
        ("[]", "not of COCO's form"),
        ('{"images": [], "annotations": [{"image_id": 1, "bbox": [1, 2, 3, 4]}]}', "not of COCO's form"),
        ('{"images": [], "annotations": [{"image_id": 1, "bbox": [1, 2, 3]}]}', "not of COCO's form"),
        ('{"images": [], "annotations": []}', "no usable video"),
    ],
)
def test_damaged_annotation_is_named(tmp_path: Path, text: str | None, message: str) -> None:
    (tmp_path / "annotations").mkdir()
    if text is not None:
        (tmp_path / "annotations" / "instances_train2017.json").write_text(text)
    with pytest.raises(ConfigError, match=message):
        CocoSource("COCO", tmp_path)
