"""Benchmarks: named sequences of frames with ground truth, from any layout they are published in."""

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
