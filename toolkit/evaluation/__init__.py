"""Scores of every protocol, computed from result files; `evaluate` is the way in."""

from toolkit.evaluation.bootstrap import Comparison, Interval
from toolkit.evaluation.evaluate import evaluate
from toolkit.evaluation.records import EvaluationReport, TrackerScores

__all__ = ["Comparison", "EvaluationReport", "Interval", "TrackerScores", "evaluate"]
