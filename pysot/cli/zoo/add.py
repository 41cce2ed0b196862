"""`tools/zoo.py add`: takes a file into the zoo; for a snapshot of ours prints the row it needs in the catalog."""

from __future__ import annotations

import argparse
from pathlib import Path

from pysot.cli.command import EXIT_FINE
from pysot.cli.zoo.fit import fitting_weights
from pysot.config.experiments import experiments_dir
from pysot.zoo.add import add_file
from pysot.zoo.entry import FAMILIES
from pysot.zoo.files import SAFETENSORS
from pysot.zoo.hashing import sha256_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a snapshot, or a zip or tar with one")
    parser.add_argument("--as", dest="name", default="", metavar="NAME", help="its zoo name; default: recognized")


def run(args: argparse.Namespace) -> int:
    """Adds; returns 0. Raises `SotError` when the file is not what it is said to be."""
    folder = args.file.resolve().parent
    if folder.parent == experiments_dir().resolve() and args.file.suffix == SAFETENSORS:
        # beside an experiment of ours, where it needs no other place
        fitting_weights(args.file, folder.name)
        family = next((family for family in FAMILIES if folder.name.startswith(family)), "siamrpn")
        print(
            "Row for OWN_ROWS in pysot/zoo/catalog.py (fill in checks: success on two sequences of SYNTH):\n"
            f'    _own(\n        "{folder.name}",\n        family="{family}",\n'
            f'        sha256="{sha256_of(args.file)}",\n        size={args.file.stat().st_size},\n'
            '        paper="here",\n        checks={},\n    ),'
        )
        return EXIT_FINE
    added = add_file(args.file, args.name, check=fitting_weights)
    print(f"{added.name}: {added.path}, {added.tensors} tensors, hash {added.trust.value}")
    return EXIT_FINE
