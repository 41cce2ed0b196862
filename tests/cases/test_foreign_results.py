"""Results and annotations as users of other toolkits have them: the reported cases and their neighbors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from toolkit import Benchmark, Sequence, evaluate, load_benchmark
from toolkit.errors import ProtocolError, ResultError
from toolkit.report import overview, to_json, to_markdown

PERFECT = 20 / 21
"""Success of the truth itself."""


def test_nfs_as_pytracking_users_have_it(shared: Path) -> None:
    case = shared / "cases" / "nfs_processed_layout"
    benchmark = load_benchmark("NFS30", case)
    assert [(len(one), len(one.ground_truth)) for one in benchmark] == [(16, 16)]
    assert evaluate(benchmark, case / "results")["truth"].scores["success"] == pytest.approx(PERFECT)


@pytest.mark.parametrize("boxes", [[[100.0, 60, -83, -10]], [[5.0, 5, 0, 9]]])
def test_a_truth_that_does_not_overlap_itself_is_refused(tmp_path: Path, boxes: list[list[float]]) -> None:
    good = Sequence("b", np.array([[5.0, 5, 9, 9]] * 4))
    with pytest.raises(ProtocolError, match=r"'a' does not overlap itself: 3 of 4 boxes have no area"):
        evaluate(Benchmark("MINE", "ope", (Sequence("a", np.array([[5.0, 5, 9, 9], *boxes * 3])), good)), tmp_path)


def test_rows_of_zeros_and_nan_say_that_a_target_is_absent(tmp_path: Path) -> None:
    rows = np.array([[5.0, 5, 9, 9], *[[0.0] * 4] * 3, *[[np.nan] * 4] * 3])
    (tmp_path / "a.txt").write_text("5,5,9,9\n" * 7)
    report = evaluate(Benchmark("MINE", "ope", (Sequence("a", rows),)), {"mine": tmp_path})
    assert report["mine"].scores["success"] == pytest.approx(PERFECT / 7)


def test_files_called_as_pytracking_calls_them(shared: Path) -> None:
    case = shared / "cases" / "foreign_result_names"
    report = evaluate(load_benchmark("UAV123", case / "truth"), case / "results")
    assert report["dimp50_000"].scores["success"] == pytest.approx(PERFECT)


def test_boxes_of_other_forms_are_noticed_and_read(shared: Path) -> None:
    case = shared / "cases" / "wrong_box_form"
    benchmark = load_benchmark("UAV123", case / "truth")
    report = evaluate(benchmark, case / "results")
    centers = min(report.trackers)
    for name in ("xywh", "decimal_comma"):
        assert report[name].scores["success"] == pytest.approx(PERFECT)
        assert report[name].warnings == ()
    for name, hint in (("xyxy", "--boxes xyxy"), (centers, "--boxes cxcywh"), ("relative", "relative to the image")):
        (note,) = report[name].warnings
        assert "first box of 2 of 2 sequences is not near the given one (bike1, bike2)" in note
        assert hint in note
    assert "--boxes xyxy" in to_markdown(overview(report))
    assert json.loads(to_json(report))["trackers"]["xyxy"]["warnings"] == list(report["xyxy"].warnings)
    for name, form in (("xyxy", "xyxy"), (centers, "cxcywh")):
        again = evaluate(benchmark, case / "results", prefix=name, boxes=form)
        assert again[name].scores["success"] == pytest.approx(PERFECT)
        assert again[name].warnings == ()
        assert again.rules.endswith(f"boxes read as {form}")
    with pytest.raises(ProtocolError, match="xywh, xyxy, cxcywh"):
        evaluate(benchmark, case / "results", boxes="yxyx")


def test_only_line_1_is_of_another_form(shared: Path) -> None:
    report = evaluate(
        load_benchmark("OTB100", shared / "data" / "annotations"), shared / "data" / "results", prefix="SiamRPN"
    )
    (note,) = report["SiamRPN"].warnings
    assert "first box of 99 of 100 sequences" in note
    assert "only line 1 is written in another way" in note


def test_folders_and_archives_of_many_shapes(shared: Path, tmp_path: Path) -> None:
    case = shared / "cases" / "result_folder_shapes"
    subprocess.run([sys.executable, str(case / "make.py"), str(tmp_path)], check=True)
    annotations = shared / "data" / "annotations"
    report = evaluate(load_benchmark("OTB100", annotations, video="Basketball"), tmp_path)
    assert sorted(report.trackers) == ["a", "a.tar.xz", "backslash", "one_deeper", "plain", "runs", "two_levels"]
    assert report["runs"].repetitions == 2
    assert {scores.sequences["Basketball"]["op50"] for scores in report.trackers.values()} == {
        report["plain"].sequences["Basketball"]["op50"]
    }
    report = evaluate(load_benchmark("OTB100", annotations, video="Deer"), tmp_path)
    assert "It holds 1 .txt in DaSiamRPN/ (Basketball.txt)." in report.left_out["one_deeper"]
    assert not any("Run the tracker" in reason for reason in report.left_out.values())


def vot(count: int = 3, frames: int = 12) -> Benchmark:
    truth = np.array([[10.0, 10, 20, 20]] * frames)
    return Benchmark("VOT2018", "supervised", tuple(Sequence(f"v{k}", truth) for k in range(count)))


def store_vot(folder: Path, *texts: str) -> None:
    for k, text in enumerate(texts):
        path = folder / "baseline" / f"v{k}" / f"v{k}_001.txt"
        path.parent.mkdir(parents=True)
        path.write_text("".join("10,10,20,20\n" if one == "r" else f"{one}\n" for one in text))


def test_a_run_of_one_pass_is_no_run_with_restarts(tmp_path: Path) -> None:
    restarts = "1rr20000" + "1rrr"
    store_vot(tmp_path / "VOT2018" / "real", restarts, restarts, "1" + "r" * 11)
    store_vot(tmp_path / "VOT2018" / "one_line_more", restarts, restarts, "1" + "r" * 11 + "2")
    store_vot(tmp_path / "VOT2018" / "half", restarts[:6], restarts, "1" + "r" * 11)
    store_vot(tmp_path / "VOT2018" / "one_code_lost", restarts, restarts.replace("2", "r"), "1" + "r" * 11)
    for k in range(3):
        path = tmp_path / "VOT2018" / "one_pass" / f"v{k}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("10,10,20,20\n" * 12)
    report = evaluate(vot(), tmp_path)
    assert list(report.trackers) == ["one_line_more", "real"]
    assert "v0_001.txt, line 7" in report.left_out["half"]
    assert report["real"].scores["lost_number"] == 2
    assert "3 of 3 files are no runs with restarts" in report.left_out["one_pass"]
    assert "1 of 3 files are no runs with restarts" in report.left_out["one_code_lost"]
    assert "v1_001.txt, line 5" in report.left_out["one_code_lost"]
    for text in (to_markdown(overview(report)), to_json(report)):
        assert "--protocol ope" in text
        assert "one_code_lost" in text
    assert evaluate(vot(), tmp_path, protocol="ope", prefix="one_pass")["one_pass"].scores["op50"] == 1
    with pytest.raises(ResultError, match=r"line 1 is a code of VOT's.*--protocol supervised"):
        evaluate(vot(), tmp_path, protocol="ope", prefix="real")["real"]
    store_vot(tmp_path / "VOT2018" / "in_baseline", *["r" * 12] * 3)
    assert evaluate(vot(), tmp_path, protocol="ope", prefix="in_")["in_baseline"].scores["op50"] == 1
    with pytest.raises(ProtocolError, match="one form"):
        evaluate(vot(), tmp_path, boxes="xyxy")


@pytest.mark.parametrize("name", ["David", "Tiger1"])
def test_all_images_of_a_video_of_which_a_part_counts(shared: Path, tmp_path: Path, name: str) -> None:
    benchmark = load_benchmark("OTB100", shared / "data" / "annotations", video=name)
    truth = benchmark[name].ground_truth
    skipped = {"David": 299, "Tiger1": 5}[name]
    rows = np.concatenate([np.tile([1.0, 1, 9, 9], (skipped, 1)), truth])
    np.savetxt(tmp_path / f"{name}.txt", rows, delimiter=",")
    report = evaluate(benchmark, {"whole": tmp_path})
    assert report["whole"].scores["success"] == pytest.approx(PERFECT)
    assert f"'{name}' begins with image {skipped + 1}" in report["whole"].warnings[0]
    np.savetxt(tmp_path / f"{name}.txt", rows[1:-1], delimiter=",")
    assert "nothing says which lines count" in evaluate(benchmark, {"whole": tmp_path}).left_out["whole"]
