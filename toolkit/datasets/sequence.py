"""What a benchmark is: named sequences of frames with ground truth, and the protocol they are run under."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from toolkit.datasets.frames import FrameSource
from toolkit.errors import DatasetError
from toolkit.regions import Mask


@dataclass(frozen=True)
class Sequence:
    """One video with one target.

    Attributes:
        name: as the benchmark spells it (`Jogging-1`).
        ground_truth: (N, 4) boxes x, y, w, h or (N, 8) polygons x1, y1, ..., x4, y4; float64 pixels, 0-based unless
            the loader says otherwise. A row of NaN means the target is absent. Only the first row may be known
            (test sets whose truth is on a server): then the array is (1, 4).
        frames: the images, or None when only annotations are at hand (scoring never needs frames).
        image_size: (width, height) when known without reading a frame.
        attributes: names of the whole-sequence attributes that hold (`OCC`, `fast motion`).
        frame_tags: per-frame attributes, name -> (N,) bool (VOT's camera_motion, ...).
        visible: (N,) bool, False where the annotation marks the target absent or fully occluded; None if not annotated.
        masks: per-frame target masks when the benchmark has them, else None. A mask without a set bit: nothing is seen.
        anchors: (N,) int, VOT2020+ multi-start anchors: > 0 forward start, < 0 backward start, 0 none; else None.
        cover: (N,) float in [0, 1], visible share of the target (GOT-10k); else None.
    """

    name: str
    ground_truth: NDArray[np.float64]
    frames: FrameSource | None = None
    image_size: tuple[int, int] | None = None
    attributes: tuple[str, ...] = ()
    frame_tags: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    visible: NDArray[np.bool_] | None = None
    masks: AbstractSequence[Mask] | None = None
    anchors: NDArray[np.int64] | None = None
    cover: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        """Number of frames; without frames, of annotated frames."""
        return len(self.frames) if self.frames is not None else len(self.ground_truth)

    def require_frames(self) -> FrameSource:
        """The frames, or `DatasetError` when this sequence was loaded from annotations alone."""
        if self.frames is None:
            raise DatasetError(
                f"Sequence '{self.name}' has annotations but no images. "
                "Pass --dataset_root with the benchmark's frames."
            )
        return self.frames

    def size(self) -> tuple[int, int] | None:
        """(width, height) of the first frame, read from it when not known; None without frames."""
        if self.image_size is not None or self.frames is None:
            return self.image_size
        height, width = self.frames[0].shape[:2]
        return width, height


@dataclass(frozen=True)
class Benchmark:
    """The sequences that were found, and how they are to be run and scored.

    Attributes:
        name: canonical name (`OTB100`, `VOT2018`, `SYNTH`, or a folder's name for a user's own data).
        protocol: `ope`, `supervised`, `longterm`, `got10k` or `multistart`.
        sequences: those present, in the benchmark's order (sorted by name).
        missing: names the benchmark lists but that were not found; reported once, never run.
        unreadable: name -> why this sequence cannot be opened; empty unless it was loaded with `partial`.
    """

    name: str
    protocol: str
    sequences: tuple[Sequence, ...]
    missing: tuple[str, ...] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.sequences)

    def __iter__(self) -> Iterator[Sequence]:
        return iter(self.sequences)

    def __getitem__(self, name: str) -> Sequence:
        for sequence in self.sequences:
            if sequence.name == name:
                return sequence
        raise DatasetError(f"{self.name} has no sequence '{name}'. It has: {', '.join(self.names())}.")

    def names(self) -> AbstractSequence[str]:
        """Names of the sequences present."""
        return [sequence.name for sequence in self.sequences]

    def select(self, name: str) -> Benchmark:
        """The same benchmark with only sequence `name` (PySOT's `--video`)."""
        return Benchmark(self.name, self.protocol, (self[name],))
