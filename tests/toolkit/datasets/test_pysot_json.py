"""PySOT's JSON: where it is corrupt, incomplete or ragged, the message says so."""

from __future__ import annotations

import json

import numpy as np
import pytest

from toolkit.datasets import load_benchmark
from toolkit.errors import DatasetError


def entry(**changes):
    base = {"img_names": ["a/1.jpg", "a/2.jpg"], "gt_rect": [[1, 2, 3, 4], [2, 2, 3, 4]], "init_rect": [1, 2, 3, 4]}
    return {key: value for key, value in {**base, **changes}.items() if value is not ...}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"gt_rect": ..., "init_rect": ...},
            r"video 'Deer' has no key 'gt_rect' \(.*; it has: img_names",
        ),
        ({"img_names": ...}, r"video 'Deer' has no key 'img_names'"),
        ({"img_names": []}, r"video 'Deer': 'img_names' is \[\]; expected a list that is not empty"),
        ({"gt_rect": [], "init_rect": []}, r"video 'Deer': gt_rect is empty"),
        ({"gt_rect": [[1, 2, 3, 4], [1, 2, "x", 4]]}, r"video 'Deer': gt_rect\[1\] is \[1, 2, 'x', 4\]"),
        ({"gt_rect": [[1, 2, 3, 4], [1, 2, 3]]}, r"video 'Deer': gt_rect\[1\].*expected 4 numbers"),
        ({"gt_rect": [[1, 2, 3], [1, 2, 3]]}, r"video 'Deer': gt_rect: 3 numbers per row"),
        ({"gt_rect": [[1, 2, 3, 4]] * 3}, r"video 'Deer': 2 img_names but 3 rows in gt_rect"),
        ({"absent": [1]}, r"video 'Deer': 1 flags in 'absent' for 2 rows"),
        ({"occlusion": ["x"]}, r"video 'Deer': 'occlusion' is \['x'\]"),
        ({"width": "wide", "height": 5}, r"video 'Deer': width 'wide'"),
    ],
)
def test_incomplete_entry(changes, message, tmp_path, write_text):
    write_text(tmp_path / "OTB100.json", json.dumps({"Deer": entry(**changes)}))
    with pytest.raises(DatasetError, match=rf"OTB100\.json: {message}"):
        load_benchmark("OTB100", tmp_path)


def test_corrupt_file_names_line_video_and_key(tmp_path, write_text):
    good = json.dumps({"Deer": entry(), "Man": entry()}, indent=1)
    cut = good.index('"gt_rect"', good.index('"Man"'))
    write_text(tmp_path / "OTB100.json", good[: cut + 20])
    line = good[: cut + 20].count("\n") + 1
    with pytest.raises(DatasetError, match=rf"OTB100\.json:{line}: .*corrupt, in video 'Man', after key 'gt_rect'"):
        load_benchmark("OTB100", tmp_path)


@pytest.mark.parametrize("content", ["[]", "{}", "3", "not json"])
def test_not_a_benchmark(content, tmp_path, write_text):
    write_text(tmp_path / "OTB100.json", content)
    with pytest.raises(DatasetError, match=r"OTB100\.json"):
        load_benchmark("OTB100", tmp_path)


def test_codes_tags_and_single_boxes(tmp_path, write_text):
    entries = {
        "a": entry(gt_rect=[[0], [1, 2, 3, 4]], occlusion=[], camera_motion=[1]),
        "b": entry(gt_rect=...),
    }
    write_text(tmp_path / "VOT2018-LT.json", json.dumps(entries))
    benchmark = load_benchmark("VOT2018-LT", tmp_path)
    assert benchmark.protocol == "longterm"
    np.testing.assert_array_equal(benchmark["a"].ground_truth, [[np.nan] * 4, [1, 2, 3, 4]])
    assert benchmark["a"].frame_tags["camera_motion"].tolist() == [True, False]
    assert benchmark["a"].frame_tags["occlusion"].tolist() == [False, False]
    assert benchmark["b"].ground_truth.shape == (1, 4)


def test_unknown_video_lists_those_there(tmp_path, write_text):
    write_text(tmp_path / "OTB100.json", json.dumps({"Deer": entry()}))
    with pytest.raises(DatasetError, match=r"'Man' is listed but not there\. There are: Deer"):
        load_benchmark("OTB100", tmp_path, video="Man")
    with pytest.raises(DatasetError, match="'Men' is not one of its sequences"):
        load_benchmark("OTB100", tmp_path, video="Men")


def test_path_of_a_json_file(tmp_path, write_text, write_images):
    path = write_text(tmp_path / "mine.json", json.dumps({"a": entry()}))
    write_images(tmp_path / "a", ["1.jpg", "2.jpg"])
    benchmark = load_benchmark(str(path))
    assert (benchmark.name, benchmark.protocol) == ("mine", "ope")
    assert benchmark["a"].require_frames()[1].shape == (6, 8, 3)


@pytest.mark.parametrize(
    "names",
    [
        ["Deer/img/1.jpg", "Deer/img/2.jpg"],
        ["Deer\\img\\1.jpg", "Deer\\img\\2.jpg"],
        ["D:\\data\\OTB100\\Deer\\img\\1.jpg", "D:\\data\\OTB100\\Deer\\img\\2.jpg"],
        ["/home/other/OTB100/Deer/img/1.jpg", "/home/other/OTB100/Deer/img/2.jpg"],
        ["img/1.jpg", "img/2.jpg"],
        ["1.jpg", "2.jpg"],
    ],
)
@pytest.mark.parametrize("keys", [("img_names", "gt_rect"), ("image_files", "gt_rect"), ("image_files", "gt")])
def test_images_named_on_another_machine(names, keys, tmp_path, write_text, write_images):
    write_images(tmp_path / "Deer" / "img", ["1.jpg", "2.jpg"], [50, 99])
    write_images(tmp_path / "Other" / "img", ["1.jpg", "2.jpg"], [0, 0])
    content = dict(zip(keys, (names, [[1, 2, 3, 4], [2, 2, 3, 4]]), strict=True))
    write_text(tmp_path / "mine.json", json.dumps({"Other": content, "Deer": {**content, "name": "Deer"}}))
    deer = load_benchmark(str(tmp_path / "mine.json"), video="Deer")["Deer"]
    assert [int(frame[0, 0, 0]) for frame in deer.require_frames()] == [50, 99]
    assert deer.ground_truth[1].tolist() == [2, 2, 3, 4]


def test_an_absolute_name_without_its_folder_finds_no_other_image(tmp_path, write_text, write_images):
    write_images(tmp_path, ["1.jpg", "2.jpg"])
    content = entry(img_names=["/home/other/Gone/img/1.jpg", "/home/other/Gone/img/2.jpg"])
    write_text(tmp_path / "mine.json", json.dumps({"Gone": content}))
    assert load_benchmark(str(tmp_path / "mine.json"))["Gone"].frames is None
