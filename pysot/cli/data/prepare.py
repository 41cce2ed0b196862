"""`tools/data.py prepare`: makes a prepared training set, as PySOT reads it, from recorded videos."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path

from yacs.config import CfgNode

from pysot.cli.command import EXIT_FINE, EXIT_SOME_FAILED
from pysot.config.loading import get_cfg, override_config
from pysot.core.errors import ConfigError
from pysot.datasets.builder import build_sources
from pysot.datasets.prepare.training_set import FRAME_CACHE_MIB, PrepareSummary, prepare
from pysot.datasets.prepare.video import CropSettings
from pysot.datasets.sources.base import SOURCES, VideoSource
from pysot.datasets.sources.images import set_cache_size
from toolkit.errors import abbreviate
from toolkit.utils.opencv import quiet_opencv

_SHOWN = 10  # unreadable frames that are listed

INTERRUPTED = "Interrupted. Complete videos are kept; the same command goes on with the others."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    what = parser.add_argument_group("which videos")
    what.add_argument("--kind", required=True, metavar="KIND", help=f"how they lie on disk: {', '.join(_kinds())}")
    what.add_argument("--root", type=Path, required=True, metavar="DIR", help="where they lie")
    what.add_argument("--anno", type=Path, metavar="FILE", help="the annotation file, for kinds that have one")
    what.add_argument("--opts", nargs="+", default=[], metavar="KEY VALUE", help="further keys of the kind: SPLIT val")
    out = parser.add_argument_group("what to make")
    out.add_argument("--out", type=Path, required=True, metavar="DIR", help="for train.json and the folder of crops")
    out.add_argument("--size", type=int, default=511, metavar="PX", help="side of a crop; default: 511")
    out.add_argument("--frame-step", type=int, default=1, metavar="N", help="only every N-th frame of an object")
    out.add_argument("--template", action="store_true", help="also write the 127 px crops, which nothing reads")
    out.add_argument("--overwrite", action="store_true", help="make again what is already there")
    how = parser.add_argument_group("machine")
    cores = os.cpu_count() or 1
    how.add_argument("--workers", type=int, default=cores, metavar="N", help="videos at once; default: %(default)s")


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0 when every frame was read, 1 when some were left out, 2 when no set could be made."""
    settings = CropSettings(args.size, args.frame_step, args.template)
    source = open_source(args)
    set_cache_size(FRAME_CACHE_MIB)
    with quiet_opencv():
        summary = prepare(
            source, args.out, settings,
            workers=args.workers, overwrite=args.overwrite, progress=sys.stderr.isatty(),
        )  # fmt: skip
    print(_report(summary))
    print(f"""To train on it:
  DATASET:
    NAMES: [{source.name}]
    {source.name}:
      KIND: crop511
      ROOT: {summary.root}
      ANNO: {summary.annotation}
      FRAME_RANGE: {max(1, source.frame_range // args.frame_step)}""")  # as far in time as the source would draw
    return EXIT_SOME_FAILED if summary.unreadable else EXIT_FINE


def open_source(args: argparse.Namespace) -> VideoSource:
    """The source that --kind, --root, --anno and --opts describe.

    Raises `ConfigError` when there is no such kind, it takes other keys, its files are missing, or it has no frames
    of its own to cut from.
    """
    if args.kind in SOURCES and args.kind not in _kinds():
        raise ConfigError(
            f"--kind {args.kind} makes its frames while training; there are no videos to cut crops from. Kinds that "
            f"have some: {', '.join(_kinds())}."
        )
    tree = get_cfg()
    name = re.sub(r"\W", "_", args.root.absolute().name) or "videos"
    if name in tree.DATASET:  # a group of the default config that is no source
        name = f"{name}_"
    tree.DATASET[name] = CfgNode(new_allowed=True)
    if len(args.opts) % 2:
        raise ConfigError(f"--opts takes KEY VALUE pairs; got {len(args.opts)} words: {' '.join(args.opts)}.")
    paths = {"ROOT": args.root, "ANNO": args.anno}
    values = {key: json.dumps(str(path.absolute())) for key, path in paths.items() if path is not None}
    values |= {"KIND": json.dumps(args.kind), **dict(zip(args.opts[::2], args.opts[1::2], strict=True))}
    opts = [word for key, value in values.items() for word in (f"DATASET.{name}.{key}", value)]
    (source,) = build_sources(override_config(tree, ["DATASET.NAMES", json.dumps([name]), *opts]))
    assert isinstance(source, VideoSource)
    return source


def _kinds() -> list[str]:
    """The kinds of source that have videos on disk."""
    return [kind for kind in SOURCES if issubclass(SOURCES[kind], VideoSource)]


def _report(summary: PrepareSummary) -> str:
    kept = f" ({summary.resumed} were already there)" if summary.resumed else ""
    rate = f"{summary.crops / summary.seconds:.0f} crops/s" if summary.crops else "nothing to do"
    lines = [
        f"{summary.annotation.parent}: {len(summary.videos)} videos{kept}, {summary.total_crops} crops.",
        f"{summary.crops} crops made in {summary.seconds:.1f} s, {rate}.",
    ]
    empty = [name for name, record in summary.videos.items() if not record.crops]
    if empty:
        lines.append(f"warning: {len(empty)} videos have no readable frame and are left out: {abbreviate(empty)}")
    if summary.unreadable:
        lines.append(f"warning: {len(summary.unreadable)} frames could not be read and are left out:")
        lines.append("  " + abbreviate(summary.unreadable, "\n  ", _SHOWN))
    if summary.masks:
        lines.append(
            f"note: {summary.masks} of the crops have masks in the source. Prepared sets do not hold them: to train "
            "with MASK.MASK, name the source itself in the config."
        )
    return "\n".join(lines)
