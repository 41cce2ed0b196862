"""VOT2020 and later: anchor-based runs without restarts (docs/evaluation.md, The others).

Kristan et al., "The Eighth Visual Object Tracking VOT2020 Challenge Results" (ECCVW 2020), section 2.1. From every
anchor the tracker runs once to the end of the sequence, or backwards to its start. A run's file is
`baseline/<video>/<video>_<anchor>.txt`.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.sequence import Benchmark, Sequence
from toolkit.errors import ResultError
from toolkit.evaluation.base import SCORERS, Scored, Scorer, read_all
from toolkit.evaluation.eao import ACCURACY, EAO, EAO_CURVE
from toolkit.evaluation.image_sizes import image_sizes
from toolkit.evaluation.metrics import Metric
from toolkit.evaluation.statistics import SequenceStatistic
from toolkit.protocols.multistart import anchors_of
from toolkit.regions import Region, Special, from_numbers, parse_region, region_overlap
from toolkit.results.layout import TrackerFiles
from toolkit.results.reader import find_results

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


def anchor_run(
    truth: AbstractSequence[Region | None], results: AbstractSequence[Region], size: tuple[int, int] | None
) -> AnchorRun:
    """Raster overlaps of a run inside the image; a code overlaps by 0, a frame without target is not `present`."""
    overlaps = np.zeros(len(truth))
    for i, (true, result) in enumerate(zip(truth, results, strict=True)):
        if true is not None and not isinstance(result, Special):
            value = region_overlap(true, result, size)
            overlaps[i] = 0.0 if np.isnan(value) else value
    return AnchorRun(overlaps, np.array([true is not None for true in truth]))


def true_regions(sequence: Sequence) -> list[Region | None]:
    """The target in every frame: mask where the benchmark has masks, else polygon or box; None where it is absent."""
    if sequence.masks is not None:
        return [mask if mask.bits.any() else None for mask in sequence.masks]
    return [None if np.isnan(row).any() else from_numbers(row) for row in sequence.ground_truth]


def read_regions(files: TrackerFiles, path: str, n_frames: int) -> list[Region]:
    """Every line of a result file as a region. Raises `ResultError` naming the file and line."""
    where = files.where(path)
    try:
        lines = files.read(path).decode("ascii").splitlines()
    except UnicodeDecodeError:
        raise ResultError(f"{where}: not a text file. Delete it and run this sequence again.") from None
    while lines and not lines[-1].strip():
        lines.pop()
    if len(lines) != n_frames:
        raise ResultError(f"{where}: {len(lines)} lines for a run of {n_frames} frames. Run this sequence again.")
    regions = []
    for number, line in enumerate(lines, start=1):
        try:
            regions.append(parse_region(line))
        except ValueError as error:
            raise ResultError(f"{where}: line {number}: {error}") from None
    return regions


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


@SCORERS.register("multistart")
class MultistartScorer(Scorer):
    """Accuracy, robustness and EAO of anchor-based runs, on masks or boxes."""

    metrics = (ACCURACY, Metric("robustness", "Robustness", label="Robustness (share of frames tracked)"), EAO)
    headline = "eao"
    per_sequence = ("accuracy", "robustness")
    curves = (EAO_CURVE,)
    figures = ("accuracy_robustness",)
    rules = f"VOT multi-start: no restarts, EAO over lengths {EAO_LOW} to {EAO_HIGH}"
    axes: Mapping[str, NDArray[np.float64]] = {"eao": np.arange(1, EAO_HIGH + 1, dtype=np.float64)}
    windows: Mapping[str, tuple[float, float]] = {"eao": (EAO_LOW, EAO_HIGH)}

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        truths, anchors = map(true_regions, self.sequences), map(anchors_of, self.sequences)
        sizes = image_sizes(self.sequences)
        names = benchmark.names()
        self.truth = dict(zip(names, zip(truths, anchors, sizes, strict=True), strict=True))

    def measure(self, files: TrackerFiles) -> Scored:
        sums = read_all(files, self.sequences, lambda sequence: self._sums(files, sequence))
        curves = np.stack([one.curve for one in sums])[:, 1:]
        active = np.stack([one.active for one in sums])[:, 1:]
        return Scored(multistart_statistics(sums), curves={"eao": SequenceStatistic(curves * active, active).curve()})

    def _sums(self, files: TrackerFiles, sequence: Sequence) -> SequenceSums:
        truth, anchors, size = self.truth[sequence.name]
        runs = []
        for anchor, forward in anchors:
            shown = truth[anchor:] if forward else truth[anchor::-1]
            path = find_results(files, f"{sequence.name}_{anchor:08d}", "baseline")[0]
            runs.append(anchor_run(shown, read_regions(files, path, len(shown)), size))
        return sum_runs(runs, len(sequence.ground_truth))
