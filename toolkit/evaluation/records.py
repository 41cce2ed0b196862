"""What scoring hands back: typed records that tables, JSON and figures are made from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import ResultError
from toolkit.evaluation.bootstrap import RESAMPLES, Comparison, Interval, compare
from toolkit.evaluation.statistics import SequenceStatistic


@dataclass(frozen=True)
class TrackerScores:
    """The scores of one tracker on one benchmark.

    Attributes:
        name: the tracker.
        scores: headline numbers, in the order of the protocol's table.
        sequences: the same, for each sequence (those that are defined for one sequence).
        attributes: for each attribute of the benchmark, the headline numbers on what carries it.
        curves: dataset curves by name; their abscissae are in `EvaluationReport.axes`.
        attribute_curves: for each attribute, the same curves on what carries it; empty where a protocol has none.
        statistics: what each headline number was computed from; the input of the bootstrap.
        deviation: standard deviation (n - 1) of each headline number over the repetitions; empty with one repetition.
        repetitions: how many runs the scores are the mean of.
        ci: 95 % confidence intervals over sequences; empty unless asked for.
        warnings: what had to be assumed about the files, in words.
    """

    name: str
    scores: Mapping[str, float]
    sequences: Mapping[str, Mapping[str, float]]
    attributes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    curves: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    attribute_curves: Mapping[str, Mapping[str, NDArray[np.float64]]] = field(default_factory=dict)
    statistics: Mapping[str, SequenceStatistic] = field(default_factory=dict, repr=False)
    deviation: Mapping[str, float] = field(default_factory=dict)
    repetitions: int = 1
    ci: Mapping[str, Interval] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class EvaluationReport:
    """All trackers on one benchmark, best first.

    Attributes:
        benchmark: canonical name.
        protocol: `ope`, `supervised`, `longterm`, `got10k`, `trackingnet`, `multistart` or `vot-toolkit`.
        rules: which variant of the protocol's rules was applied, in words.
        trackers: scores by tracker name, sorted by the protocol's headline number.
        left_out: tracker name -> why it could not be scored.
        sequences: names of the sequences scored.
        missing: names the benchmark lists that were not found and hence not scored.
        axes: abscissae of the curves by curve name.
        windows: (first, last) abscissa between which a curve is averaged to its score, where that is not all of it.
        attributes: attribute -> the sequences that carry it (per-frame tags: that have a frame with it).
    """

    benchmark: str
    protocol: str
    rules: str
    trackers: Mapping[str, TrackerScores]
    left_out: Mapping[str, str]
    sequences: tuple[str, ...]
    missing: tuple[str, ...] = ()
    axes: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    windows: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __getitem__(self, tracker: str) -> TrackerScores:
        if tracker in self.trackers:
            return self.trackers[tracker]
        reason = self.left_out.get(tracker, f"not among the trackers scored: {', '.join(self.trackers) or 'none'}")
        raise ResultError(f"Tracker '{tracker}' has no scores on {self.benchmark}: {reason}")

    def compare(self, a: str, b: str, metric: str, resamples: int = RESAMPLES, seed: int = 0) -> Comparison:
        """Paired bootstrap over sequences of `metric` of tracker a minus that of tracker b."""
        return compare(self._statistic(a, metric), self._statistic(b, metric), resamples, seed)

    def _statistic(self, tracker: str, metric: str) -> SequenceStatistic:
        statistics = self[tracker].statistics
        if metric not in statistics:
            raise ResultError(f"'{metric}' is not scored on {self.benchmark}. Choose from: {', '.join(statistics)}.")
        return statistics[metric]

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionaries and lists for JSON; a score that is undefined is None."""
        return {
            "benchmark": self.benchmark,
            "protocol": self.protocol,
            "rules": self.rules,
            "trackers": {name: _tracker_dict(scores) for name, scores in self.trackers.items()},
            "left_out": dict(self.left_out),
            "missing_sequences": list(self.missing),
        }


def _tracker_dict(tracker: TrackerScores) -> dict[str, Any]:
    entry: dict[str, Any] = _finite(tracker.scores)
    if tracker.ci:
        entry["ci"] = {name: [_number(ci.low), _number(ci.high)] for name, ci in tracker.ci.items()}
    if tracker.repetitions > 1:
        entry["repetitions"] = tracker.repetitions
        entry["deviation"] = _finite(tracker.deviation)
    if tracker.attributes:
        entry["attributes"] = {name: _finite(scores) for name, scores in tracker.attributes.items()}
    entry["sequences"] = {name: _finite(scores) for name, scores in tracker.sequences.items()}
    if tracker.warnings:
        entry["warnings"] = list(tracker.warnings)
    return entry


def _finite(scores: Mapping[str, float]) -> dict[str, float | None]:
    return {name: _number(value) for name, value in scores.items()}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
