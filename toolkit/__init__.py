"""Benchmarks for visual trackers: data sets, protocols, scores and reports. Needs no torch.

from toolkit import load_benchmark, evaluate

report = evaluate(load_benchmark("OTB100", "testing_dataset/OTB100"), "results")
print(report.trackers["siamrpn_r50"].scores["success"])
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.datasets import Benchmark, Sequence, load_benchmark
    from toolkit.errors import ToolkitError
    from toolkit.evaluation import EvaluationReport, TrackerScores, evaluate

_HOMES = {
    "Benchmark": "toolkit.datasets",
    "EvaluationReport": "toolkit.evaluation",
    "Sequence": "toolkit.datasets",
    "ToolkitError": "toolkit.errors",
    "TrackerScores": "toolkit.evaluation",
    "evaluate": "toolkit.evaluation",
    "load_benchmark": "toolkit.datasets",
}

__all__ = [
    "Benchmark",
    "EvaluationReport",
    "Sequence",
    "ToolkitError",
    "TrackerScores",
    "evaluate",
    "load_benchmark",
]


def __getattr__(name: str) -> Any:
    """Imports a public name on first use, so that `import toolkit` alone costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'toolkit' has no attribute '{name}'. It has: {', '.join(__all__)}.")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
