"""The tables of an evaluation: one row per tracker, per sequence, and per attribute."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from toolkit.evaluation.base import SCORERS
from toolkit.evaluation.bootstrap import RESAMPLES
from toolkit.evaluation.metrics import Metric
from toolkit.evaluation.records import EvaluationReport, TrackerScores
from toolkit.report.formats import Table

CONSOLE_LIMIT = 20
"""Trackers in the console's table; files hold all."""
WARNINGS_SHOWN = 5
"""Warnings of one tracker below a table; the JSON holds all."""


def overview(report: EvaluationReport, limit: int | None = None, intervals: bool = True) -> Table:
    """One row per tracker, best first; below it what was assumed and which trackers were left out.

    Numbers carry their deviation over repetitions after a `±`, and their 95 % interval in brackets when it was computed
    and `intervals` is set.
    """
    metrics = SCORERS[report.protocol].metrics
    trackers = list(report.trackers.values())
    shown = trackers if limit is None else trackers[:limit]
    rows = tuple((one.name, *(_cell(one, metric, intervals) for metric in metrics)) for one in shown)
    return Table(
        title=f"{report.benchmark}, {len(report.sequences)} sequences ({report.rules})",
        header=("Tracker name", *(metric.title for metric in metrics)),
        rows=rows,
        notes=_notes(report, len(trackers) - len(shown)),
        best=_best(shown, metrics),
    )


def by_sequence(report: EvaluationReport) -> Table:
    """One row per sequence, one or two numbers for each tracker."""
    scorer = SCORERS[report.protocol]
    metrics = [metric for metric in scorer.metrics if metric.key in scorer.per_sequence]
    trackers = report.trackers.values()
    header = ("Sequence", *(f"{one.name} {metric.title}" for one in trackers for metric in metrics))
    rows = tuple(
        (name, *(_number(one.sequences[name][metric.key], metric) for one in trackers for metric in metrics))
        for name in report.sequences
    )
    return Table(f"{report.benchmark} by sequence", header, rows)


def by_attribute(report: EvaluationReport) -> Table:
    """One row per tracker, its headline number on the sequences (VOT: frames) with each attribute."""
    scorer = SCORERS[report.protocol]
    metric = scorer.metric(scorer.headline)
    names = list(report.attributes)
    header = ("Tracker name", *(f"{name} ({len(report.attributes[name])})" for name in names))
    trackers = list(report.trackers.values())
    rows = tuple((one.name, *(_number(one.attributes[name][metric.key], metric) for name in names)) for one in trackers)
    return Table(f"{report.benchmark}: {metric.title} by attribute (number of sequences)", header, rows)


def comparison(report: EvaluationReport, a: str, b: str) -> Table:
    """Paired bootstrap of tracker `a` against `b`, one row per score. Raises `ResultError` for an unknown name."""
    rows = []
    for metric in SCORERS[report.protocol].metrics:
        result = report.compare(a, b, metric.key)
        interval = f"[{_number(result.interval.low, metric)}, {_number(result.interval.high, metric)}]"
        rows.append((metric.title, _number(result.difference, metric), interval, f"{result.p_value:.4f}"))
    header = ("Score", "Difference", "95 % interval", "p")
    notes = (f"{RESAMPLES} resamples of the {len(report.sequences)} sequences, the same for both; p is two-sided.",)
    return Table(f"{report.benchmark}: {a} minus {b}", header, tuple(rows), notes)


def tidy(report: EvaluationReport) -> Table:
    """For programs: a row for every tracker and sequence in full precision, `ALL` being the benchmark."""
    keys = [metric.key for metric in SCORERS[report.protocol].metrics]
    rows = []
    for one in report.trackers.values():
        for name, scores in {"ALL": one.scores, **one.sequences}.items():
            numbers = (repr(float(scores[key])) if math.isfinite(scores[key]) else "" for key in keys)
            rows.append((report.benchmark, one.name, name, *numbers))
    return Table(report.benchmark, ("benchmark", "tracker", "sequence", *keys), tuple(rows))


def to_json(report: EvaluationReport) -> str:
    """The report as JSON text; scores in full precision, undefined ones null."""
    return json.dumps(report.as_dict(), indent=1, allow_nan=False) + "\n"


def _cell(tracker: TrackerScores, metric: Metric, intervals: bool) -> str:
    text = _number(tracker.scores[metric.key], metric)
    if metric.key in tracker.deviation:
        text += f" ± {_number(tracker.deviation[metric.key], metric)}"
    if intervals and metric.key in tracker.ci:
        interval = tracker.ci[metric.key]
        text += f" [{_number(interval.low, metric)}, {_number(interval.high, metric)}]"
    return text


def _number(value: float, metric: Metric) -> str:
    return f"{value:.{metric.decimals}f}" if math.isfinite(value) else "-"


def _best(trackers: Sequence[TrackerScores], metrics: Sequence[Metric]) -> frozenset[tuple[int, int]]:
    if len(trackers) < 2:
        return frozenset()
    best = set()
    for column, metric in enumerate(metrics, start=1):
        values = [one.scores[metric.key] for one in trackers]
        known = [value for value in values if math.isfinite(value)]
        if known:
            target = max(known) if metric.higher_is_better else min(known)
            best |= {(row, column) for row, value in enumerate(values) if value == target}
    return frozenset(best)


def _notes(report: EvaluationReport, hidden: int) -> tuple[str, ...]:
    notes = [f"{hidden} more trackers are in the files only."] if hidden else []
    for one in report.trackers.values():
        notes += [f"{one.name}: {warning}" for warning in one.warnings[:WARNINGS_SHOWN]]
        if len(one.warnings) > WARNINGS_SHOWN:
            notes.append(f"{one.name}: {len(one.warnings) - WARNINGS_SHOWN} more such files; the JSON lists all.")
    notes += [f"Left out: {name}: {reason}" for name, reason in report.left_out.items()]
    if report.missing:
        total = len(report.missing) + len(report.sequences)
        notes.append(f"{len(report.missing)} of {total} sequences of {report.benchmark} were not found and not scored.")
    return tuple(notes)
