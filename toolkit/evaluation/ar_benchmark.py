"""PySOT's benchmark of accuracy and robustness at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.benchmarks import AccuracyRobustnessBenchmark

__all__ = ["AccuracyRobustnessBenchmark"]
