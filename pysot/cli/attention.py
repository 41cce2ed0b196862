"""`tools/attention.py`: runs an attention network over every frame of a benchmark and writes its maps as pictures."""

from __future__ import annotations

import argparse
import multiprocessing as mp
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm
from yacs.config import CfgNode

from pysot.cli.command import EXIT_FINE, EXIT_NOTHING_DONE, EXIT_SOME_FAILED, print_error
from pysot.config.experiments import experiment_name
from pysot.config.loading import attention_config, load_config
from pysot.core.attention_input import CLIPS, clip_indices
from pysot.core.crop import Image
from pysot.core.device import resolve_device
from pysot.core.errors import SotError
from pysot.tracker.base import check_box
from pysot.tracker.global_search.attention import Attention
from pysot.tracker.global_search.map_metrics import MapScores
from pysot.zoo.locate import find_snapshot
from toolkit.datasets import load_benchmark
from toolkit.datasets.sequence import Sequence as Video
from toolkit.errors import ToolkitError
from toolkit.protocols.start import start_box
from toolkit.regions.boxes import bounding_boxes
from toolkit.results.writer import write_files
from toolkit.utils.opencv import quiet_opencv
from toolkit.visualization.heatmaps import overlay_heatmap, to_gray_levels
from toolkit.visualization.video_sink import encode_image

COMMAND = "attention"
RELEASED_SIDE = 300
NAMINGS = ("frame", "released")
INTERRUPTED = "Interrupted. Finished maps are kept; the same command continues with the next."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("--config", required=True, metavar="NAME|FILE", help="experiment or YAML file with ATTENTION")
    parser.add_argument("--opts", nargs="+", default=[], metavar="KEY VALUE", help="config keys to change")
    parser.add_argument(
        "--snapshot", metavar="NAME|FILE", help="default: the experiment's own, or a tracker's ATTENTION.SNAPSHOT"
    )
    parser.add_argument("--dataset", required=True, metavar="NAME|DIR", help="OTB100, SYNTH-LT, ... or a folder")
    parser.add_argument("--dataset_root", type=Path, metavar="DIR", help="where it lies; default: testing_dataset/NAME")
    parser.add_argument("--video", metavar="NAME", help="only this sequence")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for <video>/<frame>.png")
    parser.add_argument("--side", type=int, default=0, metavar="N", help="write N x N maps; default: the frame's size")
    parser.add_argument("--overlay", action="store_true", help="write the frames with their maps over them, to look at")
    parser.add_argument("--clip", choices=CLIPS, help="default: ATTENTION.CLIP; centered sees the next frame")
    parser.add_argument("--naming", choices=NAMINGS, default="frame", help="released: as TANet's authors wrote them")
    parser.add_argument("--scores", type=Path, metavar="FILE", help="write how good the maps are, a line per video")
    parser.add_argument("--overwrite", action="store_true", help="make maps again that are there")
    parser.add_argument("--device", default="auto", help="default: auto")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="videos at once, one process each")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="torch threads per worker")


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0 when every map is there, 1 when some videos failed, 2 when nothing could be done."""
    job = _make_job(args)
    videos = load_benchmark(args.dataset, args.dataset_root, video=args.video).sequences
    reports: list[Report] = []
    with quiet_opencv():
        for report in tqdm(_map_videos(job, videos, args.workers), total=len(videos), disable=not sys.stderr.isatty()):
            reports.append(report)
            if report.failure:
                print_error(COMMAND, report.failure)
                continue
            ratio = "" if report.scores is None else f", inside / outside {report.scores['ratio']:.2f}"
            tqdm.write(f"{report.video}: {report.written} maps written, {report.kept} were there{ratio}", sys.stdout)
    if args.scores is not None:
        write_files({args.scores: _table(reports)})
    failed = sum(bool(report.failure) for report in reports)
    if failed == len(reports):
        return EXIT_NOTHING_DONE
    return EXIT_SOME_FAILED if failed else EXIT_FINE


@dataclass(frozen=True)
class MapJob:
    """What is to be written of every video; can be sent to a worker process.

    Attributes:
        cfg, weights, device, threads: the network and how it is run.
        out: folder of all maps.
        side: of the written maps, pixels; 0 for the frame's own size.
        drawn: the frame with its map over it instead of the map.
        released: names and choice of frames as TANet's authors had them.
        overwrite: make again what is there.
    """

    cfg: CfgNode
    weights: Path
    device: str
    threads: int
    out: Path
    side: int
    drawn: bool
    released: bool
    overwrite: bool

    def attention(self) -> Attention:
        """The network, loaded."""
        torch.set_num_threads(self.threads)
        return Attention.from_config(self.cfg, resolve_device(self.device), self.weights)

    def frames(self, count: int) -> range:
        """Numbers of the frames that get a map. As released: not the first and not the last two."""
        return range(1, count - 2) if self.released else range(count)

    def path(self, video: str, index: int) -> Path:
        """Where the map of a frame is written."""
        return self.out / video / (f"{index}_attentionMap.png" if self.released else f"{index:08d}.png")

    def encode(self, frame: Image, attention: NDArray[np.floating]) -> bytes:
        """The PNG of one map."""
        size = (self.side, self.side) if self.side else (frame.shape[1], frame.shape[0])
        if not self.drawn:
            resized = cv2.resize(attention, size, interpolation=cv2.INTER_LINEAR)
            return encode_image(to_gray_levels(np.asarray(resized)))
        picture = overlay_heatmap(frame, attention)
        if self.side:
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        return encode_image(picture)


def _make_job(args: argparse.Namespace) -> MapJob:
    """What the options ask for, checked."""
    released = args.naming == "released"
    clip = args.clip or ("centered" if released else None)
    cfg = load_config(args.config, [*args.opts, *(["ATTENTION.CLIP", clip] if clip else [])])
    if args.side < 0 or args.workers < 1:
        raise SotError(f"--side is {args.side} and --workers {args.workers}; expected 0 or more, and 1 or more.")
    if args.scores is not None and args.overlay:
        raise SotError("--scores reads the maps, but --overlay writes pictures of them. Leave out one of the two.")
    own = experiment_name(args.config) if cfg.HEAD.TYPE == "ATTENTION" else cfg.ATTENTION.SNAPSHOT
    return MapJob(
        cfg=attention_config(cfg, args.snapshot or own),
        weights=find_snapshot(args.snapshot or own),
        device=args.device,
        threads=args.threads,
        out=args.out,
        side=args.side or (RELEASED_SIDE if released else 0),
        drawn=args.overlay,
        released=released,
        overwrite=args.overwrite,
    )


@dataclass(frozen=True)
class Report:
    """What became of a video: maps written and found there, scores where they can be had, or why it failed."""

    video: str
    written: int = 0
    kept: int = 0
    scores: dict[str, float] | None = None
    failure: str = ""


_ATTENTION: list[Attention] = []
"""The network of a worker process."""


def _map_videos(job: MapJob, videos: Sequence[Video], workers: int) -> Iterator[Report]:
    """One report per video, in order."""
    if workers == 1 or len(videos) < 2:
        attention = job.attention()
        yield from (_map_video(job, attention, video) for video in videos)
        return
    # Spawned, not forked: OpenCV's threads do not survive a fork.
    with ProcessPoolExecutor(workers, mp.get_context("spawn"), _start_worker, (job,)) as pool:
        yield from pool.map(_map_in_worker, [job] * len(videos), videos)


def _start_worker(job: MapJob) -> None:
    cv2.setNumThreads(1)
    _ATTENTION[:] = [job.attention()]


def _map_in_worker(job: MapJob, video: Video) -> Report:
    return _map_video(job, _ATTENTION[0], video)


def _map_video(job: MapJob, attention: Attention, video: Video) -> Report:
    """Writes the maps of one video that are not there yet."""
    try:
        frames = video.require_frames()
        first, box_xywh = frames[0], start_box(video, 0)
        check_box(box_xywh, first)
        attention.start(first, box_xywh)
        scores, written, kept = MapScores(), 0, 0
        shrunk: dict[int, Image] = {}
        for index in job.frames(len(frames)):
            path = job.path(video.name, index)
            there = path.is_file() and not job.overwrite
            # None also where the file is damaged
            levels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if there and not job.drawn else None
            if there and (job.drawn or levels is not None):
                kept += 1
            else:
                numbers = clip_indices(index, len(frames), attention.clip_len, attention.clip)
                shrunk = {n: shrunk[n] if n in shrunk else attention.shrink(frames[n]) for n in dict.fromkeys(numbers)}
                found = attention.map_of([shrunk[number] for number in numbers])
                levels = to_gray_levels(found)
                write_files({path: job.encode(frames[index], found)})
                written += 1
            truth = video.ground_truth[index : index + 1]
            seen = len(truth) and np.isfinite(truth).all()  # annotated and in view
            if levels is not None and not job.drawn and index and seen and (size := video.size()):
                shown = np.asarray(levels, np.float32) / 255
                scores.add(shown, bounding_boxes(truth)[0], (size[1], size[0]))
        known = None if job.drawn or not scores.values["hit"] else scores.means()
        return Report(video.name, written, kept, known)
    except (SotError, ToolkitError) as error:
        return Report(video.name, failure=f"{video.name}: {error}")


def _table(reports: Sequence[Report]) -> str:
    """CSV: a line per video that has scores, and their mean."""
    names = ("hit", "recall", "inside", "outside", "ratio", "bce")
    scored = {report.video: [report.scores[name] for name in names] for report in reports if report.scores is not None}
    if scored:
        scored["mean"] = np.mean(list(scored.values()), axis=0).tolist()
    lines = [",".join([video, *(f"{value:.4f}" for value in values)]) for video, values in scored.items()]
    return "\n".join([",".join(("video", *names)), *lines]) + "\n"
