"""PySOT's long-term benchmark at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.benchmarks import F1Benchmark

__all__ = ["F1Benchmark"]
