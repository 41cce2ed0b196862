"""PySOT's one-pass benchmark at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.benchmarks import OPEBenchmark

__all__ = ["OPEBenchmark"]
