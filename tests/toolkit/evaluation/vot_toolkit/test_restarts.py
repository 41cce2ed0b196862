from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.golden import recorded
from toolkit import Benchmark, Sequence, evaluate, load_benchmark
from toolkit.errors import ProtocolError

MADE = recorded("vot_toolkit.json")["experiment"]


def made_benchmark(size: tuple[int, int] | None = tuple(MADE["size"])) -> Benchmark:
    sequences = [Sequence(k, np.array(v["truth"]), image_size=size) for k, v in MADE["sequences"].items()]
    return Benchmark("made", "supervised", tuple(sequences))


def write_runs(folder: Path) -> Path:
    for name, content in MADE["sequences"].items():
        (folder / "baseline" / name).mkdir(parents=True)
        for k, lines in enumerate(content["runs"] * 5, start=1):
            (folder / "baseline" / name / f"{name}_{k:03d}.txt").write_text("\n".join(lines) + "\n")
    return folder


def test_a_made_experiment_scores_as_in_the_challenge_toolkit(tmp_path: Path) -> None:
    """Polygons and rectangles, other failures in each repetition, some in the last frames, one sequence of burn-in."""
    trackers = {"made": write_runs(tmp_path / "made")}
    scores = evaluate(made_benchmark(), trackers, rules="vot-toolkit")["made"]
    for key in ("accuracy", "failures", "robustness"):
        assert scores.scores[key] == pytest.approx(MADE[key], abs=1e-6), key
    curve = scores.curves["eao"][: len(MADE["curve"])]
    assert curve == pytest.approx(np.array(MADE["curve"]), abs=1e-6)
    assert np.isnan(scores.curves["eao"][len(MADE["curve"]) :]).all()  # no piece is longer
    assert scores.repetitions == 15 and scores.deviation["failures"] > 0
    other = evaluate(made_benchmark(), trackers)["made"]
    assert abs(other.scores["accuracy"] - MADE["accuracy"]) > 1e-3
    assert np.abs(other.curves["eao"][1:58] - MADE["curve"][1:58]).max() > 1e-3


PUBLISHED = recorded("vot_toolkit.json")["VOT2018"]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "LightTrack" else pytest.mark.slow) for name in PUBLISHED]
)
def test_published_runs_on_vot2018(shared: Path, name: str) -> None:
    benchmark = load_benchmark("VOT2018", shared / "data" / "annotations")
    folder = {name: shared / "data" / "results" / "VOT2018" / name}
    report = evaluate(benchmark, folder, rules="vot-toolkit")
    assert report.protocol == "vot-toolkit"
    for key, value in PUBLISHED[name].items():
        assert report[name].scores[key] == pytest.approx(value, abs=1e-6), key


def test_rules_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    boxes = Benchmark("mine", "ope", (Sequence("s", np.ones((3, 4)), image_size=(9, 9)),))
    with pytest.raises(ProtocolError, match="'vot-toolkit' are for runs under 'supervised'; mine is scored by 'ope'"):
        evaluate(boxes, tmp_path, rules="vot-toolkit")
    with pytest.raises(ProtocolError, match="image size of long, short, tiny is unknown"):
        evaluate(made_benchmark(None), {"made": tmp_path}, rules="vot-toolkit")
