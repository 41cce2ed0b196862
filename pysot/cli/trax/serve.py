"""`pysot trax`, `tools/vot_iter.py`: a tracker as a TraX server, for the VOT toolkit and other TraX clients."""

from __future__ import annotations

import argparse
import sys

from pysot import __version__
from pysot.cli.command import EXIT_FINE
from pysot.cli.tracker_options import add_tracker_arguments, choose_tracker
from toolkit.vot.objects import REGIONS
from toolkit.vot.server import require_trax, serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    add_trax_arguments(parser)


def add_trax_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what says which tracker is served, and how."""
    add_tracker_arguments(parser)
    how = parser.add_argument_group("how it answers")
    how.add_argument("--region", choices=REGIONS, default="polygon", help="what the client sends and gets (polygon)")
    how.add_argument("--threads", type=int, default=1, metavar="N", help="torch threads (default: 1)")


def run(args: argparse.Namespace) -> int:
    """Serves one client; what is printed goes to stderr, for stdout belongs to the protocol."""
    require_trax()
    chosen = choose_tracker(args)
    make_tracker = chosen.sharing_factory(args.device, args.threads)  # reads the weights: a client's clock runs later
    frames = serve(make_tracker, args.region, chosen.name, {"pysot_version": __version__})
    print(f"trax: {chosen.name} tracked {frames} frame(s).", file=sys.stderr)
    return EXIT_FINE
