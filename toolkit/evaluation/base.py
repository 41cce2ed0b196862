"""What every protocol's scorer has in common: it is built once per benchmark and scores one tracker after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.catalog import find_row
from toolkit.datasets.sequence import Benchmark, Sequence
from toolkit.errors import ProtocolError, ResultError, abbreviate
from toolkit.evaluation.metrics import Curve, Metric
from toolkit.evaluation.records import TrackerScores
from toolkit.evaluation.statistics import SequenceStatistic
from toolkit.regions.boxes import bounding_boxes
from toolkit.registry import Registry
from toolkit.results.box_forms import BOX_FORMS, doubt_forms
from toolkit.results.layout import TrackerFiles
from toolkit.results.reader import BoxRuns, MissingResultError, read_boxes

R = TypeVar("R")


@dataclass(frozen=True)
class Scored:
    """What a protocol computes for one tracker; the rest of `TrackerScores` follows from it.

    Attributes:
        statistics: of each headline number, over all repetitions.
        repetitions: the same for each repetition alone; empty when there is one.
        curves: dataset curves.
        attribute_curves: the same for each attribute.
        attributes: scores per attribute where they are not just those of a subset of the sequences.
        warnings: what had to be assumed.
    """

    statistics: Mapping[str, SequenceStatistic]
    repetitions: tuple[Mapping[str, SequenceStatistic], ...] = ()
    curves: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    attribute_curves: Mapping[str, Mapping[str, NDArray[np.float64]]] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class Scorer(ABC):
    """Scores trackers on one benchmark. A protocol's class also declares everything tables and figures show of it.

    Raises `ProtocolError` for a benchmark without sequences or without public ground truth.

    Attributes:
        metrics: the columns of its table.
        headline: the key of the metric it ranks by; higher is better.
        per_sequence: keys of the metrics in the table by sequence.
        curves: figures of curves; each also for every attribute where the scores hold it.
        figures: further ones, by name in `toolkit.report.figures.plots.FIGURES`.
        options: names of the arguments of `evaluate` that it takes.
        benchmarks: scored by it although they are run under another protocol.
        rules_for: the protocol whose runs it scores where a user asks for the rules of its name; none in most.
        rules: the variant of the protocol's rules, in words.
        axes: abscissae of the curves.
        windows: the part of a curve that its score averages over, where that is not all of it.
    """

    metrics: ClassVar[tuple[Metric, ...]]
    headline: ClassVar[str]
    per_sequence: ClassVar[tuple[str, ...]]
    curves: ClassVar[tuple[Curve, ...]] = ()
    figures: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[tuple[str, ...]] = ()
    benchmarks: ClassVar[tuple[str, ...]] = ()
    rules_for: ClassVar[str] = ""
    rules: str
    axes: Mapping[str, NDArray[np.float64]] = MappingProxyType({})
    windows: Mapping[str, tuple[float, float]] = MappingProxyType({})

    def __init__(self, benchmark: Benchmark) -> None:
        _require_truth(benchmark)
        self.benchmark = benchmark
        self.sequences = benchmark.sequences
        names = sorted({attribute for sequence in benchmark for attribute in sequence.attributes})
        self.groups = {name: tuple(s.name for s in benchmark if name in s.attributes) for name in names}

    @classmethod
    def metric(cls, key: str) -> Metric:
        """The metric that `metrics` declares under `key`."""
        return next(metric for metric in cls.metrics if metric.key == key)

    @abstractmethod
    def measure(self, files: TrackerFiles) -> Scored:
        """Scores one tracker. Raises `ResultError` naming the file that prevents it."""

    def score(self, files: TrackerFiles) -> TrackerScores:
        """Headline numbers, per sequence and attribute, of one tracker. Raises `ResultError`."""
        scored = self.measure(files)
        by_key = {key: statistic.per_sequence().tolist() for key, statistic in scored.statistics.items()}
        attributes = scored.attributes or {
            attribute: {key: statistic.value(rows.astype(float)) for key, statistic in scored.statistics.items()}
            for attribute, rows in self.carriers().items()
        }
        repeated = {key: [one[key].value() for one in scored.repetitions] for key in scored.statistics}
        return TrackerScores(
            name=files.name,
            scores={key: statistic.value() for key, statistic in scored.statistics.items()},
            sequences={s.name: {key: by_key[key][k] for key in by_key} for k, s in enumerate(self.sequences)},
            attributes=attributes,
            curves=scored.curves,
            attribute_curves=scored.attribute_curves,
            statistics=scored.statistics,
            deviation={key: float(np.std(values, ddof=1)) for key, values in repeated.items() if len(values) > 1},
            repetitions=max(1, len(scored.repetitions)),
            warnings=scored.warnings,
        )

    def carriers(self) -> dict[str, NDArray[np.bool_]]:
        """Attribute -> (S,) which sequences carry it."""
        names = [sequence.name for sequence in self.sequences]
        return {attribute: np.isin(names, members) for attribute, members in self.groups.items()}


SCORERS: Registry[type[Scorer]] = Registry("protocol")
"""How the results of each protocol are scored."""


def read_all(files: TrackerFiles, sequences: AbstractSequence[Sequence], read: Callable[[Sequence], R]) -> list[R]:
    """`read` for every sequence. One `ResultError` lists the sequences without results, or the first files at fault."""
    missing: list[str] = []
    faults: list[str] = []
    results: list[R] = []
    for sequence in sequences:
        try:
            results.append(read(sequence))
        except MissingResultError:
            missing.append(sequence.name)
        except ResultError as error:
            if str(error) not in faults:  # a broken archive is at fault for every sequence
                faults.append(str(error))
    if missing:
        what = f"{files.location}: no results for {len(missing)} of {len(sequences)} sequences: {abbreviate(missing)}. "
        if len(missing) == len(sequences):
            raise ResultError(f"{what}{files.summary()} A result is called after its sequence, as {missing[0]}.txt.")
        raise ResultError(
            f"{what}Run the tracker on them, or remove them from the benchmark's folder to score the others."
        )
    if faults:
        raise ResultError(abbreviate(faults, " | "))
    return results


def common_repetitions(counts: AbstractSequence[int], files: TrackerFiles) -> tuple[int, tuple[str, ...]]:
    """How many repetitions every sequence has, and a warning when some have more."""
    common = min(counts)
    if max(counts) == common:
        return common, ()
    return common, (
        f"{files.location}: sequences have {common} to {max(counts)} repetitions; the first {common} count.",
    )


class BoxScorer(Scorer):
    """Scores runs of one pass, a box for every frame; `boxes` is the form of these, a key of `BOX_FORMS`."""

    options: ClassVar[tuple[str, ...]] = ("boxes",)

    def __init__(self, benchmark: Benchmark, boxes: str = "xywh") -> None:
        super().__init__(benchmark)
        if boxes not in BOX_FORMS:
            raise ProtocolError(f"Unknown form of boxes '{boxes}'. Choose from: {', '.join(BOX_FORMS)}.")
        self.boxes = boxes
        row = find_row(benchmark.name)
        ranges = {} if row is None else {name: first - 1 for name, (first, _) in row.image_ranges.items()}
        self.skipped = [ranges.get(row.canonical(s.name) if row else s.name, 0) for s in self.sequences]
        unknown = np.full(4, np.nan)  # a polygon says less about the box that trackers were given
        truths = [s.ground_truth for s in self.sequences]
        self.given_xywh = np.stack([truth[0] if truth.shape[1] == 4 else unknown for truth in truths])

    def read(self, files: TrackerFiles) -> tuple[list[BoxRuns], tuple[str, ...]]:
        """The boxes of every sequence, and all warnings of their files. Raises `ResultError`."""
        known = dict(zip(self.benchmark.names(), zip(self.given_xywh, self.skipped, strict=True), strict=True))

        def read(sequence: Sequence) -> BoxRuns:
            given, skipped = known[sequence.name]
            return read_boxes(
                files, sequence.name, len(sequence.ground_truth), form=self.boxes, given_xywh=given, skipped=skipped
            )

        runs = read_all(files, self.sequences, read)
        firsts = [run.runs[0] for run in runs]
        doubts = doubt_forms(self.benchmark.names(), firsts, self.given_xywh, self.boxes, str(files.location))
        return runs, (*doubts, *(warning for run in runs for warning in run.warnings))


def _require_truth(benchmark: Benchmark) -> None:
    """Refuses what no tracker can be scored on: no sequence, no truth, or one that does not even overlap itself."""
    if len(benchmark) == 0:
        raise ProtocolError(f"{benchmark.name} has no sequences to score; check --dataset_root.")
    hidden = [s.name for s in benchmark if len(s.ground_truth) == 1 and len(s) > 1]
    if hidden:
        raise ProtocolError(
            f"{benchmark.name}: only the first box of {abbreviate(hidden)} is public, so the organizers' server "
            "scores it. Make a submission file from the results instead."
        )
    for sequence in benchmark:
        boxes = bounding_boxes(sequence.ground_truth)
        boxes = boxes[np.isfinite(boxes).all(axis=1) & boxes.any(axis=1)]  # others say that the target is absent
        empty = ~(boxes[:, 2:] > 0).all(axis=1)
        if 2 * empty.sum() > len(boxes):
            x, y, w, h = boxes[np.argmax(empty)]
            raise ProtocolError(
                f"{benchmark.name}: the ground truth of '{sequence.name}' does not overlap itself: {empty.sum()} of "
                f"{len(boxes)} boxes have no area, first x={x:g}, y={y:g}, w={w:g}, h={h:g}. Are its rows x,y,w,h, in "
                "the layout of this benchmark? The command `data check` lists them."
            )
