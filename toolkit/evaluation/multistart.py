"""VOT2020 and later: anchor-based runs without restarts (specs/evaluation.md section 6).

Kristan et al., "The Eighth Visual Object Tracking VOT2020 Challenge Results" (ECCVW 2020), section 2.1. From every
anchor the tracker runs once to the end of the sequence, or backwards to its start.
"""

from __future__ import annotations

from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolkit.evaluation.statistics import SequenceStatistic

FAILURE_OVERLAP = 0.1
GRACE = 10
"""Consecutive frames at or below `FAILURE_OVERLAP` that make a failure; it is dated to the first of them."""
EAO_LOW, EAO_HIGH = 115, 755
"""Lengths (frames) the EAO averages over."""


@dataclass(frozen=True)
class AnchorRun:
    """One run: (N,) overlaps from the anchor on, and (N,) whether the target is in view (failures need a target)."""

    overlaps: NDArray[np.float64]
    present: NDArray[np.bool_]

    def progress(self) -> int:
        """Frames until the failure; all of them when there is none."""
        failing = (self.overlaps <= FAILURE_OVERLAP) & self.present
        if len(failing) < GRACE:
            return len(failing)
        streak = np.convolve(failing, np.ones(GRACE, dtype=np.int64), mode="valid")
        first = np.flatnonzero(streak == GRACE)
        return int(first[0]) if len(first) else len(failing)


@dataclass(frozen=True)
class SequenceSums:
    """What one sequence contributes: sums over its runs, and its EAO curve over lengths 0 ... `EAO_HIGH`."""

    overlap: float
    progress: int
    run_frames: int
    length: int
    curve: NDArray[np.float64]
    active: NDArray[np.float64]


def sum_runs(runs: AbstractSequence[AnchorRun], length: int) -> SequenceSums:
    """Sums of all runs of one sequence of `length` frames."""
    overlap, progress = 0.0, 0
    total, active = np.zeros(EAO_HIGH + 1), np.zeros(EAO_HIGH + 1)
    for run in runs:
        reached = run.progress()
        overlap += float(run.overlaps[:reached].sum())
        progress += reached
        means, known = _expected_overlap(run.overlaps, reached)
        total += means
        active += known
    run_frames = sum(len(run.overlaps) for run in runs)
    curve = np.divide(total, active, out=np.zeros_like(total), where=active > 0)
    return SequenceSums(overlap, progress, run_frames, length, curve, active)


def multistart_statistics(sums: AbstractSequence[SequenceSums]) -> dict[str, SequenceStatistic]:
    """Accuracy weighted by tracked frames, robustness by sequence length, EAO by the runs that reach each length."""
    progress = np.array([[one.progress] for one in sums], dtype=np.float64)
    lengths = np.array([[one.length] for one in sums], dtype=np.float64)
    share = np.array([[one.progress / max(1, one.run_frames)] for one in sums])
    curves, active = np.stack([one.curve for one in sums]), np.stack([one.active for one in sums])
    window = slice(EAO_LOW, EAO_HIGH + 1)
    return {
        "accuracy": SequenceStatistic(np.array([[one.overlap] for one in sums]), progress),
        "robustness": SequenceStatistic(share * lengths, lengths),
        "eao": SequenceStatistic((curves * active)[:, window], active[:, window]),
    }


def _expected_overlap(overlaps: NDArray[np.float64], progress: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean overlap of frames 1 ... j for every length j, and 1 where it is known: always after a failure."""
    length = len(overlaps)
    alive = np.where(np.arange(length) < progress, overlaps, 0.0)
    total = np.zeros(EAO_HIGH + 1)
    tracked = np.cumsum(alive[1 : EAO_HIGH + 1])
    total[1 : len(tracked) + 1] = tracked
    steps = np.arange(EAO_HIGH + 1, dtype=np.float64)
    known = np.zeros(EAO_HIGH + 1)
    known[1 : min(length, EAO_HIGH + 1)] = 1.0
    divisor = steps.copy()
    if progress < length:
        total[length:] = alive[1:].sum()
        known[max(length, 2) :] = 1.0
        divisor[length:] = steps[length:] - 1
    return np.divide(total, divisor, out=np.zeros_like(total), where=known > 0) * known, known
