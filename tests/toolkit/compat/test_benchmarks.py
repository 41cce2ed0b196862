"""PySOT's benchmark classes answer and print what PySOT's own do (`tests/golden/README.md`)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.golden import recorded
from tests.toolkit.compat.made import TAGS, write_data
from toolkit.datasets import LaSOTDataset, OTBDataset, VOTDataset, VOTLTDataset
from toolkit.errors import ResultError
from toolkit.evaluation import AccuracyRobustnessBenchmark, EAOBenchmark, F1Benchmark, OPEBenchmark
from toolkit.utils.misc import determine_thresholds
from toolkit.utils.statistics import calculate_accuracy, calculate_expected_overlap, calculate_failures

RECORDED = recorded("pysot_toolkit.json")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pysot")
    write_data(folder)
    return folder


def opened(kind: Any, name: str, root: Path, results: str) -> Any:
    dataset = kind(name, str(root))
    dataset.set_tracker(str(root / "results" / results), ["t1", "t2"])
    return dataset


@pytest.mark.parametrize(("name", "kind"), [("OTB100", OTBDataset), ("LaSOT", LaSOTDataset)])
def test_one_pass(name: str, kind: Any, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = opened(kind, name, root, "ope")
    benchmark = OPEBenchmark(dataset)
    success, precision = benchmark.eval_success(), benchmark.eval_precision("t2") | benchmark.eval_precision(["t1"])
    capsys.readouterr()
    benchmark.show_result(success, precision, benchmark.eval_norm_precision(), show_video_level=True)
    assert capsys.readouterr().out == RECORDED[name]["text"]
    benchmark.show_result(success)
    assert capsys.readouterr().out == RECORDED[name]["plain"]
    for tracker, curves in RECORDED[name]["success"].items():
        for video, values in curves.items():
            np.testing.assert_allclose(success[tracker][video], values, rtol=0, atol=1e-12)
    assert {key: sorted(names) for key, names in dataset.attr.items()} == {
        key: sorted(names) for key, names in RECORDED[name]["attr"].items()
    }


def test_with_restarts(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = opened(VOTDataset, "VOT2018", root, "vot")
    benchmark = AccuracyRobustnessBenchmark(dataset)
    result, eao = benchmark.eval(), EAOBenchmark(dataset).eval()
    capsys.readouterr()
    benchmark.show_result(result, eao, show_video_level=True)
    assert capsys.readouterr().out == RECORDED["VOT2018"]["text"]
    benchmark.show_result(result)
    assert capsys.readouterr().out == RECORDED["VOT2018"]["plain"]
    by_tag = EAOBenchmark(dataset, tags=["all", *TAGS])
    scores = by_tag.eval()
    for tracker, values in RECORDED["VOT2018"]["tags"].items():
        assert scores[tracker] == pytest.approx(values, abs=1e-7)
    overlaps = np.nan_to_num(result["t1"]["overlaps"]["c"], nan=-1)
    np.testing.assert_allclose(overlaps, RECORDED["VOT2018"]["overlaps"], rtol=0, atol=1e-6)
    by_tag.show_result(scores)
    EAOBenchmark(dataset).show_result(eao)
    assert capsys.readouterr().out.count(f"{eao['t2']['all']:.3f}") == 2


def test_long_term(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark = F1Benchmark(opened(VOTLTDataset, "VOT2018-LT", root, "lt"))
    result = benchmark.eval()
    for video, values in RECORDED["VOT2018-LT"]["f1"].items():
        np.testing.assert_allclose(result["t1"]["f1"][video], values, rtol=0, atol=1e-6)
    capsys.readouterr()
    benchmark.show_result(result, show_video_level=True)
    lines, expected = capsys.readouterr().out.splitlines(), RECORDED["VOT2018-LT"]["text"].splitlines()
    unknown = next(number for number, line in enumerate(expected) if "nan" in line)  # PySOT's best of NaN and numbers
    assert lines[:unknown] + lines[unknown + 1 :] == expected[:unknown] + expected[unknown + 1 :]
    assert "|      a       |" in lines[unknown] and "nan" not in lines[unknown]


def test_functions() -> None:
    rng = np.random.default_rng(5)
    fragments = rng.random((6, 30))
    fragments[2, 20:], fragments[4, 7:] = np.nan, np.nan
    steps = determine_thresholds(rng.random(400), 10)
    np.testing.assert_allclose(steps[1:-1], RECORDED["misc"]["steps"])
    assert np.isneginf(steps[0]) and np.isposinf(steps[-1])
    expected = calculate_expected_overlap(fragments, rng.random(6))
    np.testing.assert_allclose(expected, RECORDED["misc"]["expected"], rtol=1e-6)
    run = [[1], [0.0, 0, 4, 4], [2], [0], [0], [0], [0], [1], [0.0, 0, 4, 4]]
    assert calculate_failures(run) == (1, [2])
    mean, overlaps = calculate_accuracy(run, [[0.0, 0, 4, 4]] * 9, burnin=1, bound=(20, 20))
    assert mean == 1.0 and np.flatnonzero(~np.isnan(overlaps)).tolist() == [1, 8]
    assert calculate_accuracy(run, [[0.0, 0, 4, 4]] * 9, ignore_unknown=False)[0] == pytest.approx(2 / 9)
    with pytest.raises(ValueError, match="9 scores for 10 thresholds"):
        determine_thresholds(np.ones(9), 10)


def test_a_result_that_does_not_fit_is_named(root: Path, tmp_path: Path) -> None:
    dataset = opened(OTBDataset, "OTB100", root, "ope")
    for name in ("a", "b", "c"):
        (tmp_path / "short").mkdir(exist_ok=True)
        (tmp_path / "short" / f"{name}.txt").write_text("1,2,3,4\n" * 100)
    dataset.set_tracker(str(tmp_path), ["short"])
    with pytest.raises(ResultError, match=r"short, a: the result has the shape \(100, 4\), the truth \(118, 4\)"):
        OPEBenchmark(dataset).eval_success()
    (tmp_path / "short" / "a.txt").write_text("1,2,3,x\n")
    with pytest.raises(ResultError, match=r"a\.txt:1: '1,2,3,x' are no numbers"):
        OPEBenchmark(dataset).eval_success()
    (tmp_path / "short" / "a.txt").unlink()
    with pytest.raises(ResultError, match=r"a\.txt: there is no such file.*It holds 2 \.txt"):
        OPEBenchmark(dataset).eval_success()


def published(name: str, shared: Path, folder: Path, trackers: list[str]) -> Any:
    """A data set of the public annotations with a black image for every sequence."""
    content = json.loads((shared / "data" / "annotations" / f"{name}.json").read_text())
    folder.mkdir()
    (folder / f"{name}.json").write_text(json.dumps(content))
    for values in content.values():
        path = folder / values["img_names"][0]
        path.parent.mkdir(parents=True, exist_ok=True)
        size = (values.get("height", 8), values.get("width", 8), 3)
        cv2.imwrite(str(path), np.zeros(size, np.uint8))
    dataset = (OTBDataset if name == "OTB100" else VOTDataset)(name, str(folder))
    dataset.set_tracker(str(shared / "data" / "results" / name), trackers)
    return dataset


@pytest.mark.parametrize("tracker", RECORDED["published"]["VOT2018"])
def test_published_runs_with_restarts(
    tracker: str, shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every character that PySOT's own evaluation of VOT2018 prints, sequence by sequence."""
    dataset = published("VOT2018", shared, tmp_path / "VOT2018", [tracker])
    benchmark = AccuracyRobustnessBenchmark(dataset)
    benchmark.show_result(benchmark.eval(), EAOBenchmark(dataset).eval(), show_video_level=True)
    text = capsys.readouterr().out
    assert text.splitlines()[3] == RECORDED["published"]["VOT2018"][tracker]["table"]
    assert hashlib.sha256(text.encode()).hexdigest() == RECORDED["published"]["VOT2018"][tracker]["sha256"]


def test_published_runs_of_one_pass(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Three trackers on OTB100, sequence by sequence; the columns stand in the order of the folders."""
    benchmark = OPEBenchmark(published("OTB100", shared, tmp_path / "OTB100", ["DaSiamRPN", "SiamFC", "SiamRPN"]))
    success, precision = benchmark.eval_success(), benchmark.eval_precision()
    order = RECORDED["published"]["OTB100"]["order"]
    benchmark.show_result({n: success[n] for n in order}, {n: precision[n] for n in order}, show_video_level=True)
    text = capsys.readouterr().out
    assert text.splitlines()[3:6] == RECORDED["published"]["OTB100"]["table"]
    assert hashlib.sha256(text.encode()).hexdigest() == RECORDED["published"]["OTB100"]["sha256"]
