"""A benchmark, EXAMPLE (folders of images with a groundtruth.txt), and a protocol of its own."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.catalog import BenchmarkRow, register_benchmark
from toolkit.datasets.sequence import Sequence
from toolkit.evaluation.base import SCORERS, Scored, Scorer
from toolkit.evaluation.metrics import Metric
from toolkit.evaluation.statistics import mean_over_sequences
from toolkit.protocols.registry import PROTOCOLS
from toolkit.protocols.session import Observer, Session
from toolkit.protocols.tracker import TrackerLike
from toolkit.results.layout import TrackerFiles
from toolkit.results.reader import find_results, read_box_file
from toolkit.results.writer import WRITERS, SequenceFolderWriter, format_boxes

register_benchmark(BenchmarkRow("EXAMPLE", "sequence_folders", "steady", frames=("{dir}",)))


@dataclass(frozen=True, eq=False)
class Run:
    boxes_xywh: NDArray[np.float64]


@PROTOCOLS.register("steady")
def run_steady(tracker: TrackerLike, sequence: Sequence, *, observe: Observer | None = None) -> Run:
    """Shows the first frame again and again: a steady tracker stays."""
    session = Session(tracker, sequence, observe)
    start, answers = session.follow(0, [0] * 5)
    return Run(np.array([start, *(answer.box_xywh for answer in answers)]))


@WRITERS.register("steady")
class SteadyWriter(SequenceFolderWriter[Run]):
    run_type, experiment = Run, "steady"

    def texts(self, sequence: Sequence, repetition: int, run: Run) -> dict[Path, str]:
        return {self.result_files(sequence, repetition)[0]: format_boxes(run.boxes_xywh)}


@SCORERS.register("steady")
class SteadyScorer(Scorer):
    """How far the box walks, in pixels."""

    metrics = (Metric("walk", "Walk", decimals=1, higher_is_better=False),)
    headline, per_sequence, rules = "walk", ("walk",), "the first frame again and again"

    def measure(self, files: TrackerFiles) -> Scored:
        runs = [read_box_file(files, find_results(files, seq.name, "steady")[0]) for seq in self.sequences]
        return Scored({"walk": mean_over_sequences(np.array([np.hypot(*(run[-1] - run[0])[:2]) for run in runs]))})
