"""`python -m pysot.cli.collect_env`: versions, hardware and snapshots, and what is wrong with this installation."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable, Sequence


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`: none."""


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the report; returns the exit code."""
    parser = argparse.ArgumentParser(description="Print what a bug report needs.")
    add_arguments(parser)
    return run(parser.parse_args(argv))


def run(args: argparse.Namespace) -> int:
    """Prints each part of the report that can be had: 0 when all could, 1 when something cannot be imported."""
    whole = True
    for part in (_packages, _opencv, _regions, _zoo):
        try:
            print(part())
        except (ImportError, OSError) as error:  # OSError: a library that torch needs cannot be loaded
            whole = False
            print(f"problem: {_explain(error, part)}")
    return 0 if whole else 1


def _packages() -> str:
    from pysot.core.device import environment_report

    return environment_report()


def _opencv() -> str:
    from toolkit.utils.opencv import require_cv2

    require_cv2()
    import cv2

    from toolkit.baselines import available_trackers
    from toolkit.visualization.windows import why_no_display

    trackers = ", ".join(available_trackers())
    return f"opencv: {cv2.__version__}; windows: {why_no_display() or 'yes'}; trackers without weights: {trackers}"


def _regions() -> str:
    from pysot.models.layers.prroi_pool import backend_name as pooling_backend
    from toolkit.regions import backend_name

    return f"region overlap: {backend_name()}; RoI pooling: {pooling_backend()}"


def _zoo() -> str:
    from pysot.cli.list_experiments import found_snapshots
    from pysot.config.experiments import experiments_dir, list_experiments
    from pysot.zoo.places import zoo_places

    places = ", ".join(map(str, zoo_places()))
    lines = [f"experiments: {experiments_dir()} ({len(list_experiments())})", f"snapshots are looked for in: {places}"]
    return "\n".join([*lines, *(f"snapshot: {line}" for line in found_snapshots() or ["none on this machine"])])


def _explain(error: Exception, part: Callable[[], str]) -> str:
    """The error; for the first part also the versions that it would have shown."""
    if part is not _packages:
        return str(error)
    return f"{error}\npython: {sys.version.split()[0]}\nplatform: {platform.platform()}"


if __name__ == "__main__":
    sys.exit(main())
