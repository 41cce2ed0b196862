"""`tools/data.py`: looks after benchmarks, results and training data; each of its sub-commands is a file of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pysot.cli.data import check as data_check
from pysot.cli.data import prepare as data_prepare
from pysot.cli.data import show as data_show
from pysot.cli.data import submit as data_submit

SUBCOMMANDS = {"check": data_check, "submit": data_submit, "prepare": data_prepare, "show": data_show}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the sub-commands to `parser`."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, module in SUBCOMMANDS.items():
        sub = commands.add_parser(name, help=module.HELP, description=f"{module.HELP.capitalize()}.")
        module.add_arguments(sub)
        sub.set_defaults(run_data=module.run)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `tools/data.py`; returns the exit code."""
    parser = argparse.ArgumentParser(description="Look after benchmarks, results and training data.")
    add_arguments(parser)
    return run(parser.parse_args(argv))


def run(args: argparse.Namespace) -> int:
    """Runs the sub-command; returns its exit code."""
    code: int = args.run_data(args)
    return code


if __name__ == "__main__":
    sys.exit(main())
