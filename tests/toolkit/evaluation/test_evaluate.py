from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import toolkit
from toolkit import Benchmark, Sequence, evaluate, load_benchmark
from toolkit.datasets.frames import ImageFiles
from toolkit.errors import ProtocolError, ResultError
from toolkit.results.writer import format_boxes, write_files

TRUTH = np.array([[10.0, 10, 20, 20]] * 30)
NAMES = ("Deer", "Jogging-1", "Man")


def moved(boxes_xywh: np.ndarray, shift: float) -> np.ndarray:
    return boxes_xywh + np.array([shift, 0, 0, 0])


def benchmark(protocol: str = "ope", **extra: object) -> Benchmark:
    sequences = tuple(
        Sequence(name, TRUTH, attributes=("OCC",) if name == "Man" else ("FM",), **extra) for name in NAMES
    )
    return Benchmark("MINE", protocol, sequences)


def store(root: Path, tracker: str, shift: float = 0.0, names: tuple[str, ...] = NAMES, form: str = "{0}.txt") -> Path:
    for name in names:
        path = root / "MINE" / tracker / form.format(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(format_boxes(moved(TRUTH, shift)))
    return root


def test_ranking_attributes_and_intervals(tmp_path: Path) -> None:
    store(tmp_path, "bad", 15)
    store(tmp_path, "good")
    report = evaluate(benchmark(), tmp_path, ci=True)
    assert list(report.trackers) == ["good", "bad"]
    good = report["good"]
    assert good.scores["success"] == pytest.approx(20 / 21)
    assert good.attributes["OCC"]["success"] == pytest.approx(20 / 21)
    assert good.ci["precision"].low == good.ci["precision"].high == 1.0
    assert report.attributes == {"FM": ("Deer", "Jogging-1"), "OCC": ("Man",)}
    assert report.compare("good", "bad", "success").difference > 0.5
    assert good.curves["success"].shape == report.axes["success"].shape


def test_a_tracker_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    store(tmp_path, "good")
    store(tmp_path, "partial", names=NAMES[:1])
    store(tmp_path, "empty")
    (tmp_path / "MINE" / "empty" / "Man.txt").write_text("")
    store(tmp_path, "short")
    (tmp_path / "MINE" / "short" / "Man.txt").write_text("10,10,20,20\n" * 29)
    (tmp_path / "MINE" / "broken.tar.gz").write_bytes(b"junk")
    report = evaluate(benchmark(), tmp_path, workers=2)
    assert list(report.trackers) == ["good", "short"]
    assert "2 of 3 sequences: Jogging-1, Man" in report.left_out["partial"]
    assert "Man.txt: the file is empty" in report.left_out["empty"]
    assert "cannot be read" in report.left_out["broken"]
    assert "29 lines for 30 frames" in report["short"].warnings[0]
    assert report["short"].sequences["Man"]["precision"] == pytest.approx(29 / 30)
    with pytest.raises(ResultError, match="2 of 3 sequences"):
        report["partial"]
    with pytest.raises(ResultError, match="not among the trackers scored: good, short"):
        report["nobody"]
    with pytest.raises(ResultError, match=r"'eao' is not scored on MINE\. Choose from: success"):
        report.compare("good", "short", "eao")


def test_repetitions_have_a_mean_and_a_deviation(tmp_path: Path) -> None:
    store(tmp_path, "random", form="{0}/{0}_001.txt")
    store(tmp_path, "random", 40, form="{0}/{0}_002.txt")
    scores = evaluate(benchmark(), tmp_path)["random"]
    assert scores.repetitions == 2
    assert scores.scores["precision"] == pytest.approx(0.5)
    assert scores.deviation["precision"] == pytest.approx(np.sqrt(0.5))
    store(tmp_path, "random", form="{0}/{0}_003.txt", names=NAMES[:1])
    scores = evaluate(benchmark(), tmp_path)["random"]
    assert scores.repetitions == 2
    assert "2 to 3 repetitions" in scores.warnings[0]


def test_trackers_by_name(tmp_path: Path) -> None:
    store(tmp_path, "a")
    assert list(evaluate(benchmark(), {"mine": tmp_path / "MINE" / "a"}).trackers) == ["mine"]
    with pytest.raises(ResultError, match="mapping"):
        evaluate(benchmark(), {})


def test_protocol_errors(tmp_path: Path) -> None:
    store(tmp_path, "a")
    with pytest.raises(ProtocolError, match="Unknown protocol 'best'"):
        evaluate(benchmark(), tmp_path, protocol="best")
    with pytest.raises(ProtocolError, match="Unknown rules 'lax'"):
        evaluate(benchmark(), tmp_path, rules="lax")
    with pytest.raises(ProtocolError, match="no sequences"):
        evaluate(Benchmark("MINE", "ope", ()), tmp_path)


def test_supervised_and_longterm_and_got10k_read_their_layouts(tmp_path: Path) -> None:
    lines = "1\n" + "10,10,20,20\n" * 29
    for name in NAMES:
        for path in (f"baseline/{name}/{name}_001.txt", f"longterm/{name}/{name}_001.txt"):
            target = tmp_path / "MINE" / "t" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(lines)
        (target.parent / f"{name}_001_confidence.value").write_text("\n" + "0.9\n" * 29)
    supervised = evaluate(benchmark("supervised"), tmp_path)["t"].scores
    assert supervised["accuracy"] == 1.0
    assert supervised["lost_number"] == supervised["robustness"] == 0.0
    assert supervised["eao"] == pytest.approx(1.0)
    longterm = evaluate(benchmark("longterm"), tmp_path)["t"].scores
    assert longterm["precision"] == 1.0
    assert longterm["recall"] == pytest.approx(29 / 30)
    store(tmp_path, "t")
    got10k = evaluate(benchmark("got10k"), tmp_path)
    assert got10k["t"].scores == {"ao": 1.0, "sr50": 1.0, "sr75": 1.0}
    assert "image sizes unknown" in got10k.rules
    assert evaluate(benchmark(), tmp_path, protocol="trackingnet")["t"].scores["success"] == 1.0


def test_multistart_reads_one_file_per_anchor(tmp_path: Path) -> None:
    anchors = np.zeros(30, dtype=np.int64)
    anchors[[0, 20]] = 1, -1
    for name in NAMES:
        for anchor, length in ((0, 30), (20, 21)):
            path = tmp_path / "MINE" / "t" / "baseline" / name / f"{name}_{anchor:08d}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("1\n" + "10,10,20,20\n" * (length - 1))
    scores = evaluate(benchmark("multistart", anchors=anchors, image_size=(90, 90)), tmp_path)["t"].scores
    assert scores["robustness"] == 1.0
    assert scores["accuracy"] == pytest.approx(49 / 51)
    path.write_text("1\nrubbish\n" + "10,10,20,20\n" * 19)
    report = evaluate(benchmark("multistart", anchors=anchors), tmp_path)
    assert "line 2" in report.left_out["t"]


def test_hidden_truth_cannot_be_scored(tmp_path: Path) -> None:
    class Frames:
        def __len__(self) -> int:
            return 9

    sequence = Sequence("GOT-10k_Test_000001", TRUTH[:1], frames=Frames())  # type: ignore[arg-type]
    with pytest.raises(ProtocolError, match="server scores it"):
        evaluate(Benchmark("GOT-10k", "got10k", (sequence,)), store(tmp_path, "t"))


def test_json_form(tmp_path: Path) -> None:
    store(tmp_path, "t")
    record = json.loads(json.dumps(evaluate(benchmark(), tmp_path, ci=True).as_dict(), allow_nan=False))
    assert record["benchmark"] == "MINE"
    assert record["protocol"] == "ope"
    tracker = record["trackers"]["t"]
    assert {"success", "precision", "norm_precision", "op50", "op75", "ci", "sequences"} <= set(tracker)
    assert tracker["sequences"]["Deer"]["precision"] == 1.0
    assert tracker["ci"]["success"] == pytest.approx([20 / 21, 20 / 21])


def test_three_repetitions_of_siamfc(shared: Path) -> None:
    folder = shared / "data" / "results" / "VOT2018" / "SiamFC_vot17"
    report = evaluate(load_benchmark("VOT2018", shared / "data" / "annotations"), {"SiamFC": folder})
    assert report["SiamFC"].repetitions == 3
    assert report["SiamFC"].scores["eao"] == pytest.approx(0.188, abs=0.003)


def test_official_curves_of_uav123(shared: Path) -> None:
    data = shared / "data"
    report = evaluate(load_benchmark("UAV123", data / "annotations"), data / "results")
    for kind, metric in (("overlap", "success"), ("error", "precision")):
        reference = np.load(data / "results" / "UAV123" / f"reference_curves_{kind}.npz")
        for name, curves in zip(reference["names"], reference["curves"], strict=True):
            if name in report.trackers:
                np.testing.assert_allclose(report[name].curves[metric], curves.mean(axis=0), atol=0.003)


def test_the_package_names_its_parts() -> None:
    assert set(toolkit.__all__) <= set(dir(toolkit))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = toolkit.nothing


def test_scoring_needs_no_torch(repo: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; from toolkit import evaluate, load_benchmark; import toolkit.report"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=repo)
    quick = "import sys; import toolkit; assert not {'numpy', 'cv2', 'numba'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", quick], check=True, cwd=repo)


def test_a_missing_first_image_does_not_stop_the_scoring(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    truth = np.array([[10.0, 10, 5, 5]] * 4)
    frames = ImageFiles([tmp_path / f"{k}.png" for k in range(4)])
    benchmark = Benchmark("TOY", "got10k", (Sequence("s", truth, frames=frames),))
    write_files({tmp_path / "TOY" / tracker / "s.txt": format_boxes(truth) for tracker in ("a", "b")})
    report = evaluate(benchmark, tmp_path)
    assert [report[name].scores["ao"] for name in ("a", "b")] == [1.0, 1.0]
    assert len(caplog.records) == 1
    assert "0.png" in caplog.text


def test_trackingnet_says_that_one_repetition_counts(tmp_path: Path) -> None:
    truth = np.array([[10.0, 10, 5, 5]] * 4)
    folder = tmp_path / "TOY" / "mine" / "s"
    write_files({folder / f"s_{k:03d}.txt": format_boxes(truth + k - 1) for k in (1, 2)})
    report = evaluate(Benchmark("TOY", "ope", (Sequence("s", truth),)), tmp_path, protocol="trackingnet")
    assert report["mine"].scores["precision"] == 1.0
    assert "2 repetitions; only the first counts" in report["mine"].warnings[0]
