"""`pysot synth-demo`: runs a tracker on the embedded benchmark SYNTH, scores it, and leaves a video and a picture."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence as AbstractSequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pysot.cli.command import EXIT_FINE, EXIT_SOME_FAILED, print_error
from pysot.cli.tracker_options import open_experiment
from pysot.tracker.builder import DEFAULT_EXPERIMENT
from toolkit.datasets import Image, Sequence, load_benchmark
from toolkit.evaluation import evaluate
from toolkit.regions import Rectangle, rectangle_iou
from toolkit.report import overview, to_console
from toolkit.results.layout import open_tracker
from toolkit.results.reader import read_boxes
from toolkit.results.writer import write_files
from toolkit.runner import RunSummary, run_benchmark
from toolkit.visualization.drawing import PALETTE, WHITE, Pen, draw_caption, draw_label, draw_region
from toolkit.visualization.video_sink import VideoSink, encode_image

COMMAND = "synth-demo"
BENCHMARK = "SYNTH"
_ZOOM = 2  # the frames are small; lines and text are drawn on enlarged ones
_VIDEO_FPS = 20.0
_GRID = (2, 3)  # rows and columns of the picture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("--out", type=Path, default=Path("demo_output"), metavar="DIR", help="default: demo_output")
    parser.add_argument("--workers", type=int, default=min(os.cpu_count() or 1, 4), metavar="N", help="processes")


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0 when every sequence was run and scored, 1 when some failed, 2 when nothing could be done."""
    began = time.perf_counter()
    choice = open_experiment(DEFAULT_EXPERIMENT, None, download=False)
    print(f"The demo runs {choice.name} ({choice.weights}).")
    benchmark = load_benchmark(BENCHMARK)
    print(f"Running it on the {len(benchmark)} rendered sequences of {BENCHMARK} with {args.workers} processes ...")
    summary = run_benchmark(
        choice.factory("auto", threads=1), benchmark, args.out / "results", choice.name,
        workers=args.workers, overwrite=True, progress=sys.stderr.isatty(),
    )  # fmt: skip
    for failure in summary.failures:
        print_error(COMMAND, failure.message)
    if summary.failures:
        return EXIT_SOME_FAILED
    report = evaluate(benchmark, {choice.name: summary.folder})
    print(f"\n{to_console(overview(report))}")
    success = {name: np.nan_to_num(scores["success"]) for name, scores in report[choice.name].sequences.items()}
    typical = benchmark[sorted(success, key=success.__getitem__)[len(success) // 2]]  # of median success
    video = save_video(typical, boxes_of(summary, typical), args.out / "demo.mp4")
    step = max(1, len(benchmark) // (_GRID[0] * _GRID[1]))
    picture = save_picture(benchmark.sequences[::step], summary, args.out / "demo.png")
    print(_reading_guide(summary, typical.name, video, picture, time.perf_counter() - began))
    return EXIT_FINE


def boxes_of(summary: RunSummary, sequence: Sequence) -> NDArray[np.float64]:
    """(N, 4) x, y, w, h: what the run answered on a sequence."""
    return read_boxes(open_tracker(summary.folder), sequence.name, len(sequence)).runs[0]


def compare_frame(sequence: Sequence, boxes_xywh: NDArray[np.float64], index: int) -> Image:
    """Frame `index`, enlarged, with the ground truth in white and the tracker's box in orange with their overlap."""
    image = sequence.require_frames()[index]
    canvas = np.asarray(cv2.resize(image, None, fx=_ZOOM, fy=_ZOOM, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    truth, box, pen = sequence.ground_truth[index], boxes_xywh[index], Pen.for_image(canvas)
    if np.isfinite(truth).all():
        draw_region(canvas, Rectangle(*(truth * _ZOOM).tolist()), WHITE, pen)
    overlap = float(rectangle_iou(truth, box))
    x, y, width, height = (box * _ZOOM).tolist()
    draw_region(canvas, Rectangle(x, y, width, height), PALETTE[0], pen)
    label = "target out of view" if np.isnan(overlap) else f"IoU {overlap:.2f}"
    draw_label(canvas, label, (x, y, width, height), PALETTE[0], pen)
    draw_caption(canvas, f"{sequence.name}  frame {index}", pen)
    return canvas


def save_video(sequence: Sequence, boxes_xywh: NDArray[np.float64], path: Path) -> Path:
    """Writes a sequence with truth and result drawn on every frame; returns the file."""
    with VideoSink(path, _VIDEO_FPS) as sink:
        for index in range(len(sequence)):
            canvas = compare_frame(sequence, boxes_xywh, index)
            draw_caption(canvas, "white: ground truth   orange: tracker", Pen.for_image(canvas), bottom=True)
            sink.write(canvas)
    return sink.path


def save_picture(sequences: AbstractSequence[Sequence], summary: RunSummary, path: Path) -> Path:
    """Writes the middle frames of the first sequences, with truth and result, as one picture; returns the file."""
    rows, columns = _GRID
    tiles = [
        compare_frame(sequence, boxes_of(summary, sequence), len(sequence) // 2)
        for sequence in sequences[: rows * columns]
    ]
    picture = np.vstack([np.hstack(tiles[row * columns : (row + 1) * columns]) for row in range(rows)])
    write_files({path: encode_image(picture)})
    return path


def _reading_guide(summary: RunSummary, sequence: str, video: Path, picture: Path, seconds: float) -> str:
    """What was written where, and how to read it."""
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):  # as one would type it
        python = python.relative_to(Path.cwd())
    return f"""\
{summary.frames} frames, tracker {summary.fps:.1f} fps per process; the demo took {seconds:.0f} s.
video:   {video}  ({sequence}, the sequence of median score; white: ground truth, orange: tracker)
picture: {picture}  (one frame of several sequences; IoU is the overlap of the two boxes, 1 is perfect)
results: {summary.folder}  (one file per sequence, a line x,y,w,h per frame)
Success is the area under the success plot, close to the mean IoU; precision is the share of frames whose center is \
within 20 px. Both go from 0 to 1.
Score it again: {python} tools/eval.py -p {summary.folder.parent.parent} -d {BENCHMARK}"""
