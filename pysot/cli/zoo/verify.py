"""`tools/zoo.py verify`: compares everything that is here with the hashes that are known."""

from __future__ import annotations

import argparse

from pysot.cli.command import EXIT_FINE, EXIT_SOME_FAILED
from pysot.cli.zoo.info import require_entry
from pysot.core.errors import SnapshotError
from pysot.zoo.catalog import CATALOG
from pysot.zoo.hashing import Trust, check_hash, sha256_of
from pysot.zoo.loading import read_state_dict
from pysot.zoo.locate import find_here


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these; default: everything that is here")
    parser.add_argument("--read", action="store_true", help="also read the weights")


def run(args: argparse.Namespace) -> int:
    """0 when nothing is wrong, 1 when some file is another than it should be."""
    wrong = 0
    for entry in [require_entry(name) for name in args.names] or CATALOG.values():
        path = find_here(entry)
        if path is None:
            if args.names:
                print(f"{entry.name}: not here")
            continue
        try:
            if not entry.is_own or path.name == entry.file:
                trust = check_hash(path, entry if path.name == entry.file else None)
            elif sha256_of(path) == entry.sha256:
                trust = Trust.VERIFIED
            else:
                raise SnapshotError(
                    f"{path} is not the one of the catalog; if it was made anew, `python tools/zoo.py add {path}` "
                    "prints its row."
                )
            print(f"{entry.name}: {trust.value}: {path}")
            if args.read:
                print(f"  {len(read_state_dict(path))} tensors")
        except SnapshotError as error:
            wrong += 1
            print(f"{entry.name}: WRONG: {error}")
    return EXIT_SOME_FAILED if wrong else EXIT_FINE
