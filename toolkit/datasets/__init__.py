"""Benchmarks: named sequences of frames with ground truth, from any layout they are published in."""

from typing import Any

from toolkit.utils.opencv import require_cv2

require_cv2()

from toolkit.datasets.check import Problem, check_benchmark
from toolkit.datasets.frames import FrameSource, GeneratedFrames, Image, ImageFiles, VideoFile, read_image
from toolkit.datasets.loader import load_benchmark
from toolkit.datasets.sequence import Benchmark, Sequence

__all__ = [
    "Benchmark",
    "FrameSource",
    "GeneratedFrames",
    "Image",
    "ImageFiles",
    "Problem",
    "Sequence",
    "VideoFile",
    "check_benchmark",
    "load_benchmark",
    "read_image",
]

PYSOT_NAMES = (
    "DatasetFactory",
    "OTBDataset",
    "UAVDataset",
    "LaSOTDataset",
    "VOTDataset",
    "NFSDataset",
    "VOTLTDataset",
    "GOT10kDataset",
    "TrackingNetDataset",
)


def __getattr__(name: str) -> Any:
    """PySOT's names (docs/pysot_users.md), which nothing here needs: imported when a program asks for one."""
    if name in PYSOT_NAMES:
        from toolkit.compat import datasets

        return getattr(datasets, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
