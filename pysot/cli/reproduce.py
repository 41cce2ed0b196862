"""`pysot reproduce`: published scores against the ones computed from the same raw result files, as a Markdown table."""

from __future__ import annotations

import argparse
from pathlib import Path

from pysot.cli.command import EXIT_FINE
from toolkit.report import to_markdown
from toolkit.report.reproduce import REFERENCE_FILE, reproduce, reproduction_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("--results", type=Path, required=True, metavar="DIR", help=f"results and {REFERENCE_FILE}")
    parser.add_argument("--annotations", type=Path, required=True, metavar="DIR", help="benchmark annotations")


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0 when the table was printed, 2 for bad input."""
    print(to_markdown(reproduction_table(reproduce(args.results, args.annotations))), end="")
    return EXIT_FINE
