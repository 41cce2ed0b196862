"""PySOT's benchmark of expected average overlap at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.benchmarks import EAOBenchmark

__all__ = ["EAOBenchmark"]
