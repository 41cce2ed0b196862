"""Scores of every protocol, computed from result files; `evaluate` is the way in."""

from toolkit.evaluation.bootstrap import Comparison, Interval
from toolkit.evaluation.evaluate import evaluate
from toolkit.evaluation.records import EvaluationReport, TrackerScores
from toolkit.registry import import_modules

__all__ = ["Comparison", "EvaluationReport", "Interval", "TrackerScores", "evaluate"]

import_modules(__name__, __path__)
