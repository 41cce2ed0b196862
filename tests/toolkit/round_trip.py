"""A protocol that the toolkit does not know: to the last frame and back to the first. All of it is in this file.

`round_trip/video/video_001.txt` holds the boxes of the way there and, after them, those of the way back.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.sequence import Benchmark, Sequence
from toolkit.evaluation.base import SCORERS, Scored, Scorer, read_all
from toolkit.evaluation.kernels import overlap_boxes
from toolkit.evaluation.metrics import Curve, Metric
from toolkit.evaluation.records import EvaluationReport
from toolkit.evaluation.statistics import mean_over_sequences
from toolkit.protocols.registry import PROTOCOLS
from toolkit.protocols.session import Observer, Session
from toolkit.protocols.tracker import TrackerLike
from toolkit.report.figures.canvas import Style, entries, figure_of, new_axes
from toolkit.report.figures.plots import FIGURES
from toolkit.results.layout import TrackerFiles
from toolkit.results.reader import find_results, fit_rows, read_box_file
from toolkit.results.writer import WRITERS, SequenceFolderWriter, format_boxes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class RoundTrip:
    """(2 N - 1, 4) boxes of a sequence of N frames, and the seconds they took."""

    boxes_xywh: NDArray[np.float64]
    seconds: NDArray[np.float64]


@PROTOCOLS.register("round_trip")
def run_round_trip(tracker: TrackerLike, sequence: Sequence, *, observe: Observer | None = None) -> RoundTrip:
    """Runs `tracker` to the last frame of `sequence` and back."""
    session = Session(tracker, sequence, observe)
    order = [*range(1, session.length), *range(session.length - 2, -1, -1)]
    start_xywh, answers = session.follow(0, order)
    return RoundTrip(np.array([start_xywh, *(one.box_xywh for one in answers)]), np.array(session.seconds))


@WRITERS.register("round_trip")
class RoundTripWriter(SequenceFolderWriter[RoundTrip]):
    """`round_trip/video/video_001.txt`."""

    run_type = RoundTrip
    experiment = "round_trip"

    def texts(self, sequence: Sequence, repetition: int, run: RoundTrip) -> dict[Path, str]:
        (main,) = self.result_files(sequence, repetition)
        return {**self.times(self.time_file(sequence), repetition, run.seconds), main: format_boxes(run.boxes_xywh)}


@SCORERS.register("round_trip")
class RoundTripScorer(Scorer):
    """How well the two ways agree, and how far the tracker ends from where it began."""

    metrics = (Metric("agreement", "Agreement"), Metric("drift", "Drift", decimals=1, higher_is_better=False))
    headline = "agreement"
    per_sequence = ("agreement", "drift")
    curves = (Curve("agreement", "agreement", "agreement", "Share of the way", "Overlap", "Mean overlap"),)
    figures = ("round_trip_drift",)
    rules = "there and back"

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        self.axes = {"agreement": np.linspace(0, 1, 11)}

    def measure(self, files: TrackerFiles) -> Scored:
        runs = read_all(files, self.sequences, lambda sequence: self._read(files, sequence))
        overlaps = [overlap_boxes(boxes[: len(boxes) // 2 + 1], boxes[len(boxes) // 2 :][::-1]) for boxes in runs]
        drift = np.array([np.hypot(*(boxes[-1] - boxes[0])[:2]) for boxes in runs])
        shares = self.axes["agreement"]
        curves = np.stack([one[np.rint(shares * (len(one) - 1)).astype(int)] for one in overlaps])
        return Scored(
            {
                "agreement": mean_over_sequences(np.array([one.mean() for one in overlaps])),
                "drift": mean_over_sequences(drift),
            },
            curves={"agreement": curves.mean(axis=0)},
            attribute_curves={
                attribute: {"agreement": curves[rows].mean(axis=0)} for attribute, rows in self.carriers().items()
            },
        )

    def _read(self, files: TrackerFiles, sequence: Sequence) -> NDArray[np.float64]:
        path = find_results(files, sequence.name, "round_trip")[0]
        wanted = 2 * len(sequence.ground_truth) - 1
        return np.ascontiguousarray(fit_rows(read_box_file(files, path), wanted, path, sequence.name)[0])


@FIGURES.register("round_trip_drift")
def drift_figure(report: EvaluationReport, style: Style) -> Figure:
    """Drift of every tracker."""
    axes = new_axes(style)
    for entry in entries(report, "drift"):
        axes.plot(entry.score, 0, color=entry.look.color, marker=entry.look.marker)
    return figure_of(axes)
