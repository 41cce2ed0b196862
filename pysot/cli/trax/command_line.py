"""How another program starts `pysot trax`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pysot


def trax_command(options: Sequence[str]) -> list[str]:
    """The words that start a TraX server of this package, in this Python, with `options` of `pysot trax`."""
    script = Path(pysot.__file__).resolve().parents[1] / "tools" / "vot_iter.py"
    program = [str(script)] if script.is_file() else ["-m", "pysot.cli.main", "trax"]  # a clone need not be installed
    return [sys.executable, *program, *options]
