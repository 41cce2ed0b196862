"""`tools/data.py show`: a picture of training pairs as the network sees them, to look at before paying for a run."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import cv2
from yacs.config import CfgNode

from pysot.cli.messages import EXIT_FINE, guarded
from pysot.cli.opencv_log import quiet_opencv
from pysot.core.config import load_config, override_config
from pysot.core.errors import ConfigError, SotError
from pysot.core.experiments import experiment_name
from pysot.core.registry import closest
from pysot.datasets.sheet import contact_sheet, draw_pair
from toolkit.results.writer import write_files

HELP = "draw training pairs of a config, augmented, with their targets, on a contact sheet"
_PICTURES = (".png", ".jpg")
_READING = "Left: the template; right: the search region with what the network is to answer."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("--config", required=True, metavar="NAME|FILE", help="experiment name or YAML file")
    parser.add_argument("--opts", nargs="+", default=[], metavar="KEY VALUE", help="config keys to change")
    parser.add_argument("--source", metavar="NAME", help="only this entry of DATASET.NAMES")
    parser.add_argument("--count", type=int, default=16, metavar="N", help="pairs; default: 16")
    parser.add_argument("--seed", type=int, metavar="N", help="default: TRAIN.SEED, the first pairs of the run")
    parser.add_argument("--out", type=Path, default=Path("pairs.png"), metavar="FILE", help="default: pairs.png")
    parser.add_argument("--skip-missing", action="store_true", help="go on without files that an annotation names")
    parser.add_argument("--debug", action="store_true", help="full tracebacks")


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0 when the sheet was written, 2 when the config or its data cannot be used."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    return guarded("data show", lambda: _run(args), debug=args.debug)


def _run(args: argparse.Namespace) -> int:
    if args.count < 1:
        raise SotError(f"--count is {args.count}; expected 1 or more.")
    if args.out.suffix.lower() not in _PICTURES:
        raise SotError(f"--out {args.out} is no picture; expected a name that ends in {' or '.join(_PICTURES)}.")
    from pysot.datasets.builder import build_pairs  # loads torch, which the other sub-commands do without

    cfg = _load(args)
    pairs = build_pairs(cfg, skip_missing=args.skip_missing)
    stride = cfg.POINT.STRIDE if cfg.HEAD.TYPE == "BAN" else cfg.ANCHOR.STRIDE
    with quiet_opencv():
        tiles = [draw_pair(pairs[index], pairs.describe(index), stride) for index in range(args.count)]
    title = f"{experiment_name(args.config)}: the first {args.count} training pairs of seed {cfg.TRAIN.SEED}."
    _, encoded = cv2.imencode(args.out.suffix, contact_sheet(tiles, title=f"{title} {_READING}"))
    write_files({args.out: encoded.tobytes()})
    print(f"{args.out}: {title} {_READING}")
    return EXIT_FINE


def _load(args: argparse.Namespace) -> CfgNode:
    """The config with --opts, --source and --seed written over it."""
    cfg = load_config(args.config, args.opts)
    changes = [] if args.seed is None else ["TRAIN.SEED", str(args.seed)]
    if args.source is not None:
        if args.source not in cfg.DATASET.NAMES:
            raise ConfigError(
                f"--source {args.source} is not in DATASET.NAMES.{closest(args.source, cfg.DATASET.NAMES)} "
                f"Known: {', '.join(cfg.DATASET.NAMES)}."
            )
        changes += ["DATASET.NAMES", json.dumps([args.source])]
    return override_config(cfg, changes)
