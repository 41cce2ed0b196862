"""VOT with restarts: accuracy, robustness and lost number (docs/evaluation.md, With restarts).

Kristan et al., "A Novel Performance Evaluation Methodology for Single-Target Trackers" (TPAMI 2016).
"""

from __future__ import annotations

import math
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.sequence import Benchmark, Sequence
from toolkit.errors import ResultError
from toolkit.evaluation import eao
from toolkit.evaluation.base import SCORERS, Scored, Scorer, common_repetitions, read_all
from toolkit.evaluation.image_sizes import image_sizes
from toolkit.evaluation.metrics import Metric
from toolkit.evaluation.statistics import SequenceStatistic, mean_known
from toolkit.protocols.vot import FAILED, REGION, STARTED
from toolkit.regions import box_corners, overlap_pairs
from toolkit.results.layout import TrackerFiles
from toolkit.results.reader import VotRun, read_vot

BURN_IN = 10
"""Frames after an initialization, this one included, that do not count for accuracy."""
SENSITIVITY = 30
"""Frames after which the robustness axis of figures asks whether a tracker still follows its target."""


@dataclass(frozen=True)
class SupervisedOverlaps:
    """Overlaps of R repetitions over all frames of all sequences, one sequence after the other.

    Attributes:
        codes: (R, F) int64, as in `VotRun`.
        accuracy: (R, F) overlap with bounds (W, H); NaN on codes, 0 for a region that is not finite. Burn-in frames are
            still in.
        eao: (R, F) overlap with bounds (W-1, H-1); NaN on codes.
        offsets: (S + 1,) where each sequence begins.
    """

    codes: NDArray[np.int64]
    accuracy: NDArray[np.float64]
    eao: NDArray[np.float64]
    offsets: NDArray[np.int64]

    def repetition(self, k: int) -> SupervisedOverlaps:
        """Repetition `k` alone."""
        one = slice(k, k + 1)
        return SupervisedOverlaps(self.codes[one], self.accuracy[one], self.eao[one], self.offsets)


class SupervisedTruth:
    """The ground truth of a VOT benchmark, laid out for scoring many trackers."""

    def __init__(self, sequences: AbstractSequence[Sequence], benchmark: str = "") -> None:
        truths = [sequence.ground_truth for sequence in sequences]
        polygons = [box_corners(truth).reshape(-1, 8) if truth.shape[1] == 4 else truth for truth in truths]
        self.lengths = np.array([len(polygon) for polygon in polygons], dtype=np.int64)
        self.offsets = np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)
        self.polygons = np.concatenate(polygons)
        sizes = [size or (np.inf, np.inf) for size in image_sizes(sequences, benchmark)]
        self.sizes = np.repeat(np.array(sizes, dtype=np.float64), self.lengths, axis=0)

    def overlaps(self, runs: AbstractSequence[AbstractSequence[VotRun]]) -> SupervisedOverlaps:
        """Overlaps of `runs[sequence][repetition]`; every sequence must have the same number of repetitions."""
        repetitions = list(zip(*runs, strict=True))
        codes = np.stack([np.concatenate([run.codes for run in repetition]) for repetition in repetitions])
        polygons = [np.concatenate([run.polygons for run in repetition]) for repetition in repetitions]
        pairs = [self._overlap(one, other) for one, other in zip(codes, polygons, strict=True)]
        accuracy, eao = (np.stack(kind) for kind in zip(*pairs, strict=True))
        return SupervisedOverlaps(codes, accuracy, eao, self.offsets)

    def _overlap(
        self, codes: NDArray[np.int64], polygons: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Raster overlap in the two sets of bounds; the second differs only where a region reaches the last pixels."""
        wide, narrow = np.full(len(codes), np.nan), np.full(len(codes), np.nan)
        rows = np.flatnonzero(codes == REGION)
        wide[rows] = raster_overlap(self.polygons[rows], polygons[rows], self.sizes[rows])
        answered, known = (np.isfinite(one[rows]).all(axis=1) for one in (polygons, self.polygons))
        wide[rows[known & ~answered]] = 0.0  # a region that is not finite has missed
        narrow[rows] = wide[rows]
        reach = np.maximum(self.polygons, polygons).reshape(len(codes), -1, 2).max(axis=1)
        at_edge = np.flatnonzero((codes == REGION) & (np.ceil(reach) > self.sizes - 1).any(axis=1))
        narrow[at_edge] = raster_overlap(self.polygons[at_edge], polygons[at_edge], self.sizes[at_edge] - 1)
        return wide, narrow


def raster_overlap(a: NDArray[np.float64], b: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) raster overlaps of (N, 8) polygons inside (0, 0, width, height); an infinite size means no bounds."""
    if len(a) == 0:
        return np.empty(0)
    bounds = np.concatenate([np.zeros_like(sizes), sizes], axis=1)
    bounds[np.isinf(sizes).any(axis=1)] = (-np.inf, -np.inf, np.inf, np.inf)
    return overlap_pairs(a, b, bounds=bounds, mode="raster")


def supervised_statistics(overlaps: SupervisedOverlaps) -> dict[str, SequenceStatistic]:
    """Accuracy (overlap per frame), robustness (failures per 100 frames) and lost number (failures)."""
    known = np.where(burn_in_mask(overlaps.codes, overlaps.offsets), np.nan, overlaps.accuracy)
    per_frame = mean_known(known.T)
    starts = overlaps.offsets[:-1]
    counted = ~np.isnan(per_frame)
    overlap_sum = np.add.reduceat(np.where(counted, per_frame, 0.0), starts)
    frame_count = np.add.reduceat(counted.astype(np.float64), starts)
    failures = np.add.reduceat((overlaps.codes == FAILED).mean(axis=0), starts)
    lengths = np.diff(overlaps.offsets).astype(np.float64)
    return {
        "accuracy": SequenceStatistic(overlap_sum[:, None], frame_count[:, None]),
        "robustness": SequenceStatistic(100.0 * failures[:, None], lengths[:, None]),
        "lost_number": SequenceStatistic(failures[:, None], None),
    }


def burn_in_mask(codes: NDArray[np.int64], offsets: NDArray[np.int64], count: int = BURN_IN) -> NDArray[np.bool_]:
    """(R, F) True on the `count` frames from every initialization on, never beyond the sequence's end."""
    mask = np.zeros(codes.shape, dtype=np.bool_)
    ends = np.repeat(offsets[1:], np.diff(offsets))
    for repetition, frame in zip(*np.nonzero(codes == STARTED), strict=True):
        mask[repetition, frame : min(frame + count, ends[frame])] = True
    return mask


def survival(robustness: float) -> float:
    """The chance to follow a target for `SENSITIVITY` frames, from failures per 100 frames (TPAMI 2016)."""
    return math.exp(-SENSITIVITY * robustness / 100)


@SCORERS.register("supervised")
class SupervisedScorer(Scorer):
    """Accuracy, robustness, lost number and EAO, the latter also per tag."""

    metrics = (
        eao.ACCURACY,
        Metric(
            "robustness",
            "Robustness",
            higher_is_better=False,
            label=f"Robustness (exp(-{SENSITIVITY} failures / frames))",
            on_axis=survival,
        ),
        Metric("lost_number", "Lost Number", decimals=1, higher_is_better=False),
        eao.EAO,
    )
    headline = "eao"
    per_sequence = ("accuracy", "lost_number")
    curves = (eao.EAO_CURVE,)
    figures = ("accuracy_robustness",)
    options = ("experiment",)

    def __init__(self, benchmark: Benchmark, experiment: str = "baseline") -> None:
        super().__init__(benchmark)
        self.experiment = experiment
        self.truth = SupervisedTruth(self.sequences, benchmark.name)
        self.low, self.high = eao.interval(benchmark.name, self.truth.lengths)
        self.rules = f"VOT {experiment}: burn-in {BURN_IN}, EAO over lengths {self.low} to {self.high}"
        self.n_lengths = max(self.high, int(self.truth.lengths.max()))
        self.axes = {"eao": np.arange(1, self.n_lengths + 1, dtype=np.float64)}
        self.windows = {"eao": (self.low, self.high)}
        self.tags = eao.frame_tags(self.sequences)
        ends = self.truth.offsets[1:-1]
        self.groups = {
            tag: tuple(s.name for s, part in zip(self.sequences, np.split(frames, ends), strict=True) if part.any())
            for tag, frames in self.tags.items()
        }

    def measure(self, files: TrackerFiles) -> Scored:
        runs = read_all(files, self.sequences, lambda s: read_vot(files, s.name, len(s.ground_truth), self.experiment))
        require_restarts(runs, files)
        repetitions, uneven = common_repetitions([len(run) for run in runs], files)
        overlaps = self.truth.overlaps([run[:repetitions] for run in runs])
        everywhere = np.ones(overlaps.codes.shape[1], dtype=np.bool_)
        score, curve = self._eao(overlaps, everywhere)
        singles = [overlaps.repetition(k) for k in range(repetitions)] if repetitions > 1 else []
        by_tag = {tag: self._eao(overlaps, frames) for tag, frames in self.tags.items()}
        return Scored(
            {**supervised_statistics(overlaps), "eao": score},
            tuple({**supervised_statistics(one), "eao": self._eao(one, everywhere)[0]} for one in singles),
            {"eao": curve},
            {tag: {"eao": curve} for tag, (_, curve) in by_tag.items()},
            {tag: {"eao": score.value()} for tag, (score, _) in by_tag.items()},
            tuple(warning for run in runs for one in run for warning in one.warnings) + uneven,
        )

    def _eao(
        self, overlaps: SupervisedOverlaps, frames: NDArray[np.bool_]
    ) -> tuple[SequenceStatistic, NDArray[np.float64]]:
        """EAO over the frames marked in `frames`, and the whole curve."""
        sums, weights = eao.expected_overlaps(overlaps.codes, overlaps.eao, overlaps.offsets, frames, self.n_lengths)
        return eao.eao_statistic(sums, weights, self.low, self.high), SequenceStatistic(sums, weights).curve()


def require_restarts(runs: AbstractSequence[tuple[VotRun, ...]], files: TrackerFiles) -> None:
    """Refuses files without all lines and codes of a run with restarts: a failure that is not there does not count."""
    odd = [one.odd for run in runs for one in run if one.odd]
    if odd:
        raise ResultError(
            f"{files.location}: {len(odd)} of {sum(map(len, runs))} files are no runs with restarts, first {odd[0]}: "
            "a run begins with the code 1, after each 2 come 0s and a 1, and every frame has a line. Score one-pass "
            "runs with --protocol ope, or run the tracker with --protocol supervised."
        )
