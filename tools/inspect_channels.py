"""Which channels a tracker keeps for a target: `python tools/inspect_channels.py frame.jpg --init-box 130,55,64,80`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pysot.cli.main import run_tool

if __name__ == "__main__":
    sys.exit(run_tool("channels"))
