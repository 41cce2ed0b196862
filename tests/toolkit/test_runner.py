from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fake_trackers import (
    Dying,
    Raising,
    Random,
    Refusing,
    Scripted,
    Slow,
    make_benchmark,
    random_seeded,
    unbuildable,
)

from toolkit.datasets.sequence import Benchmark
from toolkit.errors import ProtocolError, ResultError
from toolkit.evaluation import evaluate
from toolkit.protocols.session import FrameEvent
from toolkit.runner import Failure, SequenceReport, run_benchmark


def texts(folder: Path) -> dict[str, str]:
    """Result files (without times) by relative path."""
    found = (path for path in folder.rglob("*") if path.is_file() and "time" not in str(path.relative_to(folder)))
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


def test_runs_every_sequence(tmp_path: Path) -> None:
    benchmark = make_benchmark()
    ended: list[SequenceReport | Failure] = []
    summary = run_benchmark(Scripted, benchmark, tmp_path, "mine", on_sequence=ended.append)
    assert summary.folder == tmp_path / "TOY" / "mine"
    assert sorted(texts(summary.folder)) == ["seq0.txt", "seq1.txt", "seq2.txt", "seq3.txt"]
    assert [report.sequence for report in summary.finished] == ["seq0", "seq1", "seq2", "seq3"]
    assert list(summary.finished) == ended
    assert summary.frames == 12 + 13 + 14 + 15
    assert sum(report.tracked for report in summary.finished) == summary.frames - 4
    assert summary.failures == ()
    assert summary.lost is None
    assert summary.fps > summary.loop_fps > 0


def test_speed_is_the_trackers_own(tmp_path: Path) -> None:
    summary = run_benchmark(Slow, make_benchmark(count=1), tmp_path, "mine")
    assert 20 < summary.fps <= 50


def test_failures_of_the_tracker_are_counted(tmp_path: Path) -> None:
    summary = run_benchmark(lambda: Scripted(away=(3,)), make_benchmark("supervised"), tmp_path, "mine")
    assert summary.lost == 4
    assert [report.lost for report in summary.finished] == [1, 1, 1, 1]
    again = run_benchmark(lambda: Scripted(away=(3,)), make_benchmark("supervised"), tmp_path, "mine")
    assert again.finished == ()
    assert again.lost == 4


def test_finished_sequences_are_not_run_again(tmp_path: Path) -> None:
    benchmark = make_benchmark()
    run_benchmark(Scripted, replace(benchmark, sequences=benchmark.sequences[:2]), tmp_path, "mine")
    summary = run_benchmark(Scripted, benchmark, tmp_path, "mine")
    assert summary.resumed == ("seq0", "seq1")
    assert [report.sequence for report in summary.finished] == ["seq2", "seq3"]


def test_a_tracker_is_not_built_when_there_is_nothing_to_run(tmp_path: Path) -> None:
    run_benchmark(Scripted, make_benchmark(), tmp_path, "mine")
    summary = run_benchmark(unbuildable, make_benchmark(), tmp_path, "mine")
    assert len(summary.resumed) == 4


def test_overwrite_runs_again_and_removes_old_repetitions(tmp_path: Path) -> None:
    benchmark = make_benchmark("supervised", count=2)
    run_benchmark(Random, benchmark, tmp_path, "mine", repetitions=2)
    summary = run_benchmark(Scripted, benchmark, tmp_path, "mine", overwrite=True)
    assert len(summary.finished) == 2
    assert sorted(texts(summary.folder)) == ["baseline/seq0/seq0_001.txt", "baseline/seq1/seq1_001.txt"]


@pytest.mark.parametrize(
    ("tracker", "workers", "frame", "words"),
    [(Raising, 1, "seq1#3", "out of ideas"), (Raising, 2, "seq1#3", "of ideas"), (Refusing, 1, "seq1#0", "too small")],
)
def test_one_failing_sequence_does_not_stop_the_others(
    tmp_path: Path, tracker: type[Scripted], workers: int, frame: str, words: str
) -> None:
    summary = run_benchmark(tracker, make_benchmark(), tmp_path, "mine", workers=workers)
    (failure,) = summary.failures
    assert (failure.sequence, failure.frame) == ("seq1", frame)
    assert words in failure.message
    assert "Traceback" in failure.details
    assert sorted(texts(summary.folder)) == ["seq0.txt", "seq2.txt", "seq3.txt"]


def test_a_missing_frame_is_recorded_with_its_file(tmp_path: Path) -> None:
    good, bad = make_benchmark(count=1), make_benchmark(count=1, broken=(5,))
    renamed = replace(bad.sequences[0], name="bad")
    summary = run_benchmark(Scripted, replace(good, sequences=(renamed, *good.sequences)), tmp_path, "mine")
    assert "frames/00000005.jpg" in summary.failures[0].message
    assert sorted(texts(summary.folder)) == ["seq0.txt"]


@pytest.mark.parametrize("protocol", ["ope", "supervised"])
def test_workers_give_the_results_of_one_process(tmp_path: Path, protocol: str) -> None:
    benchmark = make_benchmark(protocol)
    one = run_benchmark(random_seeded, benchmark, tmp_path / "one", "mine")
    two = run_benchmark(random_seeded, benchmark, tmp_path / "two", "mine", workers=2)
    assert texts(one.folder) == texts(two.folder)
    assert len(texts(one.folder)) >= 4
    assert {report.sequence for report in two.finished} == {"seq0", "seq1", "seq2", "seq3"}
    assert one.frames == two.frames
    assert one.lost == two.lost


def test_a_worker_that_dies_is_reported_and_replaced(tmp_path: Path) -> None:
    summary = run_benchmark(Dying, make_benchmark(count=6), tmp_path, "mine", workers=2)
    (failure,) = summary.failures
    assert failure.sequence == "seq1"
    assert "died (exit code -9)" in failure.message
    assert len(summary.finished) == 5


def test_a_worker_that_cannot_build_its_tracker_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="ValueError: no weights here"):
        run_benchmark(unbuildable, make_benchmark(), tmp_path, "mine", workers=2)
    with pytest.raises(ValueError, match="no weights here"):
        run_benchmark(unbuildable, make_benchmark(), tmp_path, "mine")


def test_a_factory_that_cannot_be_sent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="cannot be sent to worker processes"):
        run_benchmark(lambda: Scripted(), make_benchmark(), tmp_path, "mine", workers=2)


def test_repetitions_of_a_random_tracker_are_all_run(tmp_path: Path) -> None:
    summary = run_benchmark(Random, make_benchmark("supervised", count=1), tmp_path, "mine", repetitions=5)
    names = [f"baseline/seq0/seq0_{k:03d}.txt" for k in range(1, 6)]
    assert sorted(texts(summary.folder)) == names
    assert len(set(texts(summary.folder).values())) == 5
    assert summary.finished[0].repetitions == 5


def test_repetitions_of_a_deterministic_tracker_stop_after_three(tmp_path: Path) -> None:
    benchmark = make_benchmark("got10k", count=1)
    summary = run_benchmark(Scripted, benchmark, tmp_path, "mine", repetitions=15)
    assert sorted(texts(summary.folder)) == [f"seq0/seq0_{k:03d}.txt" for k in (1, 2, 3)]
    assert run_benchmark(Scripted, benchmark, tmp_path, "mine", repetitions=15).resumed == ("seq0",)


@pytest.mark.parametrize(("odd_one", "kept"), [(1, 5), (2, 5), (3, 5), (4, 3)])
def test_only_the_first_three_repetitions_have_to_agree(tmp_path: Path, odd_one: int, kept: int) -> None:
    class Moody(Scripted):
        def track(self, image: np.ndarray) -> dict[str, object]:
            return {"bbox": [0, 0, 5, 5 + (len(self.started) == odd_one)], "best_score": 1.0}

    summary = run_benchmark(Moody, make_benchmark("got10k", count=1), tmp_path, "mine", repetitions=5)
    assert len(texts(summary.folder)) == kept


def test_missing_repetitions_are_added(tmp_path: Path) -> None:
    benchmark = make_benchmark("got10k", count=1)
    run_benchmark(Random, benchmark, tmp_path, "mine", repetitions=1)
    before = texts(tmp_path)["TOY/mine/seq0/seq0_001.txt"]
    summary = run_benchmark(Random, benchmark, tmp_path, "mine", repetitions=3)
    assert summary.finished[0].repetitions == 2
    assert texts(tmp_path)["TOY/mine/seq0/seq0_001.txt"] == before


def test_results_of_another_configuration_are_not_continued(tmp_path: Path) -> None:
    def run(learning_rate: str, **options: bool) -> None:
        identity = {"config.yaml": f"TYPE: siamese\nLR: {learning_rate}\n"}
        run_benchmark(Scripted, make_benchmark(), tmp_path, "mine", identity=identity, **options)

    run("0.3")
    run("0.3")
    with pytest.raises(ResultError, match=r"config\.yaml differs, first in `LR: 0\.4`.*--overwrite"):
        run("0.4")
    run("0.4", overwrite=True)
    assert "0.4" in (tmp_path / "TOY/mine/_run/config.yaml").read_text()


def test_overwriting_a_part_with_another_configuration_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    benchmark = make_benchmark("supervised", count=2)
    run_benchmark(Scripted, benchmark, tmp_path, "mine", identity={"config.yaml": "LR: 1\n"})
    new = {"config.yaml": "LR: 2\n"}
    run_benchmark(Scripted, benchmark.select("seq0"), tmp_path, "mine", identity=new, overwrite=True)
    assert "keep their old results" in caplog.text
    caplog.clear()
    run_benchmark(Scripted, benchmark, tmp_path, "mine", identity={"config.yaml": "LR: 3\n"}, overwrite=True)
    assert "keep their old results" not in caplog.text


def test_what_was_run_is_written_beside_the_results(tmp_path: Path) -> None:
    run_benchmark(
        Scripted,
        make_benchmark(),
        tmp_path,
        "mine",
        identity={"config.yaml": "A: 1\n"},
        notes={"environment.txt": "x\n"},
    )
    assert (tmp_path / "TOY/mine/_run/config.yaml").read_text() == "A: 1\n"
    assert (tmp_path / "TOY/mine/_run/environment.txt").read_text() == "x\n"


def test_missing_sequences_are_named_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    benchmark = replace(make_benchmark(), missing=("Biker", "Bolt"))
    with caplog.at_level(logging.WARNING):
        run_benchmark(Scripted, benchmark, tmp_path, "mine")
    assert [record.getMessage() for record in caplog.records if "Biker, Bolt" in record.getMessage()] != []
    assert sum("Biker" in record.getMessage() for record in caplog.records) == 1


def test_frames_are_shown_by_one_process_only(tmp_path: Path) -> None:
    events: list[FrameEvent] = []
    run_benchmark(Scripted, make_benchmark(count=1), tmp_path, "mine", on_frame=events.append)
    assert len(events) == 12
    with pytest.raises(ProtocolError, match="workers=1"):
        run_benchmark(Scripted, make_benchmark(), tmp_path, "other", on_frame=events.append, workers=2)


@pytest.mark.parametrize("numbers", [{"workers": 0}, {"repetitions": 0}])
def test_impossible_numbers(tmp_path: Path, numbers: dict[str, int]) -> None:
    with pytest.raises(ProtocolError, match="must be 1 or more"):
        run_benchmark(Scripted, make_benchmark(), tmp_path, "mine", **numbers)


def test_an_empty_benchmark_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="no sequence to run"):
        run_benchmark(Scripted, Benchmark("TOY", "ope", ()), tmp_path, "mine")


def test_the_progress_bar_shows_both_speeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_benchmark(Slow, make_benchmark(count=1), tmp_path, "mine", progress=True)
    shown = capsys.readouterr().err
    assert "TOY" in shown
    assert "12/12" in shown
    assert "frame/s" in shown
    assert "tracker 4" in shown


SCRIPT = """
import sys
sys.path[:0] = [{tests!r}, {repo!r}]
from fake_trackers import Slow, make_benchmark
from toolkit.runner import run_benchmark

if __name__ == "__main__":
    run_benchmark(Slow, make_benchmark("longterm", count=6, length=20), sys.argv[1], "mine", workers=int(sys.argv[2]))
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of this test are POSIX")
@pytest.mark.parametrize(("workers", "sign"), [(1, signal.SIGKILL), (2, signal.SIGKILL), (2, signal.SIGINT)])
def test_a_run_that_was_stopped_continues(tmp_path: Path, repo: Path, workers: int, sign: signal.Signals) -> None:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT.format(tests=str(repo / "tests" / "toolkit"), repo=str(repo))))
    results = tmp_path / "results"
    process = subprocess.Popen(
        [sys.executable, script, results, str(workers)],
        stderr=subprocess.DEVNULL,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # ignored where tests run in the background
    )
    deadline = time.monotonic() + 30
    while len(list(results.rglob("*_001.txt"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(sign)
    assert process.wait(10) != 0
    time.sleep(0.3)
    before = {path: path.stat().st_mtime_ns for path in results.rglob("*_001.txt")}
    assert 2 <= len(before) < 6
    assert all(len(path.read_text().splitlines()) >= 20 for path in before)
    summary = run_benchmark(Scripted, make_benchmark("longterm", count=6, length=20), results, "mine")
    assert len(summary.resumed) == len(before)
    assert len(summary.finished) == 6 - len(before)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    fresh = run_benchmark(Scripted, make_benchmark("longterm", count=6, length=20), tmp_path / "fresh", "mine")
    assert texts(fresh.folder) == texts(summary.folder)


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
def test_one_run_and_several_are_never_mixed(tmp_path: Path, before: int, after: int) -> None:
    benchmark = make_benchmark("ope", count=1)
    run_benchmark(Random, benchmark, tmp_path, "mine", repetitions=before)
    with pytest.raises(ResultError, match=r"another number of repetitions.*seq0.*--overwrite"):
        run_benchmark(Random, benchmark, tmp_path, "mine", repetitions=after)
    run_benchmark(Random, benchmark, tmp_path, "mine", repetitions=after, overwrite=True)
    (tracker,) = evaluate(benchmark, tmp_path).trackers.values()
    assert tracker.repetitions == after
