"""The check finds every defect that was put in, and nothing on sound data."""

from __future__ import annotations

import json

import numpy as np
import pytest

from toolkit.datasets import load_benchmark
from toolkit.datasets.annotation import are_corners
from toolkit.datasets.check import Problem, check_benchmark, check_sequence
from toolkit.datasets.sequence import Sequence
from toolkit.errors import DatasetError


@pytest.fixture
def deer(tmp_path, write_rows, write_images):
    """A sound sequence of six frames under the OTB100 layout; boxes in 1-based pixels."""
    write_rows(tmp_path / "Deer/groundtruth_rect.txt", [[2, 2, 3, 3]] * 6)
    write_images(tmp_path / "Deer/img", [f"{i:04d}.png" for i in range(1, 7)])
    return tmp_path


def of_deer(problems):
    return [problem for problem in problems if problem.sequence == "Deer"]


def test_sound_sequence(deer):
    problems = check_benchmark("OTB100", deer)
    assert of_deer(problems) == []
    assert len(problems) == 99
    assert problems[0] == Problem("Basketball", None, "listed by OTB100 but not found", "warning")


@pytest.mark.parametrize("decode", [True, False])
def test_missing_image(deer, decode):
    (deer / "Deer/img/0003.png").unlink()
    problems = of_deer(check_benchmark("OTB100", deer, decode=decode))
    assert any(p.frame == 2 and "0003.png" in p.message and p.severity == "error" for p in problems)
    assert any("6 annotation rows but 5 of their images" in p.message for p in problems)
    assert any(p.frame == 2 and "4 follows 2" in p.message for p in problems)


def test_unreadable_image_and_changed_size(deer, write_images):
    (deer / "Deer/img/0002.png").write_bytes(b"not an image")
    import cv2

    cv2.imwrite(str(deer / "Deer/img/0005.png"), np.zeros((9, 9, 3), np.uint8))
    problems = of_deer(check_benchmark("OTB100", deer))
    assert [p.frame for p in problems] == [1, 4]
    assert "cannot be decoded" in problems[0].message
    assert "not 8x6" in problems[1].message
    assert of_deer(check_benchmark("OTB100", deer, decode=False)) == []


def test_surplus_images(deer, write_images):
    write_images(deer / "Deer/img", ["0007.png"])
    (problem,) = of_deer(check_benchmark("OTB100", deer))
    assert "1 images have no annotation" in problem.message
    assert problem.severity == "warning"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([2, 2, 0, 3], "frames 2 to 3: the box has zero size"),
        ([2, 2, -3, 3], "frames 2 to 3: the box is inverted"),
        ([10, 2, 3, 3], "frames 2 to 3: the box lies outside the image"),
        ([2, -4, 3, 3], "frames 2 to 3: the box lies outside the image"),
        ([2, float("nan"), 3, 3], "frames 2 to 3: part of the box is NaN"),
    ],
)
def test_bad_boxes(row, message, deer, write_rows):
    write_rows(deer / "Deer/groundtruth_rect.txt", [[2, 2, 3, 3]] * 2 + [row] * 2 + [[2, 2, 3, 3]] * 2)
    (problem,) = of_deer(check_benchmark("OTB100", deer))
    assert problem.frame == 2
    assert problem.message.startswith(message)
    assert problem.severity == "error"


def test_nan_and_absence_flags():
    boxes = np.array([[np.nan] * 4, [1, 1, 2, 2], [np.nan] * 4, [1, 1, 0, 0]])
    flagged = check_sequence(Sequence("a", boxes, visible=np.array([False, True, False, False])))
    assert [p.message for p in flagged if p.severity == "error"] == ["the first box is NaN: no tracker can be started"]
    unflagged = check_sequence(Sequence("a", boxes[1:], visible=np.array([True, True, True])))
    messages = [p.message for p in unflagged if p.severity == "error"]
    assert messages == [
        "frame 1: the box is NaN but the frame is not flagged absent",
        "frame 2: the box has zero size on a frame that is not flagged absent",
    ]
    assert [p.severity for p in check_sequence(Sequence("a", boxes[1:3]))] == ["warning"]


def test_polygons_by_their_bounds():
    square, flat = [1, 1, 3, 1, 3, 3, 1, 3], [1, 1, 3, 1, 3, 1, 1, 1]
    polygons = np.array([square, flat, [value + 90 for value in square]], dtype=float)
    errors = [p for p in check_sequence(Sequence("a", polygons, image_size=(50, 40))) if p.severity == "error"]
    assert [p.frame for p in errors] == [1, 2]


def test_unreadable_annotation_leaves_the_others(deer, write_text, write_images):
    write_text(deer / "Man/groundtruth_rect.txt", "1,2,3,4\n1,2,3,oops\n")
    write_images(deer / "Man/img", ["0001.png", "0002.png"])
    problems = [p for p in check_benchmark("OTB100", deer) if p.severity == "error"]
    assert [p.sequence for p in problems] == ["Man"]
    assert "groundtruth_rect.txt:2: 'oops'" in problems[0].message


def test_json_with_frames(tmp_path, write_text, write_images):
    names = ["a/0001.png", "a/0002.png", "a/0004.png"]
    entry = {"img_names": names, "gt_rect": [[1, 1, 2, 2]] * 3}
    path = write_text(tmp_path / "mine.json", json.dumps({"a": entry}))
    write_images(tmp_path / "a", ["0001.png", "0002.png"])
    problems = check_benchmark(str(path))
    assert [(p.frame, p.severity) for p in problems] == [(2, "warning"), (2, "error")]
    assert "0004.png" in problems[1].message


def test_nothing_found_is_raised(tmp_path):
    with pytest.raises(DatasetError, match="looked for"):
        check_benchmark("OTB100", tmp_path)


def test_own_images_without_truth(tmp_path, write_images):
    write_images(tmp_path / "a", ["1.png"])
    (problem,) = check_benchmark(str(tmp_path))
    assert "a first box must be given" in problem.message


def test_corners_are_noticed():
    boxes = np.array([[5.0 + k, 5, 20 + k % 2, 20] for k in range(30)])
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    assert not any("corners" in problem.message for problem in check_sequence(Sequence("a", boxes)))
    assert any("look like corners" in problem.message for problem in check_sequence(Sequence("a", corners)))


def test_no_box_of_a_benchmark_is_taken_for_corners(shared):
    """573 sequences; written as corners, most are recognized."""
    found = missed = 0
    for name in ("OTB100", "DTB70", "UAV123", "LaSOT"):
        for sequence in load_benchmark(name, shared / "data" / "annotations"):
            boxes = sequence.ground_truth
            assert not are_corners(boxes, likely=True), sequence.name
            corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
            has_sizes = not (boxes[:, 2:] < 0).any()  # LaSOT's lion-5 and tiger-6 have rows of negative size
            assert are_corners(corners, likely=False, certain=True) == has_sizes
            found += 1
            missed += not are_corners(corners, likely=False)
    assert found == 573
    assert missed < 0.2 * found
