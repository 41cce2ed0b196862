"""The `pysot` command: makes sure that the packages which Python finds are those beside this file, and runs it."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Returns the exit code of the command; 2 when another `pysot` or `toolkit` comes first on the path."""
    for name in ("pysot", "toolkit"):
        spec = find_spec(name)
        places = list((spec.submodule_search_locations if spec else None) or ["nowhere"])
        if HERE / name not in (Path(place).resolve() for place in places):
            print(
                f"pysot: Python finds the package '{name}' at {places[0]}; expected {HERE / name}, which belongs "
                f"to this command. Take {Path(places[0]).parent} off PYTHONPATH, or rename that copy.",
                file=sys.stderr,
            )
            return 2
    from pysot.cli.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
