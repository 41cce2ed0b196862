"""`tools/demo.py`: follows one or more targets through a video, shows the result and saves it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from copy import copy
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from tqdm import tqdm

from pysot.cli.boxes import check_boxes, parse_boxes
from pysot.cli.command import EXIT_FINE, EXIT_INTERRUPTED, EXIT_SOME_FAILED, print_error
from pysot.cli.demo.targets import Target
from pysot.cli.tracker_options import add_tracker_arguments, choose_tracker
from pysot.core.errors import SotError
from pysot.tracker.base import State
from pysot.tracker.builder import DEFAULT_EXPERIMENT
from toolkit.datasets.frames import Image
from toolkit.errors import FrameError, ToolkitError
from toolkit.protocols.start import Box
from toolkit.visualization.beside import ReadAhead, WriteBehind
from toolkit.visualization.drawing import Pen, draw_caption
from toolkit.visualization.video_sink import FolderSink, open_sink
from toolkit.visualization.video_source import FrameReader, open_reader
from toolkit.visualization.windows import VideoWindow

COMMAND = "demo"
FALLBACK_FPS = 30.0
_FPS_WINDOW = 20  # frames the rate on the picture is the mean of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.epilog = "q or Esc ends the demo."
    what = parser.add_argument_group("what to watch")
    what.add_argument("source", nargs="*", help="video file, folder, pattern or list of images, or camera; default: 0")
    what.add_argument("--video_name", metavar="SOURCE", help="the same, as PySOT calls it")
    what.add_argument(
        "--init-box", "--init_box", action="append", default=[], metavar="X,Y,W,H",
        help="target in the first frame, pixels; repeat it for several (negative x: --init-box=-5,...)",
    )  # fmt: skip
    what.add_argument("--targets", type=int, default=1, metavar="N", help="how many to draw with the mouse; default: 1")
    what.add_argument("--max-frames", type=int, metavar="N", help="stop after N frames")
    add_tracker_arguments(parser)
    out = parser.add_argument_group("output")
    out.add_argument("--save", metavar="FILE|DIR/", help="video (.mp4, .avi, .mkv, .mov), or folder for images")
    out.add_argument("--fps", type=float, metavar="N", help="of the saved video; default: the source's, else 30")
    out.add_argument("--no-display", action="store_true", help="open no window")
    how = parser.add_argument_group("machine")
    how.add_argument("--threads", type=int, metavar="N", help="torch threads; default: torch's own choice")


def run(args: argparse.Namespace) -> int:
    """Runs the command.

    Returns 0 when every frame was tracked, 1 when some could not be read and were skipped, 2 for bad input, 130 when
    it was interrupted; what was tracked until then is saved.
    """
    boxes = parse_boxes(args.init_box)
    for option, value in (("--targets", args.targets), ("--max-frames", args.max_frames), ("--fps", args.fps)):
        if value is not None and value <= 0:
            raise SotError(f"{option} is {value}; give a number above zero.")
    reader = ReadAhead(open_reader(args.source or ([args.video_name] if args.video_name else [])))
    with ExitStack() as stack:
        stack.callback(reader.close)
        sink = WriteBehind(open_sink(args.save, args.fps or reader.fps or FALLBACK_FPS)) if args.save else None
        _protect(reader, sink)
        make_tracker = choose_tracker(args, DEFAULT_EXPERIMENT).sharing_factory(args.device, args.threads)
        window = stack.enter_context(VideoWindow(f"demo: {reader.name}", not args.no_display))
        if window.reason is not None:
            print(f"{COMMAND}: {window.reason}; running without a window.")
        first = reader.read(0)
        if first is None:
            raise SotError(f"{reader.name} has no frames.")
        boxes = boxes or _draw_boxes(window, first, args.targets)
        check_boxes(boxes, first)
        if sink is not None:
            stack.enter_context(sink)
        targets = [Target(number, make_tracker()) for number in range(len(boxes))]
        for target, box in zip(targets, boxes, strict=True):
            target.start(first, box)
        player = Player(reader, targets, window, sink)
        player.play(first, args.max_frames)
    print(player.summary())
    if player.interrupted:
        return EXIT_INTERRUPTED
    return EXIT_SOME_FAILED if player.skipped else EXIT_FINE


def _protect(reader: FrameReader, sink: WriteBehind | None) -> None:
    """Refuses to write over what is being read."""
    if sink is None or not sink.path.exists():
        return
    own = reader.folder if isinstance(sink.sink, FolderSink) else reader.file
    if own is not None and sink.path.samefile(own):
        raise SotError(f"--save {sink.path} is what the demo reads from. Choose another name.")


def _draw_boxes(window: VideoWindow, image: Image, count: int) -> list[Box]:
    try:
        return window.pick_boxes(image, count)
    except ToolkitError as error:
        raise SotError(f"{error} On the command line: --init-box x,y,w,h.") from error


def _drawn(image: Image, targets: Sequence[Target], caption: str) -> Image:
    canvas, pen = np.array(image), Pen.for_image(image)
    for target in targets:
        target.draw(canvas, pen, numbered=len(targets) > 1)
    draw_caption(canvas, caption, pen)
    return canvas


@dataclass
class Player:
    """Plays a video: every frame is tracked, drawn, shown and saved.

    Attributes:
        reader: where the frames come from.
        targets: started in the first frame.
        window: where frames are shown.
        sink: where they are saved, or None.
        frames: how many were read and tracked, the first one included.
        skipped: frames that could not be read.
        seconds: whole loop: reading, tracking, drawing, showing and saving.
        interrupted: True after Ctrl-C.
    """

    reader: FrameReader
    targets: Sequence[Target]
    window: VideoWindow
    sink: WriteBehind | None
    frames: int = 0
    skipped: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    _recent: list[float] = field(default_factory=list)

    def play(self, first: Image, max_frames: int | None) -> None:
        """Goes to the end of the video, or to `max_frames`, or until the user quits."""
        began = time.perf_counter()
        total = self.reader.total if max_frames is None else max_frames
        with tqdm(total=total, unit="frame", disable=not sys.stderr.isatty(), leave=False) as bar:
            try:
                going = self._present(first, 0)
                index = 1
                while going and index != max_frames:
                    going = self._advance(index)
                    index += 1
                    bar.update()
            except KeyboardInterrupt:
                self.interrupted = True
        if self.sink is not None:
            self.sink.wait()
        self.seconds = time.perf_counter() - began

    def _advance(self, index: int) -> bool:
        """Handles one later frame; False at the end."""
        try:
            image = self.reader.read(index)
        except FrameError as error:
            print_error(COMMAND, f"frame {index} is left out: {error}")
            self.skipped += 1
            return True
        if image is None:
            return False
        before = self._tracking_seconds()
        for target in self.targets:
            target.follow(image)
        self._recent = [*self._recent[1 - _FPS_WINDOW :], self._tracking_seconds() - before]
        return self._present(image, index)

    def _tracking_seconds(self) -> float:
        return sum(target.seconds for target in self.targets)

    def _present(self, image: Image, index: int) -> bool:
        """Draws, saves and shows a frame; False when the user quits. Without a window the saving thread draws."""
        self.frames += 1
        rate = f"  {len(self._recent) / sum(self._recent):.0f} fps" if self._recent else ""
        draw = partial(_drawn, image, [copy(target) for target in self.targets], f"frame {index}{rate}")
        if not self.window.is_open:
            if self.sink is not None:
                self.sink.write_drawn(draw)
            return True
        canvas = draw()
        if self.sink is not None:
            self.sink.write(canvas)
        return self.window.show(canvas)

    def summary(self) -> str:
        """One line: frames, speed, scores, and where the video is. Rates count frames, not targets."""
        count = f"{len(self.targets)} target{'s' if len(self.targets) > 1 else ''}"
        parts = [f"{self.reader.name}: {self.frames} frames, {count}"]
        tracking, tracked = self._tracking_seconds(), self.frames - 1
        if tracking > 0:
            parts.append(f"tracking {tracked / tracking:.1f} fps, whole loop {tracked / self.seconds:.1f} fps")
        scores = [score for target in self.targets for score in target.scores]
        if scores:
            parts.append(f"mean score {np.mean(scores):.2f}")
        lost, unsure = (
            " + ".join(str(target.states[state]) for target in self.targets) for state in (State.LOST, State.UNCERTAIN)
        )
        parts.append(f"lost in {lost}, unsure in {unsure} frames")
        if self.skipped:
            parts.append(f"unreadable frames: {self.skipped}")
        written = self.sink is not None and self.sink.frames
        parts.append(f"saved {self.sink.path}" if self.sink and written else "nothing saved (--save out.mp4)")
        return "; ".join(parts)
