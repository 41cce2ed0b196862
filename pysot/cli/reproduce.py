"""Prints published scores against the ones computed from the same raw result files, as a Markdown table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pysot.cli.command import EXIT_FINE, guarded
from toolkit.report import to_markdown
from toolkit.report.reproduce import REFERENCE_FILE, reproduce, reproduction_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("--results", type=Path, required=True, metavar="DIR", help=f"results and {REFERENCE_FILE}")
    parser.add_argument("--annotations", type=Path, required=True, metavar="DIR", help="benchmark annotations")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `python -m pysot.cli.reproduce`; returns the exit code."""
    parser = argparse.ArgumentParser(description="Compare published scores with those of their raw result files.")
    add_arguments(parser)
    return run(parser.parse_args(argv))


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0 when the table was printed, 2 for bad input."""
    return guarded("reproduce", lambda: _run(args.results, args.annotations))


def _run(results: Path, annotations: Path) -> int:
    print(to_markdown(reproduction_table(reproduce(results, annotations))), end="")
    return EXIT_FINE


if __name__ == "__main__":
    sys.exit(main())
