"""`tools/data.py check`: says what is missing or inconsistent in a benchmark before anything is run on it."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from pysot.cli.command import EXIT_FINE, EXIT_SOME_FAILED, write_json
from toolkit.datasets.check import Problem, open_check
from toolkit.utils.opencv import quiet_opencv

_WIDTH = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("dataset", metavar="NAME|DIR", help="OTB100, VOT2018, LaSOT, ... or a folder")
    parser.add_argument("--dataset_root", type=Path, metavar="DIR", help="where it lies; default: testing_dataset/NAME")
    parser.add_argument("--no-decode", action="store_true", help="only look for the images, do not read them (fast)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every problem")


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0 when nothing was found, 1 when there are problems, 2 when the benchmark cannot be checked."""
    check = open_check(args.dataset, args.dataset_root, decode=not args.no_decode)
    problems = check.absences()
    with quiet_opencv(), tqdm(check, desc=check.name, unit="sequence", disable=not sys.stderr.isatty()) as bar:
        for name, found in bar:
            problems += found
            lines = [f"  {one.severity}: {one.message}" for one in found if not _is_general(one)]
            if lines:
                tqdm.write("\n".join([name, *lines]), file=sys.stdout)
    for text in general_findings(problems):
        print(text)
    errors = sum(problem.severity == "error" for problem in problems)
    concerned = len({problem.sequence for problem in problems} - set(check.missing))
    absent = f", {len(check.missing)} missing" if check.missing else ""
    print(
        f"{check.name}: {len(check)} sequences checked{absent}, {len(check) - concerned} without a finding; "
        f"{errors} errors, {len(problems) - errors} warnings."
    )
    content = {
        "benchmark": check.name,
        "sequences": list(check.openers),
        "missing": list(check.missing),
        "decoded": check.decode,
        "errors": errors,
        "warnings": len(problems) - errors,
        "problems": [asdict(problem) for problem in problems],
    }
    write_json(args.json, content)
    return EXIT_SOME_FAILED if problems else EXIT_FINE


def general_findings(problems: Iterable[Problem]) -> list[str]:
    """Warnings about sequences as wholes, one paragraph for all sequences that they hold for."""
    names: dict[str, list[str]] = {}
    for problem in problems:
        if _is_general(problem):
            names.setdefault(problem.message, []).append(problem.sequence)
    return [
        textwrap.fill(f"warning: {message} ({len(group)}): {', '.join(group)}", _WIDTH, subsequent_indent="  ")
        for message, group in names.items()
    ]


def _is_general(problem: Problem) -> bool:
    return problem.frame is None and problem.severity == "warning"
