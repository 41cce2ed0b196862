"""Scores of every protocol, computed from result files; `evaluate` is the way in."""

from typing import Any

from toolkit.evaluation.bootstrap import Comparison, Interval
from toolkit.evaluation.evaluate import evaluate
from toolkit.evaluation.records import EvaluationReport, TrackerScores
from toolkit.registry import import_modules

__all__ = ["Comparison", "EvaluationReport", "Interval", "TrackerScores", "evaluate"]

import_modules(__name__, __path__)

PYSOT_NAMES = (
    "OPEBenchmark",
    "AccuracyRobustnessBenchmark",
    "EAOBenchmark",
    "F1Benchmark",
)


def __getattr__(name: str) -> Any:
    """PySOT's names (docs/pysot_users.md), which nothing here needs: imported when a program asks for one."""
    if name in PYSOT_NAMES:
        from toolkit.compat import benchmarks

        return getattr(benchmarks, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
