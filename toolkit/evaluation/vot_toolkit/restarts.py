"""VOT with restarts as the Python toolkit scores it: pixels of the image, weights of sequences, pieces of runs.

The rules were found by running that toolkit (0.9.0) on made and published results: docs/evaluation.md, With restarts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.sequence import Benchmark
from toolkit.errors import ProtocolError, abbreviate
from toolkit.evaluation import eao
from toolkit.evaluation.base import SCORERS, Scored, Scorer, common_repetitions, read_all
from toolkit.evaluation.image_sizes import image_sizes
from toolkit.evaluation.metrics import Metric
from toolkit.evaluation.statistics import SequenceStatistic
from toolkit.evaluation.supervised import SENSITIVITY, burn_in_mask, require_restarts
from toolkit.protocols.vot import FAILED, REGION, STARTED
from toolkit.regions import Polygon, Rectangle, Region, from_numbers, mask_overlap
from toolkit.results.layout import TrackerFiles
from toolkit.results.reader import VotRun, read_vot


@dataclass(frozen=True)
class SequenceRuns:
    """The repetitions of one sequence of N frames: `codes` (R, N) as in `VotRun`, `overlaps` (R, N), 0 on codes."""

    codes: NDArray[np.int64]
    overlaps: NDArray[np.float64]

    def accuracy(self) -> float:
        """Mean overlap of the frames that count, 0 when none does; of a repetition, on average."""
        length = self.codes.shape[1]
        counted = (self.codes == REGION) & ~burn_in_mask(self.codes, np.array([0, length]))
        total = np.where(counted, self.overlaps, 0.0).sum(axis=1)
        return float(np.mean(total / np.maximum(counted.sum(axis=1), 1)))

    def failures(self) -> float:
        """Failures of a repetition, on average."""
        return float((self.codes == FAILED).sum(axis=1).mean())

    def pieces(self) -> Iterator[tuple[NDArray[np.float64], bool]]:
        """The overlaps from each start to the frame before the failure, or to the end; and whether it failed."""
        for codes, overlaps in zip(self.codes, self.overlaps, strict=True):
            failures = np.flatnonzero(codes == FAILED)
            for start in np.flatnonzero(codes == STARTED):
                later = failures[failures > start]
                yield overlaps[start : later[0] if len(later) else None], len(later) > 0


def expected_overlaps(runs: SequenceRuns, n_lengths: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n_lengths,) sums over pieces of the mean overlap of the i frames after a start, and how many pieces know it.

    A piece that failed stays at overlap 0, another is unknown beyond its end. At i = 0 the overlap is 0.
    """
    sums, counts = np.zeros(n_lengths), np.zeros(n_lengths)
    after = np.maximum(np.arange(n_lengths), 1)
    for piece, failed in runs.pieces():
        padded = np.zeros(n_lengths)
        padded[: len(piece)] = piece
        known = n_lengths if failed else len(piece)
        sums[:known] += (np.cumsum(padded) / after)[:known]
        counts[:known] += 1
    return sums, counts


def _survival(failures_and_length: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 2) failures per sequence and frames per sequence -> the chance to survive `SENSITIVITY` frames."""
    chance: NDArray[np.float64] = np.exp(-SENSITIVITY * failures_and_length[..., 0] / failures_and_length[..., 1])
    return chance


@SCORERS.register("vot-toolkit")
class VotToolkitScorer(Scorer):
    """Accuracy, robustness, failures and EAO of runs with restarts, as `vot analysis` prints them."""

    metrics = (
        eao.ACCURACY,
        Metric("robustness", "Robustness", label=f"Robustness (exp(-{SENSITIVITY} failures / frames))"),
        Metric("failures", "Failures", higher_is_better=False),
        eao.EAO,
    )
    headline = "eao"
    per_sequence = ("accuracy", "failures")
    curves = (eao.EAO_CURVE,)
    figures = ("accuracy_robustness",)
    options = ("experiment",)
    rules_for = "supervised"

    def __init__(self, benchmark: Benchmark, experiment: str = "baseline") -> None:
        super().__init__(benchmark)
        self.experiment = experiment
        sizes = image_sizes(self.sequences, benchmark.name)
        unknown = [s.name for s, size in zip(self.sequences, sizes, strict=True) if size is None]
        if unknown:
            raise ProtocolError(
                f"{benchmark.name}: the image size of {abbreviate(unknown)} is unknown, but the rules vot-toolkit "
                "count pixels of the image. Give the folder with the frames as --dataset_root."
            )
        self.sizes = [size for size in sizes if size is not None]
        self.truths: list[list[Region]] = [[from_numbers(row) for row in s.ground_truth] for s in self.sequences]
        self.lengths = np.array([len(truth) for truth in self.truths])
        self.low, self.high = eao.interval(benchmark.name, self.lengths)
        self.rules = f"VOT toolkit, {experiment}: EAO over {self.low} to {self.high} frames after a start"
        self.n_lengths = max(self.high, int(self.lengths.max())) + 1
        self.axes = {"eao": np.arange(self.n_lengths, dtype=np.float64)}
        self.windows = {"eao": (self.low, self.high)}

    def measure(self, files: TrackerFiles) -> Scored:
        read = read_all(files, self.sequences, lambda s: read_vot(files, s.name, len(s.ground_truth), self.experiment))
        require_restarts(read, files)
        repetitions, uneven = common_repetitions([len(run) for run in read], files)
        runs = [self._overlaps(k, one[:repetitions]) for k, one in enumerate(read)]
        statistics, curve = self._statistics(runs)
        singles = [[SequenceRuns(r.codes[k : k + 1], r.overlaps[k : k + 1]) for r in runs] for k in range(repetitions)]
        return Scored(
            statistics,
            tuple(self._statistics(one)[0] for one in singles) if repetitions > 1 else (),
            {"eao": curve},
            warnings=tuple(warning for run in read for one in run for warning in one.warnings) + uneven,
        )

    def _overlaps(self, index: int, repetitions: AbstractSequence[VotRun]) -> SequenceRuns:
        """Overlaps of one sequence with its truth, a rectangle as a rectangle; 0 where a region is not finite."""
        truth, size = self.truths[index], self.sizes[index]
        overlaps = np.zeros((len(repetitions), len(truth)))
        for row, run in zip(overlaps, repetitions, strict=True):
            for i in np.flatnonzero(run.codes == REGION):
                value = mask_overlap(_region(run.polygons[i], bool(run.boxes[i])), truth[i], size)
                row[i] = 0.0 if math.isnan(value) else value
        return SequenceRuns(np.stack([run.codes for run in repetitions]), overlaps)

    def _statistics(
        self, runs: AbstractSequence[SequenceRuns]
    ) -> tuple[dict[str, SequenceStatistic], NDArray[np.float64]]:
        lengths = self.lengths.astype(np.float64)
        failures = lengths * np.array([run.failures() for run in runs])
        sums, counts = (
            np.stack(rows) for rows in zip(*(expected_overlaps(r, self.n_lengths) for r in runs), strict=True)
        )
        longest = max(len(piece) for run in runs for piece, _ in run.pieces())
        counts[:, longest:] = 0.0  # where the curve ends
        once = np.ones_like(lengths)
        window = slice(self.low, self.high + 1)
        statistics = {
            "accuracy": SequenceStatistic((lengths * [run.accuracy() for run in runs])[:, None], lengths[:, None]),
            "robustness": SequenceStatistic(
                np.stack([failures, lengths], axis=1), np.stack([lengths, once], axis=1), _survival
            ),
            "failures": SequenceStatistic(failures[:, None], lengths[:, None]),
            "eao": SequenceStatistic(sums[:, window], counts[:, window]),
        }
        return statistics, SequenceStatistic(sums, counts).curve()


def _region(polygon: NDArray[np.float64], is_box: bool) -> Region:
    corners = polygon.reshape(4, 2)
    if not is_box:
        return Polygon(corners)
    width, height = (float(np.float32(side)) for side in corners[2] - corners[0])  # as written, not as subtracted
    return Rectangle(float(corners[0, 0]), float(corners[0, 1]), width, height)
