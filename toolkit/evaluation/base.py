"""What every protocol's scorer has in common: it is built once per benchmark and scores one tracker after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.sequence import Benchmark, Sequence
from toolkit.errors import ProtocolError, ResultError, abbreviate
from toolkit.evaluation.records import TrackerScores
from toolkit.evaluation.statistics import SequenceStatistic
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
    """Scores trackers on one benchmark.

    Attributes:
        rules: the variant of the protocol's rules, in words.
        axes: abscissae of the curves.
        windows: the part of a curve that its score averages over, where that is not all of it.
    """

    rules: str
    axes: Mapping[str, NDArray[np.float64]]
    windows: Mapping[str, tuple[float, float]] = MappingProxyType({})

    def __init__(self, benchmark: Benchmark) -> None:
        self.benchmark = benchmark
        self.sequences = benchmark.sequences
        self.groups = attribute_groups(benchmark)

    @abstractmethod
    def measure(self, files: TrackerFiles) -> Scored:
        """Scores one tracker. Raises `ResultError` naming the file that prevents it."""

    def score(self, files: TrackerFiles) -> TrackerScores:
        """Headline numbers, per sequence and attribute, of one tracker. Raises `ResultError`."""
        scored = self.measure(files)
        per_sequence = {key: statistic.per_sequence().tolist() for key, statistic in scored.statistics.items()}
        rows = zip(*per_sequence.values(), strict=True)
        return TrackerScores(
            name=files.name,
            scores={key: statistic.value() for key, statistic in scored.statistics.items()},
            sequences={
                s.name: dict(zip(per_sequence, row, strict=True)) for s, row in zip(self.sequences, rows, strict=True)
            },
            attributes=scored.attributes or self._by_attribute(scored.statistics),
            curves=scored.curves,
            attribute_curves=scored.attribute_curves,
            statistics=scored.statistics,
            deviation=_deviation(scored.repetitions),
            repetitions=max(1, len(scored.repetitions)),
            warnings=scored.warnings,
        )

    def carriers(self) -> dict[str, NDArray[np.bool_]]:
        """Attribute -> (S,) which sequences carry it."""
        names = [sequence.name for sequence in self.sequences]
        return {attribute: np.isin(names, members) for attribute, members in self.groups.items()}

    def _by_attribute(self, statistics: Mapping[str, SequenceStatistic]) -> dict[str, dict[str, float]]:
        return {
            attribute: {key: statistic.value(rows.astype(float)) for key, statistic in statistics.items()}
            for attribute, rows in self.carriers().items()
        }


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
        raise ResultError(
            f"{files.location}: no results for {len(missing)} of {len(sequences)} sequences: {abbreviate(missing)}. "
            "Run the tracker on them, or remove them from the benchmark's folder to score the others."
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


def require_truth(benchmark: Benchmark) -> None:
    """Raises `ProtocolError` when the benchmark is empty or its ground truth is known to its organizers only."""
    if len(benchmark) == 0:
        raise ProtocolError(f"{benchmark.name} has no sequences to score; check --dataset_root.")
    hidden = [s.name for s in benchmark if len(s.ground_truth) == 1 and len(s) > 1]
    if hidden:
        raise ProtocolError(
            f"{benchmark.name}: only the first box of {abbreviate(hidden)} is public, so the organizers' server "
            "scores it. Make a submission file from the results instead."
        )


def attribute_groups(benchmark: Benchmark) -> dict[str, tuple[str, ...]]:
    """Attribute -> names of the sequences that carry it, sorted by attribute."""
    names = sorted({attribute for sequence in benchmark for attribute in sequence.attributes})
    return {name: tuple(s.name for s in benchmark if name in s.attributes) for name in names}


def _deviation(repetitions: tuple[Mapping[str, SequenceStatistic], ...]) -> dict[str, float]:
    if len(repetitions) < 2:
        return {}
    return {key: float(np.std([one[key].value() for one in repetitions], ddof=1)) for key in repetitions[0]}


def _read_box_runs(files: TrackerFiles, sequences: AbstractSequence[Sequence]) -> tuple[list[BoxRuns], tuple[str, ...]]:
    runs = read_all(files, sequences, lambda s: read_boxes(files, s.name, len(s.ground_truth)))
    return runs, tuple(warning for run in runs for warning in run.warnings)
