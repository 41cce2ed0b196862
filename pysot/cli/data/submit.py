"""`tools/data.py submit`: packs a tracker's results as the evaluation servers of test sets want them."""

from __future__ import annotations

import argparse
from pathlib import Path

from pysot.cli.command import EXIT_FINE
from toolkit.datasets import Benchmark, load_benchmark
from toolkit.results.layout import open_tracker
from toolkit.results.submission import SERVERS, find_server, make_submission, write_zip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("server", choices=list(SERVERS), help="whose test set it is")
    parser.add_argument("--results", type=Path, required=True, metavar="DIR", help="results/GOT-10k-test/TRACKER")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.zip", help="the zip to write")
    parser.add_argument("--dataset_root", type=Path, metavar="DIR", help="the test set: also check the frame counts")


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0 when the zip was written, 2 when the results are incomplete or unusable."""
    server = find_server(args.server)
    benchmark: Benchmark | None = None
    if args.dataset_root is not None:
        benchmark = load_benchmark(server.benchmark, args.dataset_root)
    contents = make_submission(args.server, open_tracker(args.results), benchmark)
    write_zip(args.out, contents)
    checked = "" if benchmark is not None else " Frame counts were not checked: give --dataset_root."
    print(f"{args.out}: {server.count} sequences of {server.benchmark} in {len(contents)} files.{checked}")
    return EXIT_FINE
