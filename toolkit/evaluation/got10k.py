"""GOT-10k: average overlap and success rates over all frames (docs/evaluation.md, The others).

Huang et al., "GOT-10k: A Large High-Diversity Benchmark for Generic Object Tracking in the Wild" (TPAMI 2021). The
validation figures of its toolkit; the server's class-balanced mAO needs the hidden truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as AbstractSequence

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.sequence import Benchmark, Sequence
from toolkit.evaluation.base import SCORERS, BoxScorer, Scored
from toolkit.evaluation.image_sizes import image_sizes
from toolkit.evaluation.kernels import overlap_boxes
from toolkit.evaluation.metrics import Curve, Metric
from toolkit.evaluation.statistics import SequenceStatistic
from toolkit.regions.boxes import bounding_boxes
from toolkit.results.layout import TrackerFiles

SUCCESS_THRESHOLDS = np.linspace(0, 1, 101)
"""(101,) overlaps of the success curve."""


def frame_overlaps(
    sequence: Sequence, results: AbstractSequence[NDArray[np.float64]], image_size: tuple[int, int] | None
) -> NDArray[np.float64]:
    """Overlaps of the frames that count, all repetitions one after the other.

    The first frame and frames whose target is entirely covered or out of the image (`cover` 0, or not `visible`) do not
    count. Both boxes are clipped to `image_size` (width, height) when it is known. A missing result overlaps by 0.
    """
    truth = bounding_boxes(sequence.ground_truth)
    counted = np.ones(len(truth), dtype=np.bool_)
    if sequence.cover is not None:
        counted = sequence.cover > 0
    elif sequence.visible is not None:
        counted = sequence.visible.copy()
    counted[0] = False
    rows = np.flatnonzero(counted)
    overlaps = [overlap_boxes(clip(truth[rows], image_size), clip(result[rows], image_size)) for result in results]
    return np.nan_to_num(np.concatenate(overlaps))


def clip(boxes_xywh: NDArray[np.float64], image_size: tuple[int, int] | None) -> NDArray[np.float64]:
    """(N, 4) boxes the toolkit's way: the corner is moved into the image, then the size cut at its far border."""
    if image_size is None:
        return np.ascontiguousarray(boxes_xywh)
    size = np.array(image_size, dtype=np.float64)
    corner = np.clip(boxes_xywh[:, :2], 0, size)
    extent = np.clip(boxes_xywh[:, 2:], 0, size - corner)
    return np.concatenate([corner, extent], axis=1)


def got10k_statistics(overlaps: AbstractSequence[NDArray[np.float64]]) -> dict[str, SequenceStatistic]:
    """AO and success rates from the frame overlaps of each sequence; every frame weighs the same."""
    count = np.array([[len(one)] for one in overlaps], dtype=np.float64)

    def share(threshold: float) -> SequenceStatistic:
        return SequenceStatistic(np.array([[np.count_nonzero(one > threshold)] for one in overlaps], float), count)

    total = np.array([[one.sum()] for one in overlaps])
    return {"ao": SequenceStatistic(total, count), "sr50": share(0.5), "sr75": share(0.75)}


def success_statistic(overlaps: AbstractSequence[NDArray[np.float64]]) -> SequenceStatistic:
    """The success curve over `SUCCESS_THRESHOLDS`, frame-weighted."""
    counts = [len(one) - np.searchsorted(np.sort(one), SUCCESS_THRESHOLDS, side="right") for one in overlaps]
    frames = np.array([[len(one)] for one in overlaps], dtype=np.float64)
    return SequenceStatistic(np.array(counts, dtype=np.float64), frames)


@SCORERS.register("got10k")
class Got10kScorer(BoxScorer):
    """AO and success rates over all frames."""

    metrics = (Metric("ao", "AO"), Metric("sr50", "SR0.50"), Metric("sr75", "SR0.75"))
    headline = "ao"
    per_sequence = ("ao",)
    curves = (Curve("success", "ao", "success", "Overlap threshold", "Success rate", "Average overlap"),)
    rules = "GOT-10k: first and fully covered frames left out, boxes clipped to the image, mean over frames"
    axes: Mapping[str, NDArray[np.float64]] = {"success": SUCCESS_THRESHOLDS}

    def __init__(self, benchmark: Benchmark, boxes: str = "xywh") -> None:
        super().__init__(benchmark, boxes)
        self.sizes = image_sizes(self.sequences)
        if None in self.sizes:
            self.rules = f"{self.rules}; image sizes unknown without frames, so nothing was clipped where they are"

    def measure(self, files: TrackerFiles) -> Scored:
        runs, warnings = self.read(files)
        overlaps = self._overlaps([run.runs for run in runs])
        repetitions = min(len(run.runs) for run in runs)
        singles = [self._overlaps([run.runs[k : k + 1] for run in runs]) for k in range(repetitions)]
        return Scored(
            got10k_statistics(overlaps),
            tuple(map(got10k_statistics, singles)) if repetitions > 1 else (),
            {"success": success_statistic(overlaps).curve()},
            warnings=warnings,
        )

    def _overlaps(self, runs: AbstractSequence[tuple[NDArray[np.float64], ...]]) -> list[NDArray[np.float64]]:
        return [frame_overlaps(*one) for one in zip(self.sequences, runs, self.sizes, strict=True)]
