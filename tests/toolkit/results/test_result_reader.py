from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.errors import ResultError
from toolkit.regions.boxes import bounding_boxes
from toolkit.results.layout import open_tracker
from toolkit.results.reader import MissingResultError, read_boxes, read_longterm, read_vot


def store(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def boxes(folder: Path, n_frames: int) -> np.ndarray:
    (run,) = read_boxes(open_tracker(folder), "deer", n_frames).runs
    return run


def test_boxes_and_polygons(tmp_path: Path) -> None:
    assert boxes(store(tmp_path, "deer.txt", "1,2,3,4\n5 6\t7;8\n"), 2).tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert boxes(store(tmp_path, "deer.txt", "0,1,4,0,5,3,1,4\n"), 1).tolist() == [[0, 0, 5, 4]]


def test_short_and_long_files_say_so(tmp_path: Path) -> None:
    runs = read_boxes(open_tracker(store(tmp_path, "deer.txt", "1,2,3,4\n")), "deer", 3)
    assert np.isnan(runs.runs[0][1:]).all()
    assert "1 lines for 3 frames" in runs.warnings[0]
    assert "deer.txt" in runs.warnings[0]
    runs = read_boxes(open_tracker(store(tmp_path, "deer.txt", "1,2,3,4\n" * 5)), "deer", 3)
    assert len(runs.runs[0]) == 3
    assert "was cut" in runs.warnings[0]


@pytest.mark.parametrize("bad", ["nan,nan,nan,nan", "inf,2,3,4", "1,2,-3,4", "1,2,3+4i,4"])
def test_boxes_that_are_none_are_named(tmp_path: Path, bad: str) -> None:
    (warning,) = read_boxes(open_tracker(store(tmp_path, "deer.txt", f"1,2,3,4\n{bad}\n1,2,3,4\n")), "deer", 3).warnings
    assert "deer.txt: 1 of 3 lines" in warning
    assert "first line 2" in warning


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("\n \n", "empty"),
        ("1,2,3\n", "line 1 holds 3 numbers"),
        ("1,2,3,4\n1,2,3,4,5\n", "line 2 holds 5 numbers"),
        ("1,2,3,4\n\n1,2,3,4\n", "line 2 holds 0 numbers"),
        ("1,2,3,4\n1,2,3,4,5,6,7,8\n", "mixed"),
        ("x,y,w,h\n1,2,3,4\n", "line 1 holds 'x'"),
    ],
)
def test_unusable_files_are_named(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ResultError, match=message) as caught:
        boxes(store(tmp_path, "deer.txt", content), 2)
    assert "deer.txt" in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingResultError, match="'deer'"):
        boxes(store(tmp_path, "other.txt", "1,2,3,4\n"), 2)


def test_otb_json(tmp_path: Path) -> None:
    record = {"resType": "rect", "res": [[1, 2, 3, 4]]}
    assert boxes(store(tmp_path, "deer.json", json.dumps([record])), 1).tolist() == [[1, 2, 3, 4]]
    assert boxes(store(tmp_path, "deer.json", "[[1, 2, 3, 4]]"), 1).tolist() == [[1, 2, 3, 4]]
    for bad in ("{", "[]", "[[1, 2]]", "3", '[{"res": [[1, 2]]}]', '[{"res": 5}]', json.dumps([record, record])):
        with pytest.raises(ResultError, match=r"deer\.json"):
            boxes(store(tmp_path, "deer.json", bad), 1)


def test_vot_runs(tmp_path: Path) -> None:
    store(tmp_path, "baseline/bag/bag_001.txt", "1\n1,2,3,4\n2\n0\n0,0,2,0,2,2,0,2\n")
    (run,) = read_vot(open_tracker(tmp_path), "bag", 5)
    assert run.codes.tolist() == [1, -1, 2, 0, -1]
    assert run.polygons[1].tolist() == [1, 2, 4, 2, 4, 6, 1, 6]
    assert np.isnan(run.polygons[[0, 2, 3]]).all()
    assert run.warnings == ()
    (run,) = read_vot(open_tracker(store(tmp_path, "baseline/bag/bag_001.txt", "1\n" + "nan,2,3,4\n" * 4)), "bag", 5)
    assert "first line 2" in run.warnings[0]


@pytest.mark.parametrize(
    ("codes", "odd"),
    [
        ("1 r r 2 0 0 0 0 1 r", None),
        ("1 2 0 0 0 0 0 0 1 2", None),  # VOT may wait longer for a target that is in view
        ("1 r r r r 2 0 0", None),
        ("r r r r", 1),
        ("1 r r r 0 0 0 0 1 r", 5),  # the failure's code was replaced
        ("1 r 2 r 0 0 0 1 r", 4),
        ("1 r 2 0 0 0 0 r r", 8),
        ("1 r 1 r", 3),
    ],
)
def test_codes_that_a_run_with_restarts_does_not_hold(tmp_path: Path, codes: str, odd: int | None) -> None:
    text = codes.replace("r", "1,2,3,4").replace(" ", "\n") + "\n"
    (run,) = read_vot(open_tracker(store(tmp_path, "baseline/bag/bag_001.txt", text)), "bag", codes.count(" ") + 1)
    assert run.odd.rpartition("line ")[2] == ("" if odd is None else str(odd))


GIVEN = np.array([100.5, 60.25, 17, 50])


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("100.5,60.25,117.5,110.25\n", "xyxy"),
        ("109,85.25,17,50\n", "cxcywh"),
        ("100,50;60,25;17,00;50,00\n", "xywh"),
        ("100,5\t60,25\t17\t50\n", "xywh"),
        ("100,50,60,25,17,00,50,00\n", "xywh"),
    ],
)
def test_boxes_of_other_forms(tmp_path: Path, text: str, form: str) -> None:
    files = open_tracker(store(tmp_path, "deer.txt", text))
    (run,) = read_boxes(files, "deer", 1, form=form, given_xywh=GIVEN).runs
    assert run.tolist() == [GIVEN.tolist()]


def test_a_polygon_of_whole_numbers_is_no_box_with_decimal_commas(tmp_path: Path) -> None:
    files = open_tracker(store(tmp_path, "deer.txt", "100,60;117,60;117,110;100,110\n"))
    assert read_boxes(files, "deer", 1, given_xywh=GIVEN).runs[0].tolist() == [[100, 60, 17, 50]]


@pytest.mark.parametrize(
    ("lines", "skipped", "expected"),
    [
        (5, 2, [7, 8, 9]),  # all images of a video whose third is the first that counts
        (7, 2, [7, 8, 9]),
        (4, 0, [5, 6, 7]),  # begins with the given box: too long at its end
        (4, 2, [5, 6, 7]),  # not enough lines for the whole video
    ],
)
def test_a_result_for_more_images_is_aligned(tmp_path: Path, lines: int, skipped: int, expected: list[int]) -> None:
    files = open_tracker(store(tmp_path, "deer.txt", "".join(f"{5 + k},0,9,9\n" for k in range(lines))))
    given = np.array([expected[0], 0.0, 9, 9])
    runs = read_boxes(files, "deer", 3, given_xywh=given, skipped=skipped)
    assert runs.runs[0][:, 0].tolist() == expected
    assert f"{lines} lines" in runs.warnings[0]


def test_a_result_without_its_first_frame_is_doubted(tmp_path: Path) -> None:
    files = open_tracker(store(tmp_path, "deer.txt", "103,60,17,50\n" * 2))
    assert "Line 1 is not the given box" in read_boxes(files, "deer", 3, given_xywh=GIVEN).warnings[0]
    files = open_tracker(store(tmp_path, "deer.txt", "101,61,17,50\n" * 2))
    assert "Line 1" not in read_boxes(files, "deer", 3, given_xywh=GIVEN).warnings[0]


def test_a_long_result_that_begins_elsewhere_is_refused(tmp_path: Path) -> None:
    files = open_tracker(store(tmp_path, "deer.txt", "50,50,9,9\n" * 5))
    with pytest.raises(ResultError, match="5 lines for 3 frames, and line 1 is not the box given"):
        read_boxes(files, "deer", 3, given_xywh=GIVEN)


def test_a_run_with_restarts_is_no_list_of_boxes(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"line 1 is a code of VOT's.*--protocol supervised"):
        boxes(store(tmp_path, "deer.txt", "1\n1,2,3,4\n"), 2)


def test_a_table_may_name_its_columns(tmp_path: Path) -> None:
    assert boxes(store(tmp_path, "deer.csv", "x;y;w;h\n1;2;3;4\n"), 1).tolist() == [[1, 2, 3, 4]]
    assert boxes(store(tmp_path, "deer.csv", '"1","2","3","4"\n'), 1).tolist() == [[1, 2, 3, 4]]
    assert np.isnan(boxes(store(tmp_path, "deer.csv", "nan,nan,nan,nan\n1,2,3,4\n"), 2)[0]).all()
    for bad, message in (("1\n7\n", "unknown code"), ("1,2\n", "line 1 holds 2"), ("", "empty")):
        with pytest.raises(ResultError, match=message):
            read_vot(open_tracker(store(tmp_path, "baseline/bag/bag_001.txt", bad)), "bag", 5)


@pytest.mark.parametrize("first", ["1", "0"])
def test_longterm_runs(tmp_path: Path, first: str) -> None:
    store(tmp_path, "longterm/car/car_001.txt", f"{first}\n1,2,3,4\n1,2,3,4\n")
    with pytest.raises(ResultError, match=r"car_001_confidence\.value: the confidence file is missing"):
        read_longterm(open_tracker(tmp_path), "car", 3)
    store(tmp_path, "longterm/car/car_001_confidence.value", "\n0.5\n0.25\n")
    run = read_longterm(open_tracker(tmp_path), "car", 3)
    np.testing.assert_array_equal(run.scores, [np.nan, 0.5, 0.25])


def test_bounding_boxes_keep_absence() -> None:
    assert np.isnan(bounding_boxes(np.full((1, 8), np.nan))).all()


def failure(read: Callable[[], object]) -> str | None:
    try:
        read()
    except ResultError as error:
        return str(error)
    return None


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=80), st.text(alphabet="0123456789,.-e \n\tna", max_size=80).map(str.encode)))
def test_random_files_never_crash_a_reader(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in ("deer.txt", "baseline/deer/deer_001.txt", "longterm/deer/deer_001.txt"):
            store(folder, path, data)
        store(folder, "longterm/deer/deer_001_confidence.value", data)
        store(folder, "stag.json", data)
        files = open_tracker(folder)
        for read in (
            lambda: read_boxes(files, "deer", 4),
            lambda: read_boxes(files, "stag", 4),
            lambda: read_vot(files, "deer", 4),
            lambda: read_longterm(files, "deer", 4),
        ):
            message = failure(read)
            assert message is None or "deer" in message or "stag" in message


def test_lasot_archive_loads_quickly(shared: Path) -> None:
    files = open_tracker(shared / "data" / "results" / "LaSOT" / "ATOM.tar.gz")
    names = [path.removesuffix(".txt") for path in sorted(files.names)]
    read_boxes(files, names[0], 10)  # compiles
    start = time.perf_counter()
    rows = [read_boxes(files, name, 100) for name in names]
    assert len(rows) == 280
    assert time.perf_counter() - start < 2.0
