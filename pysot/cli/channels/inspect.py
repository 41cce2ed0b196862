"""`tools/inspect_channels.py`: which channels a target-aware tracker keeps, as a picture and a table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pysot
from pysot.cli.boxes import read_target
from pysot.cli.channels.sheet import LevelView, channel_sheet
from pysot.cli.command import EXIT_FINE, check_picture
from pysot.cli.tracker_options import Experiment, add_tracker_arguments, choose_tracker
from pysot.core.errors import SotError
from pysot.models.target_aware import SearchView
from pysot.tracker.target_aware import TargetAwareTracker
from toolkit.protocols.start import Box
from toolkit.results.writer import write_files
from toolkit.visualization.video_sink import encode_image

SMALL_SIAMESE = "siamrpn_tiny"
_SWITCH = ("TARGET_AWARE.ENABLED", "True")
_HEADER = "level,channel,importance,kept,mean_on_target,mean_around_it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    what = parser.add_argument_group("what to look at")
    what.add_argument("source", nargs="+", help="image; or video or folder, whose first frame is taken")
    what.add_argument("--init-box", "--init_box", required=True, metavar="X,Y,W,H", help="target in it, pixels")
    add_tracker_arguments(parser)
    out = parser.add_argument_group("output")
    out.add_argument("--out", type=Path, default=Path("channels.png"), metavar="FILE", help="default: channels.png")
    out.add_argument("--csv", type=Path, metavar="FILE", help="a line per channel; default: --out ending in .csv")


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0 when picture and table were written, 2 for bad input."""
    check_picture(args.out)
    frame, box = read_target(args.source, args.init_box)
    chosen = choose_tracker(args, default=SMALL_SIAMESE)
    if not isinstance(chosen, Experiment):
        raise SotError(f"{chosen.name} has no channels to choose from. Give --config with an experiment.")
    name = chosen.name if chosen.cfg.TARGET_AWARE.ENABLED else f"{chosen.name}, {' '.join(_SWITCH)}"
    tracker = pysot.load_tracker(config=chosen.cfg, snapshot=chosen.weights, device=args.device, opts=_SWITCH)
    tracker = getattr(tracker, "base", tracker)  # what a global search wraps
    assert isinstance(tracker, TargetAwareTracker)  # the config's check lets no other be switched on
    tracker.init(frame, box)
    assert tracker.selection is not None
    view = tracker.selection_view(frame)
    levels = _level_views(tracker, view, box)
    table = args.csv or args.out.with_suffix(".csv")
    sheet = channel_sheet(view.crop, (box[2] * view.scale, box[3] * view.scale), levels, name)
    write_files({args.out: encode_image(sheet, args.out.suffix), table: _table(levels)})
    print(f"{args.out} and {table}: {name}, chosen in {1e3 * tracker.selection.seconds:.0f} ms")
    for level in levels:
        print(f"  {level.summary()}")
    return EXIT_FINE


def _level_views(tracker: TargetAwareTracker, view: SearchView, box: Box) -> list[LevelView]:
    """What there is to show of every map that was selected on."""
    assert tracker.selection is not None
    assert tracker.selector is not None
    side, views = view.crop.shape[0], []
    target = (box[2] * view.scale / side, box[3] * view.scale / side)
    for number, level in enumerate(tracker.selection.levels):
        if level is not None:
            x = view.maps[number]
            size, middle = (x.shape[-2], x.shape[-1]), view.middles[number]
            label = tracker.selector.label(size, tracker.template_hw[number], middle).numpy()
            features = x[0].float().cpu().numpy()
            importance, kept = level.importance.cpu().numpy(), level.kept.cpu().numpy()
            views.append(LevelView(number, features, label, importance, kept, target))
    return views


def _table(levels: Sequence[LevelView]) -> str:
    """One line per channel of every level."""
    lines = [_HEADER]
    for level in levels:
        columns = zip(level.importance, level.kept, *level.means(), strict=True)
        for channel, (importance, kept, on, around) in enumerate(columns):
            lines.append(f"{level.number},{channel},{importance:.6g},{int(kept)},{on:.6g},{around:.6g}")
    return "\n".join(lines) + "\n"
