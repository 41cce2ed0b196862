"""PySOT's benchmark classes: dictionaries of scores by tracker and sequence, and its tables, printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toolkit.compat import tables
from toolkit.compat.datasets import Dataset
from toolkit.compat.measures import (
    Floats,
    calculate_accuracy,
    calculate_f1,
    calculate_failures,
    codes_of,
    determine_thresholds,
    success_error,
    success_overlap,
)
from toolkit.compat.videos import Video
from toolkit.errors import ResultError
from toolkit.evaluation.eao import eao_statistic, expected_overlaps, interval
from toolkit.evaluation.ope import NORM_PRECISION_THRESHOLDS, PRECISION_THRESHOLDS
from toolkit.evaluation.statistics import mean_known

Names: TypeAlias = str | Sequence[str] | None
"""Trackers to score; None: all of the data set."""
Curves: TypeAlias = dict[str, dict[str, Floats]]
"""Tracker -> sequence -> values by threshold."""


def _chosen(names: Names, dataset: Dataset) -> list[str]:
    return [names] if isinstance(names, str) else list(dataset.tracker_names if names is None else names)


class OPEBenchmark:
    """Success, precision and normalized precision of one-pass runs."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def convert_bb_to_center(self, bboxes: ArrayLike) -> Floats:
        """(N, 2) centers of (N, 4) boxes of whole pixels: x + (w - 1) / 2."""
        boxes = np.asarray(bboxes, np.float64)
        return np.asarray(boxes[:, :2] + (boxes[:, 2:4] - 1) / 2, np.float64)

    def convert_bb_to_norm_center(self, bboxes: ArrayLike, gt_wh: ArrayLike) -> Floats:
        """Centers in units of the true width and height, (N, 2)."""
        return np.asarray(self.convert_bb_to_center(bboxes) / (np.asarray(gt_wh, np.float64) + 1e-16), np.float64)

    def eval_success(self, eval_trackers: Names = None) -> Curves:
        """Success at the 21 overlaps 0, 0.05, ..., 1."""
        return self._curves(eval_trackers, success_overlap)

    def eval_precision(self, eval_trackers: Names = None) -> Curves:
        """Precision at 0 to 50 pixels."""

        def measure(truth: Floats, result: Floats, count: int) -> Floats:
            a, b = self.convert_bb_to_center(truth), self.convert_bb_to_center(result)
            return success_error(a, b, PRECISION_THRESHOLDS, count)

        return self._curves(eval_trackers, measure)

    def eval_norm_precision(self, eval_trackers: Names = None) -> Curves:
        """Normalized precision at 0 to 0.5."""

        def measure(truth: Floats, result: Floats, count: int) -> Floats:
            a, b = (self.convert_bb_to_norm_center(boxes, truth[:, 2:4]) for boxes in (truth, result))
            return success_error(a, b, NORM_PRECISION_THRESHOLDS, count)

        return self._curves(eval_trackers, measure)

    def _curves(self, names: Names, measure: Callable[[Floats, Floats, int], Floats]) -> Curves:
        return {
            name: {video.name: measure(*self._pair(video, name), len(video.gt_traj)) for video in self.dataset}
            for name in _chosen(names, self.dataset)
        }

    def _pair(self, video: Video, tracker: str) -> tuple[Floats, Floats]:
        """Truth and result of the frames that count."""
        pair = (np.array(video.gt_traj, np.float64), np.array(result_of(self.dataset, video, tracker), np.float64))
        if pair[0].shape != pair[1].shape:
            raise ResultError(
                f"{tracker}, {video.name}: the result has the shape {pair[1].shape}, the truth {pair[0].shape}; "
                "expected a box for every frame. `toolkit.evaluation.evaluate` fits other lengths, and says so."
            )
        absent = getattr(video, "absent", None)
        return pair if absent is None else (pair[0][absent == 1], pair[1][absent == 1])

    def show_result(
        self,
        success_ret: Curves,
        precision_ret: Curves | None = None,
        norm_precision_ret: Curves | None = None,
        show_video_level: bool = False,
        helight_threshold: float = 0.6,
    ) -> None:
        """Prints the best twenty trackers; of each sequence what is below `helight_threshold` in red."""
        tables.show_ope(success_ret, precision_ret, norm_precision_ret)
        if show_video_level and precision_ret is not None and max(len(success_ret), len(precision_ret)) < 10:
            tables.show_ope_videos(success_ret, precision_ret, helight_threshold)


class AccuracyRobustnessBenchmark:
    """Accuracy and failures of runs with restarts; `burnin` frames after a start do not count for accuracy."""

    def __init__(self, dataset: Dataset, burnin: int = 10) -> None:
        self.dataset, self.burnin = dataset, burnin

    def eval(self, eval_trackers: Names = None) -> dict[str, dict[str, Any]]:
        """Tracker -> `overlaps` (sequence -> mean over repetitions, per frame), `failures` (sequence -> counts)."""
        return {name: self._score(name) for name in _chosen(eval_trackers, self.dataset)}

    def _score(self, tracker: str) -> dict[str, Any]:
        overlaps, failures = {}, {}
        for video in self.dataset:
            runs = result_of(self.dataset, video, tracker)
            size = (video.width, video.height)
            parts = [calculate_accuracy(run, video.gt_traj, self.burnin, bound=size)[1] for run in runs]
            overlaps[video.name] = mean_known(np.array(parts).T).tolist()
            failures[video.name] = [calculate_failures(run)[0] for run in runs]
        return {"overlaps": overlaps, "failures": failures}

    def show_result(
        self,
        result: Mapping[str, Any],
        eao_result: Mapping[str, Any] | None = None,
        show_video_level: bool = False,
        helight_threshold: float = 0.5,
    ) -> None:
        """Prints accuracy, robustness and lost number, with EAO where it is given, best first."""
        tables.show_ar(result, eao_result)
        if show_video_level and len(result) < 10:
            tables.show_ar_videos(result, helight_threshold)


class EAOBenchmark:
    """Expected average overlap of runs with restarts, for every tag of `tags`.

    `empty`, the frames without a tag, counts them as the other tags are counted; PySOT weighs it by whole sequences.
    """

    def __init__(self, dataset: Dataset, skipping: int = 5, tags: Sequence[str] = ("all",)) -> None:
        self.dataset, self.skipping, self.tags = dataset, skipping, list(tags)
        lengths = np.array([len(video.gt_traj) for video in dataset], np.int64)
        self.low, self.high = interval(dataset.name, lengths)

    def eval(self, eval_trackers: Names = None) -> dict[str, dict[str, float]]:
        """Tracker -> tag -> EAO."""
        return {name: self._score(name) for name in _chosen(eval_trackers, self.dataset)}

    def _score(self, tracker: str) -> dict[str, float]:
        codes, overlaps, lengths, tags = [], [], [], {tag: list[NDArray[np.bool_]]() for tag in self.tags}
        for video in self.dataset:
            inner = (video.width - 1, video.height - 1)
            runs = result_of(self.dataset, video, tracker)
            lengths.append(min(*(len(run) for run in runs), len(video.gt_traj)))
            cut = [run[: lengths[-1]] for run in runs]
            codes.append(np.stack([codes_of(run) for run in cut]))
            overlaps.append(np.array([calculate_accuracy(run, video.gt_traj, bound=inner)[1] for run in cut]))
            for tag, frames in tags.items():
                frames.append(np.array(video.select_tag(tag, 0, lengths[-1]), np.bool_))
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        count = max(lengths)  # what the longest run says nothing of has no part in the mean
        scores = {}
        for tag, frames in tags.items():
            parts = (np.concatenate(codes, axis=1), np.concatenate(overlaps, axis=1), offsets, np.concatenate(frames))
            scores[tag] = eao_statistic(*expected_overlaps(*parts, count), self.low, self.high).value()
        return scores

    def show_result(self, result: Mapping[str, Mapping[str, float]], topk: int = 10) -> None:
        """Prints the EAO of the best `topk` trackers."""
        tables.show_eao(result, self.tags, topk)


class F1Benchmark:
    """Precision, recall and F of long-term runs at a hundred confidences."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def eval(self, eval_trackers: Names = None) -> dict[str, dict[str, dict[str, Floats]]]:
        """Tracker -> `precision`, `recall`, `f1` -> sequence -> (100,) values."""
        return {name: self._score(name) for name in _chosen(eval_trackers, self.dataset)}

    def _score(self, tracker: str) -> dict[str, dict[str, Floats]]:
        runs = {video.name: _longterm_of(self.dataset, video, tracker) for video in self.dataset}
        thresholds = determine_thresholds(np.concatenate([scores for _, scores in runs.values()]))[::-1]
        found: dict[str, dict[str, Floats]] = {"precision": {}, "recall": {}, "f1": {}}
        for video in self.dataset:
            boxes, scores = runs[video.name]
            size = (video.width, video.height)
            overlaps = calculate_accuracy(boxes, video.gt_traj, bound=size)[1]
            present = sum(len(row) > 1 for row in video.gt_traj)
            f1, precision, recall = calculate_f1(overlaps, scores, size, thresholds, present)
            for key, values in zip(found, (precision, recall, f1), strict=True):
                found[key][video.name] = values
        return found

    def show_result(
        self, result: Mapping[str, Any], show_video_level: bool = False, helight_threshold: float = 0.5
    ) -> None:
        """Prints precision, recall and F where F of the mean curves is best."""
        tables.show_f1(result)
        if show_video_level and len(result) < 10:
            tables.show_f1_videos(result, helight_threshold)


def result_of(dataset: Dataset, video: Video, tracker: str) -> Any:
    """What the tracker answered on the video: what is kept of it, or what its file holds."""
    if tracker in video.pred_trajs:
        return video.pred_trajs[tracker]
    return video.load_tracker(dataset.tracker_path, tracker, False)


def _longterm_of(dataset: Dataset, video: Any, tracker: str) -> Any:
    if tracker in video.confidence:
        return video.pred_trajs[tracker], video.confidence[tracker]
    return video.load_tracker(dataset.tracker_path, tracker, False)
