"""Reads VOT2020-style result folders and scores them: `baseline/<video>/<video>_<anchor>.txt`, one run per anchor."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as AbstractSequence

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.sequence import Benchmark, Sequence
from toolkit.errors import ResultError
from toolkit.evaluation.multistart import (
    EAO_HIGH,
    EAO_LOW,
    AnchorRun,
    SequenceSums,
    multistart_statistics,
    sum_runs,
)
from toolkit.evaluation.scorer import Scored, Scorer, read_all, require_truth
from toolkit.evaluation.statistics import SequenceStatistic
from toolkit.protocols.multistart import anchors_of
from toolkit.regions import Mask, Polygon, Rectangle, Region, Special, parse_region, region_overlap
from toolkit.results.layout import TrackerFiles
from toolkit.results.reader import find_results


class MultistartScorer(Scorer):
    """Accuracy, robustness and EAO of anchor-based runs, on masks or boxes."""

    rules = f"VOT multi-start: no restarts, EAO over lengths {EAO_LOW} to {EAO_HIGH}"
    axes: Mapping[str, NDArray[np.float64]] = {"eao": np.arange(1, EAO_HIGH + 1, dtype=np.float64)}
    windows: Mapping[str, tuple[float, float]] = {"eao": (EAO_LOW, EAO_HIGH)}

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        require_truth(benchmark)
        self.truths = [true_regions(sequence) for sequence in self.sequences]
        self.anchors = [anchors_of(sequence) for sequence in self.sequences]

    def measure(self, files: TrackerFiles) -> Scored:
        position = {sequence.name: k for k, sequence in enumerate(self.sequences)}
        sums = read_all(files, self.sequences, lambda s: self._sums(files, s, position[s.name]))
        curves = np.stack([one.curve for one in sums])[:, 1:]
        active = np.stack([one.active for one in sums])[:, 1:]
        return Scored(multistart_statistics(sums), curves={"eao": SequenceStatistic(curves * active, active).curve()})

    def _sums(self, files: TrackerFiles, sequence: Sequence, k: int) -> SequenceSums:
        size = sequence.size()
        runs = []
        for anchor, forward in self.anchors[k]:
            truth = self.truths[k][anchor:] if forward else self.truths[k][anchor::-1]
            path = find_results(files, f"{sequence.name}_{anchor:08d}", "baseline")[0]
            results = read_regions(files, path, len(truth))
            runs.append(anchor_run(truth, results, size))
        return sum_runs(runs, len(sequence.ground_truth))


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
    return [_region(row) for row in sequence.ground_truth]


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


def _region(row: NDArray[np.float64]) -> Mask | Polygon | Rectangle | None:
    if np.isnan(row).any():
        return None
    return Rectangle(*row.tolist()) if len(row) == 4 else Polygon(row.reshape(-1, 2))
