"""Validation by what counts: the model tracks a few sequences, and the boxes are scored as in a benchmark."""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Callable, Iterator
from collections.abc import Sequence as AbstractSequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pysot.core.device import device_of
from pysot.core.errors import TrainingError
from pysot.datasets.sources.base import Source
from pysot.datasets.sources.tracks import FileTrack, MaskTrack
from pysot.models.inference import prepare_for_inference
from pysot.models.meta_arch.siamese import SiameseModel
from pysot.training.checkpoint import rng_state, set_rng_state
from toolkit.datasets.frames import GeneratedFrames
from toolkit.datasets.image_folder import ImageFolder
from toolkit.datasets.sequence import Sequence
from toolkit.evaluation.got10k import frame_overlaps
from toolkit.evaluation.ope import RULES, OpeTruth
from toolkit.protocols.ope import run_ope
from toolkit.protocols.session import StepError
from toolkit.protocols.tracker import TrackerLike

logger = logging.getLogger(__name__)


def trained_on(sources: AbstractSequence[Source], sequences: AbstractSequence[Sequence]) -> list[str]:
    """Names of those of `sequences` whose folder of images videos of `sources`, or of what these draw from, lie in.

    Sources without recorded videos (prepared crops, rendered scenes) cannot be compared, nor can video files.
    """
    seen = {os.path.realpath(folder) for source in sources for folder in _image_folders(source)}
    folders = {s.name: os.path.realpath(s.frames.folder) for s in sequences if isinstance(s.frames, ImageFolder)}
    return [name for name, folder in folders.items() if folder in seen]


def _image_folders(source: Source) -> set[Path]:
    found: set[Path] = set()
    for part in vars(source).values():
        if isinstance(part, Source):
            found |= _image_folders(part)
    for track in (track for video in getattr(source, "videos", ()) for track in video):
        if isinstance(track, (FileTrack, MaskTrack)):
            found.add((track.folder / track.files[0]).parent)
    return found


def inference_copy(model: SiameseModel) -> SiameseModel:
    """A copy of `model`, as it is now, in its fastest form on the same device, for `build_tracker`.

    `model` itself is not touched: not its mode, its weights, its gradients or its batch-norm statistics.
    """
    return prepare_for_inference(copy.deepcopy(model), device_of(model))


def validate(
    tracker_factory: Callable[[], TrackerLike], sequences: AbstractSequence[Sequence], max_frames: int | None = None
) -> dict[str, float]:
    """Tracks the first `max_frames` frames (None: all) of each sequence once, from its first box, without restart.

    Args:
        tracker_factory: makes the one tracker that runs all sequences; around an `inference_copy` of a model in
            training.
        sequences: with frames and ground truth, as `toolkit.datasets.load_benchmark` returns them.
        max_frames: at least 2.

    Returns:
        For `RunLog.scalars`, all in [0, 1]: `auc/NAME` and `iou/NAME` of each sequence, and their means `auc` and
        `iou`. `auc` is the area under OTB's success curve, first frame included; `iou` the mean overlap of the frames
        after it whose target can be seen. A sequence whose tracker fails scores 0, with a warning.

    The random generators of the process are left as they were. Raises `TrainingError` without sequences, when one is
    not annotated to its end, or when `max_frames` leaves nothing to track.
    """
    if not sequences:
        raise TrainingError("There is no sequence to validate on. Name a benchmark or a folder that has some.")
    if max_frames is not None and max_frames < 2:
        raise TrainingError(f"Validation is limited to {max_frames} frames per sequence; expected at least 2.")
    shortened = [annotated(shorten(sequence, max_frames)) for sequence in sequences]
    with _same_random_state():
        tracker = tracker_factory()
        scores = {sequence.name: _score(tracker, sequence) for sequence in shortened}
    auc, iou = (float(np.mean(column)) for column in zip(*scores.values(), strict=True))
    values = {"auc": auc, "iou": iou}
    for name, (sequence_auc, sequence_iou) in scores.items():
        values |= {f"auc/{name}": sequence_auc, f"iou/{name}": sequence_iou}
    return values


@contextmanager
def _same_random_state() -> Iterator[None]:
    """Training draws the same numbers whether or not a validation came in between."""
    before = rng_state()
    try:
        yield
    finally:
        set_rng_state(before)


def _score(tracker: TrackerLike, sequence: Sequence) -> tuple[float, float]:
    """(AUC, mean IoU) of one run."""
    try:
        boxes_xywh = run_ope(tracker, sequence).boxes_xywh
    except StepError as error:
        logger.warning("Validation counts this sequence as 0: %s", error)
        return 0.0, 0.0
    auc = OpeTruth([sequence], RULES["pysot"]).score([boxes_xywh]).success.mean()
    overlaps = frame_overlaps(sequence, [boxes_xywh], sequence.image_size)
    return float(auc), float(overlaps.mean()) if len(overlaps) else 0.0


def annotated(sequence: Sequence) -> Sequence:
    if len(sequence.ground_truth) != len(sequence):
        raise TrainingError(
            f"Sequence '{sequence.name}' cannot validate: {len(sequence.ground_truth)} boxes for {len(sequence)} "
            "frames. Name a benchmark whose ground truth is public."
        )
    return sequence


def shorten(sequence: Sequence, count: int | None) -> Sequence:
    """`sequence` with its first `count` frames and their annotations only; as it is when it has no more."""
    frames = sequence.require_frames()
    if count is None or len(sequence) <= count:
        return sequence

    def cut(values: NDArray | None) -> NDArray | None:
        return None if values is None else values[:count]

    return replace(
        sequence,
        frames=GeneratedFrames(count, frames.__getitem__, sequence.name),
        ground_truth=sequence.ground_truth[:count],
        frame_tags={name: tags[:count] for name, tags in sequence.frame_tags.items()},
        visible=cut(sequence.visible),
        masks=None if sequence.masks is None else sequence.masks[:count],
        anchors=cut(sequence.anchors),
        cover=cut(sequence.cover),
    )
