"""One scorer per protocol: which files it reads and which kernels it calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Sequence as AbstractSequence

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.catalog import find_row
from toolkit.datasets.sequence import Benchmark, Sequence
from toolkit.errors import ProtocolError
from toolkit.evaluation import eao, got10k, longterm, multistart, ope, supervised, trackingnet
from toolkit.evaluation.image_sizes import image_sizes
from toolkit.evaluation.scorer import Scored, Scorer, common_repetitions, read_all, require_truth
from toolkit.evaluation.statistics import SequenceStatistic, mean_over_sequences
from toolkit.protocols.multistart import anchors_of
from toolkit.results.layout import TrackerFiles
from toolkit.results.reader import BoxRuns, VotRun, bounding_boxes, find_results, read_boxes, read_longterm, read_vot


class OpeScorer(Scorer):
    """Success, precision and normalised precision."""

    axes: Mapping[str, NDArray[np.float64]] = {
        "success": ope.SUCCESS_THRESHOLDS,
        "precision": ope.PRECISION_THRESHOLDS,
        "norm_precision": ope.NORM_PRECISION_THRESHOLDS,
    }

    def __init__(self, benchmark: Benchmark, rules: str = "pysot") -> None:
        super().__init__(benchmark)
        require_truth(benchmark)
        if rules not in ope.RULES:
            raise ProtocolError(f"Unknown rules '{rules}'. Choose from: {', '.join(ope.RULES)}.")
        self.rules = ope.RULES[rules].title
        row = find_row(benchmark.name)
        hidden_counts = row is not None and row.hidden_counts
        self.truth = ope.OpeTruth(self.sequences, ope.RULES[rules], hidden_counts)

    def measure(self, files: TrackerFiles) -> Scored:
        runs, warnings = _read_box_runs(files, self.sequences)
        repetitions, uneven = common_repetitions([len(run.runs) for run in runs], files)
        curves = [self.truth.score([run.runs[k] for run in runs]) for k in range(repetitions)]
        mean = ope.mean_curves(curves)
        return Scored(
            mean.statistics(),
            tuple(one.statistics() for one in curves) if repetitions > 1 else (),
            {name: getattr(mean, name).mean(axis=0) for name in self.axes},
            {
                attribute: {name: getattr(mean, name)[rows].mean(axis=0) for name in self.axes}
                for attribute, rows in self.carriers().items()
            },
            warnings=warnings + uneven,
        )


class SupervisedScorer(Scorer):
    """Accuracy, robustness, lost number and EAO, the latter also per tag."""

    def __init__(self, benchmark: Benchmark, experiment: str = "baseline") -> None:
        super().__init__(benchmark)
        require_truth(benchmark)
        self.experiment = experiment
        self.truth = supervised.SupervisedTruth(self.sequences, benchmark.name)
        self.low, self.high = eao.interval(benchmark.name, self.truth.lengths)
        self.rules = f"VOT {experiment}: burn-in {supervised.BURN_IN}, EAO over lengths {self.low} to {self.high}"
        self.n_lengths = max(self.high, int(self.truth.lengths.max()))
        self.axes = {"eao": np.arange(1, self.n_lengths + 1, dtype=np.float64)}
        self.windows = {"eao": (self.low, self.high)}
        self.tags = eao.frame_tags(self.sequences)
        self.groups = {
            tag: tuple(
                s.name
                for s, part in zip(self.sequences, np.split(frames, self.truth.offsets[1:-1]), strict=True)
                if part.any()
            )
            for tag, frames in self.tags.items()
        }

    def measure(self, files: TrackerFiles) -> Scored:
        runs = read_all(files, self.sequences, self._read(files))
        repetitions, uneven = common_repetitions([len(run) for run in runs], files)
        overlaps = self.truth.overlaps([run[:repetitions] for run in runs])
        everywhere = np.ones(overlaps.codes.shape[1], dtype=np.bool_)
        sums, weights = self._expected(overlaps, everywhere)
        singles = [overlaps.repetition(k) for k in range(repetitions)] if repetitions > 1 else []
        by_tag = {tag: self._expected(overlaps, frames) for tag, frames in self.tags.items()}
        return Scored(
            self._statistics(overlaps, sums, weights),
            tuple(self._statistics(one, *self._expected(one, everywhere)) for one in singles),
            {"eao": SequenceStatistic(sums, weights).curve()},
            {tag: {"eao": SequenceStatistic(*one).curve()} for tag, one in by_tag.items()},
            {tag: {"eao": self._eao(*one).value()} for tag, one in by_tag.items()},
            tuple(warning for run in runs for one in run for warning in one.warnings) + uneven,
        )

    def _read(self, files: TrackerFiles) -> Callable[[Sequence], tuple[VotRun, ...]]:
        return lambda sequence: read_vot(files, sequence.name, len(sequence.ground_truth), self.experiment)

    def _expected(
        self, overlaps: supervised.SupervisedOverlaps, frames: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return eao.expected_overlaps(overlaps.codes, overlaps.eao, overlaps.offsets, frames, self.n_lengths)

    def _eao(self, sums: NDArray[np.float64], weights: NDArray[np.float64]) -> SequenceStatistic:
        return eao.eao_statistic(sums, weights, self.low, self.high)

    def _statistics(
        self, overlaps: supervised.SupervisedOverlaps, sums: NDArray[np.float64], weights: NDArray[np.float64]
    ) -> dict[str, SequenceStatistic]:
        return {**supervised.supervised_statistics(overlaps), "eao": self._eao(sums, weights)}


class LongtermScorer(Scorer):
    """Precision, recall and F."""

    rules = "VOT-LT: curves averaged over sequences, then F"
    axes: Mapping[str, NDArray[np.float64]] = {}

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        require_truth(benchmark)
        self.truth = supervised.SupervisedTruth(self.sequences, benchmark.name)
        self.present = [np.asarray(np.isfinite(s.ground_truth).all(axis=1)) for s in self.sequences]

    def measure(self, files: TrackerFiles) -> Scored:
        runs = read_all(files, self.sequences, lambda s: read_longterm(files, s.name, len(s.ground_truth)))
        overlaps = self.truth.overlaps([(VotRun(run.codes, run.polygons),) for run in runs]).accuracy[0]
        thresholds = longterm.confidence_thresholds(np.concatenate([run.scores for run in runs]))
        parts = zip(np.split(overlaps, self.truth.offsets[1:-1]), runs, self.present, strict=True)
        curves = [longterm.precision_recall(part, run.scores, present, thresholds) for part, run, present in parts]
        precision, recall = (list(kind) for kind in zip(*curves, strict=True))
        mean_precision, mean_recall = np.mean(precision, axis=0), np.mean(recall, axis=0)
        return Scored(
            longterm.longterm_statistics(precision, recall),
            curves={
                "precision": mean_precision,
                "recall": mean_recall,
                "f1": longterm.f_score(mean_precision, mean_recall),
                "threshold": thresholds,
            },
            warnings=tuple(warning for run in runs for warning in run.warnings),
        )


class Got10kScorer(Scorer):
    """AO and success rates over all frames."""

    axes: Mapping[str, NDArray[np.float64]] = {"success": got10k.SUCCESS_THRESHOLDS}
    rules = "GOT-10k: first and fully covered frames left out, boxes clipped to the image, mean over frames"

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        require_truth(benchmark)
        self.sizes = image_sizes(self.sequences)
        if None in self.sizes:
            self.rules = f"{self.rules}; image sizes unknown without frames, so nothing was clipped where they are"

    def measure(self, files: TrackerFiles) -> Scored:
        runs, warnings = _read_box_runs(files, self.sequences)
        overlaps = self._overlaps([run.runs for run in runs])
        repetitions = min(len(run.runs) for run in runs)
        singles = [self._overlaps([run.runs[k : k + 1] for run in runs]) for k in range(repetitions)]
        return Scored(
            got10k.got10k_statistics(overlaps),
            tuple(got10k.got10k_statistics(one) for one in singles) if repetitions > 1 else (),
            {"success": got10k.success_statistic(overlaps).curve()},
            warnings=warnings,
        )

    def _overlaps(self, runs: AbstractSequence[tuple[NDArray[np.float64], ...]]) -> list[NDArray[np.float64]]:
        return [got10k.frame_overlaps(*one) for one in zip(self.sequences, runs, self.sizes, strict=True)]


class TrackingNetScorer(Scorer):
    """TrackingNet's variant of success and precision, for splits whose truth is known."""

    rules = "TrackingNet: whole pixels, areas below 21-point curves, precision at 20 px"
    axes: Mapping[str, NDArray[np.float64]] = {
        "success": trackingnet.SUCCESS_THRESHOLDS,
        "precision": trackingnet.PRECISION_THRESHOLDS,
        "norm_precision": trackingnet.NORM_PRECISION_THRESHOLDS,
    }

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        require_truth(benchmark)
        self.truths = [bounding_boxes(sequence.ground_truth) for sequence in self.sequences]

    def measure(self, files: TrackerFiles) -> Scored:
        runs, warnings = _read_box_runs(files, self.sequences)
        results = [run.runs[0] for run in runs]
        most = max(len(run.runs) for run in runs)
        if most > 1:
            warnings += (f"{files.location}: there are up to {most} repetitions; only the first counts.",)
        curves = [trackingnet.score_sequence(*pair) for pair in zip(self.truths, results, strict=True)]
        scores = [one.scores() for one in curves]
        return Scored(
            {key: mean_over_sequences(np.array([one[key] for one in scores])) for key in scores[0]},
            curves={name: np.mean([getattr(one, name) for one in curves], axis=0) for name in self.axes},
            warnings=warnings,
        )


class MultistartScorer(Scorer):
    """Accuracy, robustness and EAO of anchor-based runs, on masks or boxes."""

    rules = f"VOT multi-start: no restarts, EAO over lengths {multistart.EAO_LOW} to {multistart.EAO_HIGH}"
    axes: Mapping[str, NDArray[np.float64]] = {"eao": np.arange(1, multistart.EAO_HIGH + 1, dtype=np.float64)}
    windows: Mapping[str, tuple[float, float]] = {"eao": (multistart.EAO_LOW, multistart.EAO_HIGH)}

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        require_truth(benchmark)
        self.truths = [multistart.true_regions(sequence) for sequence in self.sequences]
        self.anchors = [anchors_of(sequence) for sequence in self.sequences]
        self.sizes = image_sizes(self.sequences)

    def measure(self, files: TrackerFiles) -> Scored:
        position = {sequence.name: k for k, sequence in enumerate(self.sequences)}
        sums = read_all(files, self.sequences, lambda s: self._sums(files, s, position[s.name]))
        curves = np.stack([one.curve for one in sums])[:, 1:]
        active = np.stack([one.active for one in sums])[:, 1:]
        return Scored(
            multistart.multistart_statistics(sums), curves={"eao": SequenceStatistic(curves * active, active).curve()}
        )

    def _sums(self, files: TrackerFiles, sequence: Sequence, k: int) -> multistart.SequenceSums:
        runs = []
        for anchor, forward in self.anchors[k]:
            truth = self.truths[k][anchor:] if forward else self.truths[k][anchor::-1]
            path = find_results(files, f"{sequence.name}_{anchor:08d}", "baseline")[0]
            results = multistart.read_regions(files, path, len(truth))
            runs.append(multistart.anchor_run(truth, results, self.sizes[k]))
        return multistart.sum_runs(runs, len(sequence.ground_truth))


SCORERS: Mapping[str, type[Scorer]] = {
    "ope": OpeScorer,
    "supervised": SupervisedScorer,
    "longterm": LongtermScorer,
    "got10k": Got10kScorer,
    "trackingnet": TrackingNetScorer,
    "multistart": MultistartScorer,
}


def make_scorer(
    benchmark: Benchmark, protocol: str | None = None, rules: str = "pysot", experiment: str = "baseline"
) -> Scorer:
    """The scorer of a benchmark; `protocol` replaces the benchmark's own. Raises `ProtocolError` for an unknown one."""
    chosen = protocol or ("trackingnet" if benchmark.name == "TrackingNet" else benchmark.protocol)
    if chosen not in SCORERS:
        raise ProtocolError(f"Unknown protocol '{chosen}'. Choose from: {', '.join(SCORERS)}.")
    if chosen == "ope":
        return OpeScorer(benchmark, rules)
    if chosen == "supervised":
        return SupervisedScorer(benchmark, experiment)
    return SCORERS[chosen](benchmark)


def _read_box_runs(files: TrackerFiles, sequences: AbstractSequence[Sequence]) -> tuple[list[BoxRuns], tuple[str, ...]]:
    runs = read_all(files, sequences, lambda s: read_boxes(files, s.name, len(s.ground_truth)))
    return runs, tuple(warning for run in runs for warning in run.warnings)
