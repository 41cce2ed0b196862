"""A protocol in a file of its own goes the whole way, from the tracker to the figures, without an edit elsewhere."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_trackers import HEIGHT, WIDTH, Random, Scripted, make_benchmark, random_seeded, true_box

from toolkit.datasets import Benchmark, load_benchmark
from toolkit.datasets.catalog import BENCHMARKS, BenchmarkRow, register_benchmark, require_row
from toolkit.errors import DatasetError, ProtocolError, ResultError
from toolkit.evaluation import evaluate
from toolkit.evaluation.base import SCORERS
from toolkit.protocols.registry import PROTOCOLS
from toolkit.registry import Registry, import_modules
from toolkit.report import (
    by_attribute,
    by_sequence,
    overview,
    tidy,
    to_console,
    to_csv,
    to_json,
    to_latex,
    write_figures,
)
from toolkit.report.figures.plots import FIGURES
from toolkit.results.writer import WRITERS
from toolkit.runner import run_benchmark

REGISTRIES: tuple[Registry, ...] = (PROTOCOLS, WRITERS, SCORERS, FIGURES)


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Iterator[Benchmark]:
    """Four sequences to be run under the new protocol, which is forgotten after the test."""
    for registry in REGISTRIES:
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    importlib.import_module("round_trip")
    plain = make_benchmark("round_trip")
    yield replace(plain, sequences=tuple(replace(one, attributes=("FM",)) for one in plain.sequences))
    del sys.modules["round_trip"]


def test_from_the_tracker_to_the_figures(tmp_path: Path, benchmark: Benchmark) -> None:
    summary = run_benchmark(Scripted, benchmark, tmp_path, "exact")
    run_benchmark(Random, benchmark, tmp_path, "random", repetitions=2)
    lines = (summary.folder / "round_trip" / "seq0" / "seq0_001.txt").read_text().splitlines()
    assert len(lines) == 2 * 12 - 1
    assert lines[0] == lines[-1] == "40.0,30.0,30.0,20.0"
    assert run_benchmark(Scripted, benchmark, tmp_path, "exact").resumed == tuple(benchmark.names())

    report = evaluate(benchmark, tmp_path, ci=True)
    assert list(report.trackers) == ["exact", "random"]
    assert report["exact"].scores == {"agreement": 1.0, "drift": 0.0}
    assert report["random"].scores["agreement"] < 1
    assert "| Tracker name | " in (table := to_console(overview(report)))
    assert "Agreement" in table and "Drift" in table and "there and back" in table
    assert by_attribute(report).header == ("Tracker name", "FM (4)")
    assert by_sequence(report).rows[0][:3] == ("seq0", "1.000", "0.0")
    assert to_csv(tidy(report)).splitlines()[:2] == [
        "benchmark,tracker,sequence,agreement,drift",
        "TOY,exact,ALL,1.0,0.0",
    ]
    assert r"\textbf{" in to_latex(overview(report))
    assert json.loads(to_json(report))["trackers"]["exact"]["agreement"] == 1.0

    pytest.importorskip("matplotlib")
    names = [path.name for path in write_figures(report, tmp_path / "figures", ["svg"])]
    assert names == [
        f"TOY_{name}.svg" for name in ("agreement", "agreement_FM", "agreement_ranking", "round_trip_drift")
    ]


def test_several_workers_find_the_protocol(tmp_path: Path, benchmark: Benchmark) -> None:
    one = run_benchmark(random_seeded, benchmark, tmp_path / "one", "mine").folder
    two = run_benchmark(random_seeded, benchmark, tmp_path / "two", "mine", workers=2).folder
    for name in benchmark.names():
        path = f"round_trip/{name}/{name}_001.txt"
        assert (one / path).read_text() == (two / path).read_text()


def test_results_of_other_protocols_stay_apart(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Also where results were read before the protocol was there."""
    run_benchmark(Scripted, make_benchmark("ope"), tmp_path / "before", "mine")
    assert evaluate(make_benchmark("ope"), tmp_path / "before")["mine"].scores["precision"] == 1.0
    benchmark = request.getfixturevalue("benchmark")
    run_benchmark(Scripted, benchmark, tmp_path, "mine")
    with pytest.raises(ResultError, match="no results for 4 of 4 sequences"):
        evaluate(replace(benchmark, protocol="ope"), tmp_path)["mine"]
    run_benchmark(Scripted, replace(benchmark, protocol="supervised"), tmp_path, "mine")
    assert evaluate(replace(benchmark, protocol="supervised"), tmp_path)["mine"].scores["accuracy"] == 1.0
    assert evaluate(benchmark, tmp_path)["mine"].scores["agreement"] == 1.0


def test_a_protocol_that_was_not_imported_is_unknown(tmp_path: Path) -> None:
    for call in (
        lambda: run_benchmark(Scripted, make_benchmark("round_trip"), tmp_path, "mine"),
        lambda: evaluate(make_benchmark("round_trip"), {"mine": tmp_path}),
    ):
        with pytest.raises(ProtocolError, match=r"Unknown protocol 'round_trip'. Use one of: got10k, longterm"):
            call()


def test_the_command_lines_take_it(
    tmp_path: Path, benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tool = pytest.importorskip("pysot.cli.main").run_tool
    monkeypatch.setattr("toolkit.datasets.catalog._BY_KEY", {})
    monkeypatch.setattr("toolkit.datasets.catalog.BENCHMARKS", [])
    register_benchmark(BenchmarkRow("Trips", "sequence_folders", "round_trip", frames=("{dir}",)))
    for name in ("a", "b"):
        (tmp_path / "Trips" / name).mkdir(parents=True)
        rng = np.random.default_rng(0)
        for index in range(5):
            image = rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / "Trips" / name / f"{index + 1:04d}.png"), image)
        truth = "".join(",".join(map(str, true_box(index))) + "\n" for index in range(5))
        (tmp_path / "Trips" / name / "groundtruth.txt").write_text(truth)
    where = ["--dataset", "trips", "--dataset_root", str(tmp_path)]
    results = str(tmp_path / "results")
    assert run_tool("test", ["--tracker", "opencv:MIL", *where, "--results_dir", results]) == 0
    assert len(list(tmp_path.glob("results/Trips/*/round_trip/*/*_001.txt"))) == 2
    capsys.readouterr()
    assert run_tool("eval", [*where, "--tracker_path", results, "--json", str(tmp_path / "scores.json")]) == 0
    assert "Trips, 2 sequences (there and back)" in capsys.readouterr().out
    assert json.loads((tmp_path / "scores.json").read_text())["protocol"] == "round_trip"
    assert run_tool("eval", [*where, "--tracker_path", results, "--protocol", "ope"]) == 2


def test_a_benchmark_of_ones_own_has_names_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.datasets.catalog.BENCHMARKS", list(BENCHMARKS))
    with pytest.raises(DatasetError, match="'OTB-100' is already a name of OTB100"):
        register_benchmark(BenchmarkRow("Mine", "sequence_folders", aliases=("OTB-100",)))
    with pytest.raises(DatasetError, match="neither a benchmark nor"):
        require_row("Mine")
    with pytest.raises(DatasetError):
        load_benchmark("Mine")


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ProtocolError, match="protocol 'ope' is registered twice"):
        SCORERS.register("ope")(SCORERS["got10k"])
    SCORERS.register("ope")(SCORERS["ope"])


def test_new_files_in_a_package_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "made_up").mkdir()
    (tmp_path / "made_up" / "__init__.py").write_text("FOUND = []\n")
    (tmp_path / "made_up" / "part.py").write_text("from made_up import FOUND\nFOUND.append(__name__)\n")
    package = importlib.import_module("made_up")
    import_modules("made_up", package.__path__)
    assert package.FOUND == ["made_up.part"]


def test_every_protocol_is_complete() -> None:
    assert set(PROTOCOLS) == set(WRITERS)
    for name, scorer in SCORERS.items():
        keys = [metric.key for metric in scorer.metrics]
        assert len(set(keys)) == len(keys), name
        assert {scorer.headline, *scorer.per_sequence, *(curve.metric for curve in scorer.curves)} <= set(keys), name
        assert scorer.metric(scorer.headline).higher_is_better, name
        assert set(scorer.figures) <= set(FIGURES), name
    assert SCORERS["trackingnet"].benchmarks == ("TrackingNet",)
