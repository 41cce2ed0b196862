"""`tools/zoo.py info`: everything the catalog knows of a snapshot."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from pysot.cli.command import EXIT_FINE
from pysot.cli.zoo.page import SCORES_FILE
from pysot.core.errors import SotError
from pysot.core.registry import closest
from pysot.zoo.catalog import CATALOG, find_entry
from pysot.zoo.download import by_hand
from pysot.zoo.entry import FORMS, ModelEntry, page_of
from pysot.zoo.locate import find_here
from toolkit.report.scoreboard import board_table, read_board


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("name", metavar="NAME", help="zoo name, or an experiment it is made for")


def run(args: argparse.Namespace) -> int:
    """Prints what is known; returns 0. Raises `SotError` when the name is not."""
    entry = require_entry(args.name)
    facts = [fact for fact in _facts(entry) if fact[1]]
    width = max(len(title) for title, _ in facts)
    for title, text in facts:
        print(f"{title:{width}}  {text}")
    return EXIT_FINE


def require_entry(name: str) -> ModelEntry:
    """The catalog's entry of that name; `SotError` names the closest."""
    entry = find_entry(name)
    if entry is None:
        raise SotError(f"The catalog has no snapshot '{name}'.{closest(name, CATALOG)} See `pysot zoo list`.")
    return entry


def _facts(entry: ModelEntry) -> Iterator[tuple[str, str]]:
    """(title, text) of each fact; empty texts are not known."""
    here = find_here(entry)
    yield "name", entry.name
    yield "also", ", ".join(entry.aliases)
    yield "configs", ", ".join(entry.configs)
    yield "here", str(here) if here is not None else "no"
    yield "file", f"{entry.file}: {FORMS[entry.form].files}"
    yield "size", f"{entry.size} bytes" if entry.size else ""
    yield "sha256", entry.sha256 if entry.is_verified else f"{entry.sha256} ({entry.hash_state})".strip()
    yield "license", entry.license
    yield "origin", entry.origin
    yield "paper", entry.paper
    yield "note", entry.note
    for link in entry.urls:
        yield "link", page_of(link)
    for benchmark, scores in entry.published.items():
        yield "published", f"{benchmark}: " + ", ".join(f"{score} {value:g}" for score, value in scores.items())
    yield "from", entry.published_in
    measured = read_board(SCORES_FILE).get(entry.name)
    if measured is not None:
        table = board_table({entry.name: measured})
        for title, text in list(zip(table.header, table.rows[0], strict=True))[1:]:
            yield "measured", f"{title}: {text}"
        yield "by", f"{measured.command}; {measured.date}, {measured.machine}, threads: {measured.threads}"
    if here is None:
        yield "to get it", f"pysot zoo download {entry.name}" if entry.urls else ""
        yield "", by_hand(entry)
