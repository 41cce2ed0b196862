"""Real folders, JSON files and annotations, against what is known of them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from toolkit.datasets import load_benchmark
from toolkit.datasets.check import check_benchmark


@pytest.fixture
def annotations(shared):
    return shared / "data" / "annotations"


@pytest.fixture
def no_image_is_opened(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("an image was opened while loading")

    monkeypatch.setattr(cv2, "imread", refuse)
    monkeypatch.setattr(cv2, "VideoCapture", refuse)


@pytest.mark.parametrize(
    ("name", "count", "frames", "width"),
    [
        ("OTB100", 100, 59040 - 5, 4),
        ("OTB50", 50, 26972, 4),
        ("CVPR13", 51, 29491 - 5, 4),
        ("VOT2018", 60, 21356, 8),
        ("VOT2017", 60, 21356, 8),
        ("VOT2019", 60, 19935, 8),
        ("UAV123", 123, 112578, 4),
        ("UAV20L", 20, 58670, 4),
        ("DTB70", 70, 15777, 4),
        ("LaSOT", 280, 685360, 4),
    ],
)
def test_annotations_alone(name, count, frames, width, annotations):
    """The published frame totals, less the five frames of Tiger1 that are left out."""
    benchmark = load_benchmark(name, annotations)
    assert len(benchmark) == count
    assert benchmark.missing == ()
    assert sum(len(sequence) for sequence in benchmark) == frames
    assert all(sequence.frames is None for sequence in benchmark)
    widths = {sequence.name: sequence.ground_truth.shape[1] for sequence in benchmark}
    assert {name for name, found in widths.items() if found != width} <= {"conduction1"}  # boxes among VOT's polygons


def test_json_boxes_are_read_as_they_are(annotations):
    entries = json.loads((annotations / "OTB100.json").read_text())
    for sequence in load_benchmark("OTB100", annotations):
        np.testing.assert_array_equal(sequence.ground_truth, entries[sequence.name]["gt_rect"])


def test_absent_targets(annotations):
    uav = load_benchmark("UAV123", annotations)["bird1_1"]
    assert int(np.isnan(uav.ground_truth).all(axis=1).sum()) == 59
    assert uav.visible is None
    lasot = load_benchmark("LaSOT", annotations)
    assert sum(int((~sequence.visible).sum()) for sequence in lasot) == 18346


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("UAV123", "SV 109 ARC 68 LR 48 FM 28 FOC 33 POC 73 OV 30 BC 21 IV 31 VC 60 CM 70 SOB 39"),
        ("DTB70", "SV 22 ARV 25 OCC 17 DEF 18 FCM 41 IPR 47 OPR 6 OV 7 BC 13 SOA 27 MB 27"),
    ],
)
def test_attribute_counts_are_the_published_ones(name, published, annotations):
    found = [attribute for sequence in load_benchmark(name, annotations) for attribute in sequence.attributes]
    words = published.split()
    assert {name: found.count(name) for name in words[::2]} == dict(zip(words[::2], map(int, words[1::2]), strict=True))


def test_attributes_of_otb(shared, annotations):
    """The counts are those in the titles of published plots by attribute: "Success plots of OPE - fast motion (39)"."""
    published = {"IV": 38, "OPR": 63, "SV": 64, "OCC": 49, "DEF": 44, "MB": 29, "FM": 39, "IPR": 51, "OV": 14}
    published |= {"BC": 31, "LR": 9}
    benchmark = load_benchmark("OTB100", annotations)
    found = [attribute for sequence in benchmark for attribute in sequence.attributes]
    assert all(sequence.attributes for sequence in benchmark)
    assert {name: found.count(name) for name in set(found)} == published
    assert benchmark["Biker"].attributes == ("SV", "OCC", "MB", "FM", "OPR", "OV", "LR")
    half = load_benchmark("OTB50", annotations)
    assert all(sequence.attributes == benchmark[sequence.name].attributes for sequence in half)
    folder = load_benchmark("OTB100", shared / "data/sequences_otb")
    assert folder["Jogging-2"].attributes == ("OCC", "DEF", "OPR")
    assert load_benchmark("OTB100", shared / "data/sequences_otb", video="Man")["Man"].attributes == ("IV",)
    file = load_benchmark(str(annotations / "OTB100.json"))
    assert all(sequence.attributes for sequence in file) and len(file) == 100


def test_vot_tags_and_size(annotations):
    benchmark = load_benchmark("VOT2018", annotations)
    assert benchmark["ants1"].image_size == (1024, 1024)
    assert all(tag.shape == (len(sequence),) for sequence in benchmark for tag in sequence.frame_tags.values())
    folder_tag = load_benchmark("VOT2018", annotations.parent / "sequences_vot")["ball1"].frame_tags["motion_change"]
    np.testing.assert_array_equal(folder_tag, benchmark["ball1"].frame_tags["motion_change"])


def test_otb_folders(shared, annotations):
    benchmark = load_benchmark("OTB100", shared / "data/sequences_otb")
    assert list(benchmark.names()) == ["Crossing", "Deer", "Jogging-1", "Jogging-2", "Man", "MotorRolling", "Skiing"]
    assert len(benchmark.missing) == 93
    reference = load_benchmark("OTB100", annotations)
    for sequence in benchmark:
        one_based = reference[sequence.name].ground_truth
        np.testing.assert_array_equal(sequence.ground_truth + np.array([1, 1, 0, 0]), one_based)
        assert sequence.require_frames()[len(sequence) - 1].ndim == 3


def test_vot_folders_and_video(shared, annotations):
    benchmark = load_benchmark("VOT2018", shared / "data/sequences_vot")
    assert list(benchmark.names()) == ["bag", "ball1"]
    bag = benchmark["bag"]
    np.testing.assert_array_equal(bag.ground_truth, load_benchmark("VOT2018", annotations)["bag"].ground_truth)
    (video,) = load_benchmark(str(shared / "data/video/bag.avi"))
    assert len(video) == len(bag) == 196
    assert video.size() == bag.size() == (480, 360)
    difference = np.abs(video.require_frames()[100].astype(int) - bag.require_frames()[100])
    assert difference.mean() < 10  # the video is compressed once more; its neighbors differ by more


def test_lasot_folder(shared, annotations):
    (sequence,) = load_benchmark("LaSOT", shared / "data/sequences_lasot")
    whole = load_benchmark("LaSOT", annotations)["airplane-1"]
    np.testing.assert_array_equal(sequence.ground_truth, whole.ground_truth[:100])
    np.testing.assert_array_equal(sequence.visible, whole.visible[:100])
    assert len(sequence.require_frames()) == 100


def test_subsampled_images_of_a_users_own_folder(shared):
    for sequence in load_benchmark(str(shared / "data/train/otb")):
        folder = shared / "data/train/otb" / sequence.name
        numbers = [int(Path(line).stem) for line in (folder / "frames.txt").read_text().split()]
        assert len(sequence) == len(sequence.ground_truth) == len(numbers)
        assert [int(path.stem) for path in sorted((folder / "img").iterdir())] == numbers


@pytest.mark.parametrize(("name", "folder"), [("OTB100", "otb"), ("VOT2018", "vot"), ("LaSOT", "lasot")])
def test_real_sequences_are_sound(name, folder, shared):
    problems = check_benchmark(name, shared / f"data/sequences_{folder}", decode=folder == "vot")
    assert [problem for problem in problems if "listed by" not in problem.message] == []


@pytest.mark.usefixtures("no_image_is_opened")
@pytest.mark.parametrize(("name", "limit"), [("OTB100", 0.5), ("LaSOT", 2.0)])
def test_loading_is_fast_and_opens_no_image(name, limit, annotations):
    load_benchmark("DTB70", annotations)  # compiles the number reader once
    took = []
    for _ in range(3):
        start = time.process_time()
        load_benchmark(name, annotations)
        took.append(time.process_time() - start)
    assert min(took) < limit
