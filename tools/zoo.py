"""Finds, fetches, checks, converts and measures snapshots: `python tools/zoo.py list`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pysot.cli.zoo.command import main

if __name__ == "__main__":
    sys.exit(main())
