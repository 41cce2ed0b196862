"""Runs a tracker with combinations of its numbers: `python tools/hp_search.py --config siamrpn_tiny --dataset DIR`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pysot.cli.main import run_tool

if __name__ == "__main__":
    sys.exit(run_tool("hp-search"))
