from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np

from toolkit.evaluation import EvaluationReport, Interval, TrackerScores
from toolkit.evaluation.base import SCORERS
from toolkit.report import by_attribute, by_sequence, overview, tidy, to_console, to_csv, to_json, to_latex, to_markdown
from toolkit.report.reproduce import reproduce, reproduction_table


def tracker(name: str, value: float, **extra: object) -> TrackerScores:
    scores = {metric.key: value for metric in SCORERS["ope"].metrics}
    return TrackerScores(name, scores, {"a_1": scores}, {"OCC": scores}, **extra)


def report() -> EvaluationReport:
    best = tracker(
        "fast_net", 0.75, ci={"success": Interval(0.5, 0.9)}, deviation={"success": 0.01}, warnings=("short",)
    )
    trackers = {"fast_net": best, "x|y": tracker("x|y", 0.25), "none": tracker("none", np.nan)}
    groups = {"OCC": ("a_1",)}
    return EvaluationReport(
        "OTB100", "ope", "rules", trackers, {"lost": "no files"}, ("a_1",), ("b",), attributes=groups
    )


def test_console() -> None:
    text = to_console(overview(report()))
    lines = text.splitlines()
    assert lines[0] == "OTB100, 1 sequences (rules)"
    titles = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert titles[:4] == ["Tracker name", "Success", "Norm Precision", "Precision"]
    assert "0.750 ± 0.010 [0.500, 0.900]" in lines[4]
    assert len({len(line) for line in lines[1:8]}) == 1
    assert "Left out: lost: no files" in text
    assert "fast_net: short" in text
    assert "1 of 2 sequences of OTB100 were not found" in text
    assert " - " in lines[6]


def test_console_limit() -> None:
    text = to_console(overview(report(), limit=1, intervals=False))
    assert "x|y" not in text
    assert "[" not in text
    assert "2 more trackers" in text


def test_markdown() -> None:
    text = to_markdown(overview(report()))
    assert "| fast_net | **0.750 ± 0.010 [0.500, 0.900]** | **0.750** |" in text
    assert "x\\|y" in text
    assert "- Left out: lost: no files" in text


def test_latex_needs_booktabs_only() -> None:
    text = to_latex(overview(report()))
    assert r"fast\_net & \textbf{0.750 $\pm$ 0.010 [0.500, 0.900]}" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == text.count(r"\end{tabular}") == 1
    assert "\\usepackage" not in text


def test_csv_is_tidy() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(tidy(report())))))
    assert [(row["tracker"], row["sequence"]) for row in rows[:2]] == [("fast_net", "ALL"), ("fast_net", "a_1")]
    assert float(rows[0]["success"]) == 0.75
    assert rows[-1]["success"] == ""


def test_json_has_no_nan() -> None:
    content = json.loads(to_json(report()))
    assert content["trackers"]["none"]["success"] is None
    assert content["trackers"]["fast_net"]["ci"]["success"] == [0.5, 0.9]
    assert content["left_out"] == {"lost": "no files"}


def test_sequence_and_attribute_tables() -> None:
    assert by_sequence(report()).header == (
        "Sequence",
        *(f"{name} {title}" for name in ("fast_net", "x|y", "none") for title in ("Success", "Precision")),
    )
    table = by_attribute(report())
    assert table.header == ("Tracker name", "OCC (1)")
    assert table.rows[0] == ("fast_net", "0.750")


def test_published_scores_are_reproduced(shared: Path) -> None:
    rows = reproduce(shared / "data" / "results", shared / "data" / "annotations")
    assert len(rows) == 22
    for row in rows:
        assert abs(row.difference) < 0.003, row
    text = to_markdown(reproduction_table(rows))
    assert "| OTB100 | MDNet | precision | 0.909 | 0.9089 |" in text
