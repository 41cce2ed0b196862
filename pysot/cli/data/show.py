"""`tools/data.py show`: a picture of training samples as the network sees them, to look at before paying for a run."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pysot.cli.command import EXIT_FINE, check_picture
from pysot.cli.data.contact_sheet import SET_LEGEND, contact_sheet, draw_clip, draw_frame_set, draw_pair
from pysot.config.experiments import experiment_name
from pysot.config.loading import load_config, override_config
from pysot.core.errors import ConfigError, SotError
from pysot.core.registry import closest
from pysot.datasets.builder import build_training_data
from pysot.datasets.samples.pairs import PairDataset
from toolkit.results.writer import write_files
from toolkit.utils.opencv import quiet_opencv
from toolkit.visualization.video_sink import encode_image


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("--config", required=True, metavar="NAME|FILE", help="experiment name or YAML file")
    parser.add_argument("--opts", nargs="+", default=[], metavar="KEY VALUE", help="config keys to change")
    parser.add_argument("--source", metavar="NAME", help="only this entry of DATASET.NAMES")
    parser.add_argument("--count", type=int, default=16, metavar="N", help="samples; default: 16")
    parser.add_argument("--seed", type=int, metavar="N", help="default: TRAIN.SEED, the first samples of the run")
    parser.add_argument("--out", type=Path, default=Path("pairs.png"), metavar="FILE", help="default: pairs.png")
    parser.add_argument("--skip-missing", action="store_true", help="go on without files that an annotation names")


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0 when the sheet was written, 2 when the config or its data cannot be used."""
    if args.count < 1:
        raise SotError(f"--count is {args.count}; expected 1 or more.")
    check_picture(args.out)
    cfg = load_config(args.config, [*args.opts, *(() if args.seed is None else ("TRAIN.SEED", str(args.seed)))])
    if args.source is not None:
        names = cfg.DATASET.NAMES
        if args.source not in names:
            hint = closest(args.source, names)
            raise ConfigError(f"--source {args.source} is not in DATASET.NAMES.{hint} Known: {', '.join(names)}.")
        cfg = override_config(cfg, ["DATASET.NAMES", json.dumps([args.source])])
    data = build_training_data(cfg, skip_missing=args.skip_missing)
    with quiet_opencv():
        samples = [(data[index], data.describe(index)) for index in range(args.count)]
    title = f"{experiment_name(args.config)}: the first {args.count} training samples of seed {cfg.TRAIN.SEED}. "
    if isinstance(data, PairDataset):
        title += "Left: the template; right: the search region with what the network is to answer."
        sheet = contact_sheet([draw_pair(*sample, data.labels.grid) for sample in samples], title=title)
    elif "frames" in samples[0][0]:
        title += "First the picture of the target, then the frames to attend to it in."
        sheet = contact_sheet([draw_clip(*sample) for sample in samples], 1, title, SET_LEGEND[:1])
    else:
        title += "First the frames to learn the target from, then those to find it in, with boxes to be rated."
        sheet = contact_sheet([draw_frame_set(*sample) for sample in samples], 2, title, SET_LEGEND)
    write_files({args.out: encode_image(sheet, args.out.suffix)})
    print(f"{args.out}: {title}")
    return EXIT_FINE
