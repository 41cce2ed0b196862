"""Follows targets through a video: `python tools/demo.py video.mp4 --init-box 130,55,64,80 --save out.mp4`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pysot.cli.main import run_tool

if __name__ == "__main__":
    sys.exit(run_tool("demo"))
