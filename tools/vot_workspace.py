"""Writes a workspace of the VOT toolkit: `tools/vot_workspace.py DIR --stack vot2018 --trackers siamrpn_tiny`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pysot.cli.main import run_tool

if __name__ == "__main__":
    sys.exit(run_tool("vot-workspace"))
