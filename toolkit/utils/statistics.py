"""PySOT's functions of overlaps and failures at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from toolkit.compat.measures import (
    calculate_accuracy,
    calculate_expected_overlap,
    calculate_f1,
    calculate_failures,
    determine_thresholds,
    overlap_ratio,
    success_error,
    success_overlap,
)

__all__ = [
    "calculate_accuracy",
    "calculate_expected_overlap",
    "calculate_f1",
    "calculate_failures",
    "determine_thresholds",
    "overlap_ratio",
    "success_error",
    "success_overlap",
]
