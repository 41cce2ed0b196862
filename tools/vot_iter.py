"""Serves a tracker to the VOT toolkit (TraX): `python tools/vot_iter.py --config nanotrack_v2`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pysot.cli.main import run_tool

if __name__ == "__main__":
    sys.exit(run_tool("trax"))
