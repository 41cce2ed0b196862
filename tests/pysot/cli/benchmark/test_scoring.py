"""The speed of scoring is measured on the inputs it says, and `benchmark eval` leaves the tracker benchmark alone."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from pysot.cli.benchmark import scoring as benchmark_eval
from pysot.cli.benchmark.scoring import Work, measure
from pysot.cli.benchmark.scoring_inputs import Sizes, ope_runs, rectangle_pairs, rotated_pairs, write_ope, write_vot
from pysot.cli.main import main, run_tool
from tests.golden import recorded
from toolkit.evaluation import evaluate
from toolkit.regions import overlap_pairs

SMALL = Sizes(pairs=50, ope=(2, 3, 40), vot=(3, 400), lasot=(4, 30))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark_eval, "SIZES", SMALL)


@pytest.mark.parametrize("start", ["tool", "pysot"])
def test_every_work_is_timed(start: str, small: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "out" / "speed.json"
    arguments = ["eval", "--repeats", "2", "--threads", "2", "--json", str(file)]
    assert (run_tool("benchmark", arguments) if start == "tool" else main(["benchmark", *arguments])) == 0
    report = json.loads(file.read_text())
    works = report["works"]
    assert len(works) == 9
    for work in works:
        assert work["ms"] > 0 and work["repeats"] == 2
        if work["reference_ms"] is not None:
            assert work["times_faster"] == pytest.approx(work["reference_ms"] / work["ms"])
    assert [work["reference_ms"] for work in works] == [7800, 6000, 1070, 380, 520, 540, 3900, 750, None]
    assert [work["wanted"] for work in works if work["wanted"]] == ["20x", "20x", "10x", "2000 ms"]
    assert "as eval runs it" in works[6]["work"] and works[6]["threads"] == 2
    assert report["machine_factor"] > 0
    out = capsys.readouterr().out
    for words in (
        "reference ms",
        "another machine",
        "times faster",
        "if run here",
        f"{report['machine_factor']:.2f} times",
    ):
        assert words in out


def test_the_other_machine_is_taken_into_account() -> None:
    shown = benchmark_eval.table([measure(Work("nap", 100.0, "2x", lambda: time.sleep(0.01)), 1)], 3.0)
    faster, here = (float(cell.removesuffix("x")) for cell in shown.rows[0][5:7])
    assert here == pytest.approx(3 * faster, abs=0.2)


def test_the_first_run_does_not_count() -> None:
    naps = iter([0.2, 0.01, 0.02, 0.03])
    timing = measure(Work("nap", 100.0, "", lambda: time.sleep(next(naps))), 3)
    assert 20 <= timing.ms < 100
    assert timing.cpu_ms < timing.ms
    assert timing.times_faster == pytest.approx(100 / timing.ms)


def test_pairs_are_as_described() -> None:
    a, b = rotated_pairs(2000)
    sides = np.linalg.norm(np.diff(a.reshape(-1, 4, 2), axis=1), axis=2)
    assert sides.min() >= 20 and sides.max() <= 400
    assert np.allclose(sides[:, 0], sides[:, 2])
    centers = a.reshape(-1, 4, 2).mean(axis=1)
    assert (centers >= 0).all() and (centers <= (1920, 1080)).all()
    for pair in ((a, b), rectangle_pairs(2000)):
        overlaps = overlap_pairs(*pair, (1920, 1080))
        assert 0.3 < np.nanmean(overlaps) < 0.7
    assert np.array_equal(rotated_pairs(10)[0], rotated_pairs(10)[0])


def test_ope_inputs_are_those_of_the_reference(tmp_path: Path) -> None:
    scores = recorded("ope_synth_scores.json")
    report = evaluate(write_ope(tmp_path, *Sizes().ope), tmp_path)
    assert len(report.trackers) == 10
    for name, wanted in scores.items():
        found = report.trackers[name].scores
        assert found["success"] == pytest.approx(wanted["success_auc"], abs=1e-9)
        assert found["precision"] == pytest.approx(wanted["precision20"], abs=1e-9)
        assert found["norm_precision"] == pytest.approx(wanted["norm_precision20"], abs=1e-9)


def test_ope_runs_have_the_shape_asked_for() -> None:
    truths, answers = ope_runs(2, 3, 5)
    assert [truth.shape for truth in truths] == [(5, 4)] * 3
    assert [[run.shape for run in runs] for runs in answers] == [[(5, 4)] * 3] * 2


def test_the_vot_run_has_restarts(tmp_path: Path) -> None:
    made = write_vot(tmp_path, 3, 1500)
    assert sum(len(sequence.ground_truth) for sequence in made) == 1500
    (tracker,) = evaluate(made, tmp_path).trackers.values()
    assert tracker.scores["lost_number"] == 3
    assert 0.5 < tracker.scores["accuracy"] < 1


def test_published_data(shared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(benchmark_eval, "SIZES", SMALL)
    folders = ["--results", str(shared / "data/results"), "--annotations", str(shared / "data/annotations")]
    assert run_tool("benchmark", ["eval", "--repeats", "1", *folders]) == 0
    out = capsys.readouterr().out
    assert "one tracker (published, 21356 frames)" in out
    assert "load 280 LaSOT result files (published)" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["eval", "--repeats", "0"], "must be 1 or more"),
        (["eval", "--results", "somewhere"], "belong together"),
        ([], "give --config NAME"),
    ],
)
def test_bad_input(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tool("benchmark", arguments) == 2
    assert message in capsys.readouterr().err
