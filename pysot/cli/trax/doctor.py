"""`pysot trax doctor`: would this tracker work in the VOT toolkit? One line per check; the first that fails ends it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from pysot.cli.command import EXIT_FINE
from pysot.cli.tracker_options import choose_tracker
from pysot.cli.trax.command_line import trax_command
from pysot.cli.trax.serve import add_trax_arguments
from toolkit.vot.doctor import examine

DEFAULT = "siamrpn_tiny"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    add_trax_arguments(parser)
    parser.add_argument("--timeout", type=float, default=60.0, metavar="S", help="for each answer (default: 60)")


def run(args: argparse.Namespace) -> int:
    """Prints a line per check. What fails is raised, and says what to do."""
    choose_tracker(args, default=DEFAULT)  # a missing snapshot is not TraX's fault, and is told before
    options = [*_given(args), "--region", args.region, "--threads", str(args.threads), "--device", args.device]
    with tempfile.TemporaryDirectory() as folder:
        for number, finding in enumerate(examine(trax_command(options), args.region, Path(folder), args.timeout), 1):
            print(f"{number}. {finding.check}: {finding.found}")
            sys.stdout.flush()
    print("The tracker works over TraX. Next: pysot vot-workspace DIR --stack vot2018 --trackers NAME")
    return EXIT_FINE


def _given(args: argparse.Namespace) -> list[str]:
    words = []
    for option in ("tracker", "config", "snapshot"):
        if getattr(args, option):
            words += [f"--{option}", getattr(args, option)]
    if not words:
        words = ["--config", DEFAULT]
    return [*words, "--opts", *args.opts] if args.opts else words
