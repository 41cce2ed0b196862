from __future__ import annotations

import math
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from toolkit import Benchmark, Sequence, evaluate, load_benchmark
from toolkit.errors import ResultError, ToolkitError
from toolkit.evaluation import EvaluationReport, Interval, TrackerScores
from toolkit.evaluation.base import SCORERS
from toolkit.report.figures import STYLES, require_matplotlib, write_figures
from toolkit.report.figures.canvas import MOST_TRACKERS, drawing, figure_of, look_of
from toolkit.report.figures.plots import (
    accuracy_robustness_figure,
    curve_figure,
    f_figure,
    precision_recall_figure,
    ranking_figure,
)
from toolkit.results.writer import format_boxes

matplotlib = pytest.importorskip("matplotlib")
PAPER = STYLES["paper"]
AXES = {
    "success": np.linspace(0, 1, 21),
    "precision": np.arange(51.0),
    "norm_precision": np.arange(51) / 100,
    "eao": np.arange(1.0, 401),
}


def tracker(name: str, protocol: str, value: float) -> TrackerScores:
    """Every score is `value` and every curve falls from 1 to it, or rises to it."""
    scores = {metric.key: value for metric in SCORERS[protocol].metrics}
    fall = 0.0 if math.isnan(value) else value
    curves = {curve.key: np.linspace(1, fall, len(AXES[curve.key])) for curve in SCORERS[protocol].curves}
    if protocol == "longterm":
        precision, recall = np.linspace(1, fall, 100), np.linspace(0, fall, 100)
        curves = {"precision": precision, "recall": recall, "f1": 2 * precision * recall / (precision + recall)}
    ci = {key: Interval(0.9 * value, 1.1 * value) for key in scores}
    return TrackerScores(
        name,
        scores,
        {},
        {"Out of view": scores},
        curves,
        {"Out of view": curves} if SCORERS[protocol].curves else {},
        ci=ci,
    )


def report_of(protocol: str, values: dict[str, float]) -> EvaluationReport:
    return EvaluationReport(
        "MINE",
        protocol,
        "rules",
        {name: tracker(name, protocol, value) for name, value in values.items()},
        {},
        ("a", "b"),
        axes={curve.key: AXES[curve.key] for curve in SCORERS[protocol].curves},
        windows={"eao": (100, 356)} if protocol in ("supervised", "multistart") else {},
        attributes={"Out of view": ("a",)},
    )


def many(n: int, protocol: str = "ope", name: str = "tracker_{0}") -> EvaluationReport:
    return report_of(protocol, {name.format(k): 0.9 - 0.01 * k for k in range(n)})


@pytest.fixture
def paper() -> Iterator[None]:
    with drawing(PAPER):
        yield


def legend_of(figure: object) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("ope", "success success_OOV precision precision_OOV norm_precision norm_precision_OOV success_ranking"),
        (
            "trackingnet",
            "success success_OOV precision precision_OOV norm_precision norm_precision_OOV success_ranking",
        ),
        ("got10k", "success success_OOV ao_ranking"),
        ("supervised", "eao eao_OOV eao_ranking accuracy_robustness"),
        ("multistart", "eao eao_OOV eao_ranking accuracy_robustness"),
        ("longterm", "f1_ranking precision_recall f1"),
    ],
)
def test_figures_of_every_protocol(protocol: str, expected: str, tmp_path: Path) -> None:
    written = write_figures(report_of(protocol, {"one": 0.6, "two": 0.4}), tmp_path / "new", ["png"])
    assert [path.name for path in written] == [
        f"MINE_{name}.png" for name in expected.replace("OOV", "Out_of_view").split()
    ]
    for path in written:
        image = cv2.imread(str(path))
        assert image.shape[1] == PAPER.width * PAPER.dpi
        assert 0.005 < (image < 128).any(axis=2).mean() < 0.3, "ink on white paper"


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    report = report_of("supervised", {"one": 0.6, "two": 0.4})
    first = write_figures(report, tmp_path / "a")
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 30, "axes.facecolor": "red"}):
        second = write_figures(report, tmp_path / "b")
        assert matplotlib.rcParams["font.size"] == 30, "what the user has set is back afterwards"
    assert {path.suffix for path in first} == {".svg", ".png"}
    for a, b in zip(first, second, strict=True):
        assert a.read_bytes() == b.read_bytes(), a.name
        if a.suffix == ".svg":
            assert ElementTree.fromstring(a.read_bytes()).tag.endswith("svg")


def test_slides_have_their_size(tmp_path: Path) -> None:
    for path in write_figures(report_of("longterm", {"one": 0.5}), tmp_path, ["png"], style="slides"):
        assert cv2.imread(str(path)).shape[:2] == (1125, 2000)


@pytest.mark.usefixtures("paper")
def test_legend_is_sorted_by_the_score_of_this_figure() -> None:
    report = report_of("ope", {"one": 0.6, "none": np.nan, "two": 0.7})
    success, precision, _ = SCORERS["ope"].curves
    figure = curve_figure(report, PAPER, success)
    assert legend_of(figure) == ["[0.700] two", "[0.600] one", "[–] none"]
    assert figure.legends[0].get_title().get_text() == "Area under the curve"
    (axes,) = figure.axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), report["two"].curves["success"])
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), AXES["success"])
    attribute = curve_figure(report, PAPER, precision, "Out of view").axes[0]
    assert attribute.get_title() == "MINE: precision\nOut of view (1 sequence)"
    assert 20 in attribute.lines[-1].get_xdata(), "the line where the score is read"


@pytest.mark.usefixtures("paper")
def test_a_tracker_looks_the_same_in_every_figure() -> None:
    report = report_of("supervised", {"one": 0.6, "two": 0.5})
    figures = [curve_figure(report, PAPER, SCORERS["supervised"].curves[0]), accuracy_robustness_figure(report, PAPER)]
    for figure in figures:
        assert [line.get_color() for line in figure.axes[0].lines[:2]] == [look_of(0).color, look_of(1).color]
    looks = {(look.color, look.dash) for look in map(look_of, range(MOST_TRACKERS))}
    assert len(looks) == MOST_TRACKERS


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "name", ["SiamRPN_{0}", "siamrpn_r50_l234_dwxcorr_e{0}_pk-0.05_wi-0.42_lr-0.38", "$x^{0}$" * 40]
)
def test_thirty_names_fit(style: str, name: str) -> None:
    report = many(MOST_TRACKERS + 15, name=name)
    with drawing(STYLES[style]):
        curves = curve_figure(report, STYLES[style], SCORERS["ope"].curves[0])
        for figure in (curves, ranking_figure(report, STYLES[style])):
            (axes,) = figure.axes
            figure.draw_without_rendering()
            page = figure.bbox
            inside = [*figure.legends, axes.title, *axes.get_yticklabels()]
            for artist in inside:
                box = artist.get_window_extent()
                assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1, artist
            plot = axes.get_window_extent()
            assert plot.width > 0.3 * page.width
            assert all(not plot.overlaps(legend.get_window_extent()) for legend in figure.legends)
            assert axes.get_title().endswith("best 30 of 45 trackers")
        assert len(curves.axes[0].lines) == MOST_TRACKERS


@pytest.mark.usefixtures("paper")
def test_eao_curve_shows_its_window() -> None:
    figure = curve_figure(report_of("supervised", {"one": 0.6}), PAPER, SCORERS["supervised"].curves[0])
    assert figure.legends[0].get_title().get_text() == "Expected average overlap (100 to 356 frames)"
    (window,) = figure.axes[0].patches
    assert (window.get_x(), window.get_width()) == (100, 256)
    undefined = report_of("supervised", {"one": 0.6, "none": np.nan})
    undefined["none"].curves["eao"][:] = np.nan
    curve_figure(undefined, PAPER, SCORERS["supervised"].curves[0])


@pytest.mark.usefixtures("paper")
def test_ranking_has_numbers_and_intervals() -> None:
    axes = ranking_figure(report_of("supervised", {"low": 0.2, "high": 0.4}), PAPER).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["high", "low"]
    assert [text.get_text() for text in axes.texts] == ["0.400", "0.200"]
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [0.36, 0.44])
    assert axes.yaxis_inverted(), "the best is at the top"


@pytest.mark.usefixtures("paper")
def test_robustness_axis() -> None:
    restarts = accuracy_robustness_figure(report_of("supervised", {"one": 0.5}), PAPER).axes[0]
    # 0.5 failures in 100 frames are 0.15 in 30.
    np.testing.assert_allclose(restarts.lines[0].get_xydata(), [[math.exp(-0.15), 0.5]])
    anchors = accuracy_robustness_figure(report_of("multistart", {"one": 0.5}), PAPER).axes[0]
    np.testing.assert_allclose(anchors.lines[0].get_xydata(), [[0.5, 0.5]])


@pytest.mark.usefixtures("paper")
def test_longterm_marks_the_best_f() -> None:
    report = report_of("longterm", {"one": 0.8})
    curves = report["one"].curves
    best = int(curves["f1"].argmax())
    line = precision_recall_figure(report, PAPER).axes[0].lines[0]
    assert line.get_markevery() == [best]
    np.testing.assert_array_equal(line.get_xydata(), np.stack([curves["recall"], curves["precision"]], axis=1))
    figure = f_figure(report, PAPER)
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), curves["f1"])
    assert figure_of(figure.axes[0]) is figure


def test_attribute_curves_sum_up_to_the_attribute_scores(tmp_path: Path) -> None:
    truth = np.array([[10.0, 10, 20, 20]] * 30)
    sequences = tuple(Sequence(name, truth, attributes=(name,)) for name in ("OCC", "FM"))
    for name, shift in (("OCC", 8), ("FM", 0)):
        path = tmp_path / "MINE" / "t" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(format_boxes(truth + np.array([shift, 0, 0, 0])))
    scores = evaluate(Benchmark("MINE", "ope", sequences), tmp_path)["t"]
    assert scores.attribute_curves["FM"]["success"].mean() == pytest.approx(20 / 21)
    for attribute, curves in scores.attribute_curves.items():
        assert curves["success"].mean() == pytest.approx(scores.attributes[attribute]["success"])
        assert curves["precision"][20] == pytest.approx(scores.attributes[attribute]["precision"])


def test_real_eao_curves_average_to_the_eao(shared: Path) -> None:
    data = shared / "data"
    report = evaluate(
        load_benchmark("VOT2018", data / "annotations"), {"DaSiamRPN": data / "results/VOT2018/DaSiamRPN"}
    )
    scores = report["DaSiamRPN"]
    low, high = report.windows["eao"]
    window = slice(int(low) - 1, int(high))
    assert (low, high) == (100, 356)
    assert np.nanmean(scores.curves["eao"][window]) == pytest.approx(scores.scores["eao"])
    for tag, curves in scores.attribute_curves.items():
        assert np.nanmean(curves["eao"][window]) == pytest.approx(scores.attributes[tag]["eao"])


def test_nothing_is_drawn_of_what_no_frame_carries(shared: Path, tmp_path: Path) -> None:
    data = shared / "data"
    whole = load_benchmark("VOT2018", data / "annotations")
    part = Benchmark(whole.name, whole.protocol, (whole["bag"], whole["ball1"]))
    report = evaluate(part, {"DaSiamRPN": data / "results/VOT2018/DaSiamRPN"})
    assert set(report.attributes) == {"camera_motion", "illum_change", "motion_change", "size_change", "empty"}
    report.attributes["occlusion"] = ()  # another benchmark's report may name one that no sequence has
    unknown = {"eao": np.full_like(report["DaSiamRPN"].curves["eao"], np.nan)}
    report["DaSiamRPN"].attribute_curves["occlusion"] = unknown
    names = {path.name for path in write_figures(report, tmp_path, ["svg"])}
    assert "VOT2018_eao_motion_change.svg" in names
    assert "VOT2018_eao_occlusion.svg" not in names


def test_a_curve_that_is_not_known_is_left_out() -> None:
    report = report_of("ope", {"known": 0.6, "unknown": 0.4})
    report["unknown"].curves["success"][:] = np.nan
    with drawing(PAPER):
        figure = curve_figure(report, PAPER, SCORERS["ope"].curves[0])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["[0.600] known"]


def test_a_figure_that_fails_is_named_and_the_others_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise IndexError("out of bounds")

    monkeypatch.setattr("toolkit.report.figures.write.ranking_figure", broken)
    with pytest.raises(ToolkitError, match=r"1 figures could not .*MINE_success_ranking \(IndexError: out of bounds\)"):
        write_figures(many(2), tmp_path, ["svg"])
    assert (tmp_path / "MINE_success.svg").is_file()
    assert not (tmp_path / "MINE_success_ranking.svg").exists()


def test_no_trackers_no_figures(tmp_path: Path) -> None:
    assert write_figures(report_of("ope", {}), tmp_path / "none") == []


def test_unwritable_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultError, match="cannot write"):
        write_figures(many(1), tmp_path / "file")


def test_matplotlib_is_optional(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, repo: Path) -> None:
    code = "import sys, toolkit.report.figures; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=repo, check=False).returncode == 0
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for call in (require_matplotlib, lambda: write_figures(many(1), tmp_path)):
        with pytest.raises(ToolkitError, match=r"pip install matplotlib"):
            call()
