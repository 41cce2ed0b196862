"""`tools/zoo.py score`: what it measures, keeps, goes on with and writes."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest

from pysot.cli.main import main
from pysot.cli.zoo import score as zoo_score
from pysot.cli.zoo.score import config_hash, seed_key
from pysot.config.loading import load_config
from pysot.zoo.catalog import CATALOG
from toolkit.datasets import Sequence, load_benchmark
from toolkit.protocols.ope import OpeRun
from toolkit.protocols.tracker import TrackerLike
from toolkit.regions.boxes import bounding_boxes
from toolkit.report.scoreboard import REAL_TARGETS, read_board

TWO = ["--benchmarks", "SYNTH", "--sequences", "rotation_1", "occlusion_1"]


load_once = functools.cache(load_benchmark)


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYSOT_ZOO", str(tmp_path / "zoo"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PYSOT_DATA", raising=False)
    monkeypatch.setattr(zoo_score, "load_benchmark", load_once)
    return tmp_path


def kept(places: Path) -> dict[str, float]:
    """When each kept run was written."""
    return {path.name: path.stat().st_mtime_ns for path in (places / "cache").rglob("*.json")}


def test_two_sequences_score_what_the_catalog_says(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = places / "scores.json"
    command = ["zoo", "score", "siamrpn_tiny", *TWO, "--out", str(out)]
    assert main(command) == 0
    assert "siamrpn_tiny" in capsys.readouterr().out
    entry, row = read_board(out)["siamrpn_tiny"], CATALOG["siamrpn_tiny"]
    assert (entry.snapshot, entry.size, entry.threads) == (row.sha256, row.size, 1)
    assert entry.parameters == 971_000 or 960_000 < entry.parameters < 980_000
    for sequence, success in row.checks.items():
        score = entry.results["SYNTH"][sequence]
        assert len(score.success) == len(score.seconds) == 1  # it draws nothing at random
        assert score.success[0] == pytest.approx(success, abs=0.02) and 0 < score.precision[0] <= 1
    before = kept(places)
    assert set(before) == {"rotation_1-0.json", "occlusion_1-0.json"}
    assert main(command) == 0  # nothing is run again
    assert kept(places) == before and read_board(out)["siamrpn_tiny"].results == entry.results


def test_only_what_is_missing_is_run(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def perfect(tracker: TrackerLike, scene: Sequence) -> OpeRun:
        ran.append(scene.name)
        boxes = bounding_boxes(scene.ground_truth)
        return OpeRun(boxes, np.ones(len(boxes)), np.full(len(boxes), 0.01))

    monkeypatch.setattr(zoo_score, "run_ope", perfect)
    command = ["zoo", "score", "siamrpn_tiny", "--benchmarks", "SYNTH", "--out", str(places / "a.json"), "--no-speed"]
    assert main([*command, "--sequences", "rotation_1"]) == 0
    path = next((places / "cache").rglob("rotation_1-0.json"))
    assert read_board(places / "a.json")["siamrpn_tiny"].results["SYNTH"]["rotation_1"].seconds == ()
    assert main([*command, "--sequences", "rotation_1"]) == 0
    assert ran == ["rotation_1"]
    assert main([*command[:-1], "--sequences", "rotation_1"]) == 0  # now the speed is wanted
    assert read_board(places / "a.json")["siamrpn_tiny"].results["SYNTH"]["rotation_1"].seconds
    assert ran == ["rotation_1"] * 2
    path.write_text(path.read_text()[:20])  # a run that was kept by half
    assert main([*command, "--sequences", "rotation_1"]) == 0
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "success": 0.125}))
    assert main([*command, "--sequences", "rotation_1"]) == 0
    assert read_board(places / "a.json")["siamrpn_tiny"].results["SYNTH"]["rotation_1"].success == (0.125,)
    assert main([*command, "--sequences", "rotation_1", "--fresh"]) == 0
    assert len(ran) == 4


def test_a_real_target(shared: Path, places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = str(shared / "data"), places / "scores.json"
    arguments = ["zoo", "score", "siamrpn_tiny", "--data", data, "--sequences", "Deer", "--out", str(out), "--no-speed"]
    assert main(arguments) == 0
    results = read_board(out)["siamrpn_tiny"].results
    assert {name: list(scores) for name, scores in results.items()} == {"OTB100": ["Deer"]}
    assert results["OTB100"]["Deer"].frames == 70 and results["OTB100"]["Deer"].success[0] > 0.3


def test_all_nine_targets_are_found(shared: Path, places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSOT_DATA", str(shared / "data"))
    measured: list[dict[str, list[str]]] = []

    def measure(bench: object, benchmarks: list[object]) -> object:
        measured.append({b.name: b.names() for b in benchmarks})  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    monkeypatch.setattr(zoo_score._Bench, "measure", measure)
    assert main(["zoo", "score", "siamrpn_tiny", "--out", str(places / "a.json")]) == 130
    assert {name: tuple(names) for name, names in measured[0].items() if name != "SYNTH"} == dict(REAL_TARGETS)
    assert len(measured[0]["SYNTH"]) == 27


def test_only_what_tracking_depends_on_makes_another_config() -> None:
    def key(*opts: str) -> str:
        return config_hash(load_config("siamrpn_tiny", list(opts)))

    assert key() == key("TRAIN.BASE_LR", "0.5", "DATASET.NEG", "0.3")
    assert len({key(), key("TRACK.LR", "0.1"), key("ANCHOR.STRIDE", "8")}) == 3


def test_seeds_are_where_trackers_read_them() -> None:
    keys = {name: seed_key(load_config(name)) for name in ("siamrpn_tiny", "nanotrack_v2", "atom_r18", "lmt_vggm_otb")}
    assert keys == {
        "siamrpn_tiny": None,
        "nanotrack_v2": None,
        "atom_r18": "TRACK.ONLINE.SEED",
        "lmt_vggm_otb": "TRACK.LMT.SEED",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["siamrpn_tiny", "--sequences", "Deer"], "say with --out FILE"),
        (["siamrpn_tiny", "--seeds", "0", "--out", "a.json"], "--seeds is 0"),
        (["resnet18", "--out", "a.json"], "is no tracker by itself"),
        (["dimp50", "--out", "a.json"], "was not found"),
        (["siamrpn_tinny", "--out", "a.json"], "Did you mean 'siamrpn_tiny'?"),
    ],
)
def test_what_cannot_be_measured_is_said(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["zoo", "score", *arguments]) == 2
    assert message in capsys.readouterr().err
