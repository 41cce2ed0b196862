"""`pysot collect-env`: versions, hardware and snapshots, and what is wrong with this installation.

Each part imports what it reports on, so that the others are printed where one cannot be imported.
"""

from __future__ import annotations

import argparse
import platform
import sys

from pysot.cli.command import EXIT_FINE, EXIT_SOME_FAILED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`: none."""


def run(args: argparse.Namespace) -> int:
    """Prints each part of the report that can be had: 0 when all could, 1 when something cannot be imported."""
    code = EXIT_FINE
    for part in (_packages, _opencv, _regions, _zoo):
        try:
            print(part())
        except (ImportError, OSError) as error:  # OSError: a library that torch needs cannot be loaded
            code = EXIT_SOME_FAILED
            print(f"problem: {error}")
            if part is _packages:
                print(f"python: {sys.version.split()[0]}\nplatform: {platform.platform()}")
    return code


def _packages() -> str:
    import pysot
    import toolkit
    from pysot.core.device import environment_report

    return f"pysot: {pysot.__path__[0]}\ntoolkit: {toolkit.__path__[0]}\n{environment_report()}"


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
