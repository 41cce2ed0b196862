"""`tools/zoo.py download`: fetches snapshots by name."""

from __future__ import annotations

import argparse

from pysot.cli.command import EXIT_FINE, EXIT_SOME_FAILED, print_error
from pysot.cli.zoo.info import require_entry
from pysot.core.errors import SnapshotError
from pysot.zoo.catalog import CATALOG
from pysot.zoo.entry import FAMILIES
from pysot.zoo.locate import find_snapshot

INTERRUPTED = "Interrupted. What has arrived or was measured is kept; the same command goes on with the rest."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="zoo names, or experiments they are made for")
    parser.add_argument("--family", choices=FAMILIES, help="everything of this family")


def run(args: argparse.Namespace) -> int:
    """0 when all are here now, 1 when some could not be fetched."""
    entries = [require_entry(name) for name in args.names]
    entries += [entry for entry in CATALOG.values() if entry.family == args.family]
    if not entries:
        print_error("zoo download", "Nothing to fetch: give names, or --family. `pysot zoo list` has them.")
        return EXIT_SOME_FAILED
    failed = 0
    for entry in entries:
        try:
            print(f"{entry.name}: {find_snapshot(entry.name)}", flush=True)
        except SnapshotError as error:
            failed += 1
            print_error("zoo download", str(error))
    return EXIT_SOME_FAILED if failed else EXIT_FINE
