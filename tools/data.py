"""Looks after benchmarks and results: `python tools/data.py check OTB100 --dataset_root testing_dataset/OTB100`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pysot.cli.data import main

if __name__ == "__main__":
    sys.exit(main())
