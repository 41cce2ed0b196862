"""`tools/zoo.py`: snapshots by name; each of its sub-commands is a file of its own."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from pysot.cli.command import guarded
from pysot.cli.zoo import add as zoo_add
from pysot.cli.zoo import convert as zoo_convert
from pysot.cli.zoo import download as zoo_download
from pysot.cli.zoo import info as zoo_info
from pysot.cli.zoo import list as zoo_list
from pysot.cli.zoo import page as zoo_page
from pysot.cli.zoo import score as zoo_score
from pysot.cli.zoo import verify as zoo_verify

SUBCOMMANDS = {
    "list": zoo_list,
    "info": zoo_info,
    "download": zoo_download,
    "verify": zoo_verify,
    "convert": zoo_convert,
    "add": zoo_add,
    "score": zoo_score,
    "page": zoo_page,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the sub-commands to `parser`."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, module in SUBCOMMANDS.items():
        sub = commands.add_parser(name, help=module.HELP, description=f"{module.HELP.capitalize()}.")
        module.add_arguments(sub)
        sub.set_defaults(run_zoo=module.run)


def main(argv: Sequence[str] | None = None) -> int:
    """ModelEntry point of `tools/zoo.py`; returns the exit code."""
    parser = argparse.ArgumentParser(description="Find, fetch, check, convert and measure snapshots.")
    add_arguments(parser)
    return run(parser.parse_args(argv))


def run(args: argparse.Namespace) -> int:
    """Runs the sub-command: 0 when all went well, 1 when some of it failed, 2 for bad input."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    interrupted = "Interrupted. What has arrived or was measured is kept; the same command goes on with the rest."
    return guarded("zoo", lambda: args.run_zoo(args), interrupted=interrupted)


if __name__ == "__main__":
    sys.exit(main())
