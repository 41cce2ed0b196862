"""`tools/train.py`: trains what a config describes, in one process or, under torchrun, in several."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import cv2
from tqdm.contrib.logging import logging_redirect_tqdm

from pysot.cli.command import EXIT_FINE
from pysot.config.experiments import experiment_name
from pysot.config.loading import load_config
from pysot.core.device import DEVICES, device_name, device_of_rank
from pysot.tracker.builder import device_for
from pysot.training import distributed
from pysot.training.builder import build_trainer
from pysot.training.checkpoint import epoch_path, export_snapshot, load_checkpoint

logger = logging.getLogger(__name__)
INTERRUPTED = "Interrupted. Go on with --resume auto."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options to `parser`."""
    parser.add_argument("--config", "--cfg", required=True, metavar="NAME|PATH", help="an experiment, or a YAML file")
    parser.add_argument("--resume", default="", metavar="auto|PATH", help="a checkpoint; auto: the furthest of the run")
    parser.add_argument("--device", default=None, help=f"{DEVICES} (default: TRAIN.DEVICE, which is auto)")
    parser.add_argument("--skip-missing", action="store_true", help="leave out images that are annotated but not there")
    parser.add_argument("--out", default="", metavar="FILE", help="write the final weights there, as .safetensors")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument("--seed", type=int, default=None, help="instead of TRAIN.SEED")
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0, help=argparse.SUPPRESS)  # of launchers
    parser.add_argument("--opts", nargs=argparse.REMAINDER, default=[], metavar="KEY VALUE", help="keys to change")


def run(args: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    cv2.setNumThreads(1)
    opts = list(args.opts) + ([] if args.seed is None else ["TRAIN.SEED", str(args.seed)])
    cfg = load_config(args.config, opts)
    device = device_for(cfg, args.device or cfg.TRAIN.DEVICE)
    context = distributed.start(device)
    device = device_of_rank(device, context.local_rank)
    logging.basicConfig(
        level=logging.INFO if context.is_main else logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    try:
        with logging_redirect_tqdm():
            resume = args.resume or cfg.TRAIN.RESUME
            trainer = build_trainer(
                cfg, device, context, resume=resume, skip_missing=args.skip_missing, quiet=args.quiet
            )
            logger.info(
                "Training %s on %s: %d epochs of %d steps, %d steps in all, %d of them done; %d samples a step",
                experiment_name(args.config),
                device_name(device),
                cfg.TRAIN.EPOCH,
                trainer.steps_per_epoch,
                cfg.TRAIN.EPOCH * trainer.steps_per_epoch,
                trainer.step_number,
                cfg.TRAIN.BATCH_SIZE * context.world,
            )
            trainer.run()
            last = epoch_path(Path(cfg.TRAIN.SNAPSHOT_DIR), trainer.epoch)
            if context.is_main and args.out:
                described = {"experiment": experiment_name(args.config), "seed": str(cfg.TRAIN.SEED)}
                export_snapshot(load_checkpoint(last), Path(args.out), described)
            logger.info("Finished: %s", args.out or last)
    finally:
        distributed.stop()
    return EXIT_FINE
