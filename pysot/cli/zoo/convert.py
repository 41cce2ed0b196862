"""`tools/zoo.py convert`: any snapshot that can be read, to safetensors under our names."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from pysot.cli.command import EXIT_FINE
from pysot.cli.zoo.fit import fitting_weights
from pysot.config.experiments import list_experiments
from pysot.core.errors import SotError
from pysot.core.registry import closest
from pysot.training.checkpoint import export_snapshot
from pysot.zoo.catalog import CATALOG, find_entry
from pysot.zoo.files import SAFETENSORS
from pysot.zoo.hashing import pin, sha256_of
from pysot.zoo.loading import read_state_dict
from pysot.zoo.places import download_dir


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="PySOT's, pytracking's, torchvision's, ...")
    parser.add_argument("--to", required=True, metavar="NAME", help="zoo name or experiment that the weights are for")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: NAME.safetensors in the zoo")


def run(args: argparse.Namespace) -> int:
    """Converts; returns 0. Raises `SotError` when the weights do not fit what they are said to be for."""
    known = [*CATALOG, *list_experiments()]
    if find_entry(args.to) is None and args.to not in known:
        hint = closest(args.to, known)
        raise SotError(f"There is no snapshot or experiment '{args.to}'.{hint} See `pysot zoo list`.")
    state = fitting_weights(args.file, args.to)
    out: Path = args.out or download_dir() / f"{args.to}{SAFETENSORS}"
    if out.suffix != SAFETENSORS:
        raise SotError(f"--out {out} must end in {SAFETENSORS}.")
    export_snapshot(state, out, {"experiment": args.to, "source": args.file.name, "sha256": sha256_of(args.file)})
    written = read_state_dict(out)
    if written.keys() != state.keys() or not all(torch.equal(state[key], value) for key, value in written.items()):
        out.unlink()
        raise SotError(f"{out} did not come out as it should and was removed; this is a bug.")
    if args.out is None:
        pin(out.name, sha256_of(out), out.parent)
    print(f"{out}: {len(state)} tensors, {out.stat().st_size / 1e6:.1f} MB, the same bits as {args.file}")
    return EXIT_FINE
