"""`tools/zoo.py list`: the catalog, one line each, and what of it is on this machine."""

from __future__ import annotations

import argparse

from pysot.cli.command import EXIT_FINE
from pysot.cli.zoo.page import SCORES_FILE
from pysot.zoo.catalog import CATALOG
from pysot.zoo.entry import FAMILIES
from pysot.zoo.locate import find_here
from pysot.zoo.places import zoo_places
from toolkit.report.scoreboard import REAL_TARGETS, read_board

COLUMNS = ("name", "family", "here", "size", "hash", "success", "license")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("--family", choices=FAMILIES, help="only this family")
    parser.add_argument("--downloaded", action="store_true", help="only what is on this machine")


def run(args: argparse.Namespace) -> int:
    """Prints the table; returns 0."""
    board = read_board(SCORES_FILE)
    rows = []
    for entry in CATALOG.values():
        path = find_here(entry)
        if args.family not in (None, entry.family) or (args.downloaded and path is None):
            continue
        here = "no" if path is None else "ours" if entry.is_own else "yes"
        size = path.stat().st_size if path is not None else entry.size
        scores = board[entry.name].scores(tuple(REAL_TARGETS), "success") if entry.name in board else []
        success = f"{sum(scores) / len(scores):.3f}".removeprefix("0") if scores else "-"
        megabytes = f"{size / 1e6:.1f} MB" if size else "?"
        rows.append((entry.name, entry.family, here, megabytes, entry.hash_state, success, entry.license))
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for row in (COLUMNS, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(f"success: measured here over the real targets of MODEL_ZOO.md. Places: {', '.join(map(str, zoo_places()))}")
    return EXIT_FINE
