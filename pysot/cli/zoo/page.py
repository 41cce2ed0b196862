"""`tools/zoo.py page`: writes MODEL_ZOO.md from the catalog, the measured scores and the experiments' own words."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import pysot
from pysot.cli.command import EXIT_FINE, EXIT_SOME_FAILED, print_error
from pysot.config.experiments import experiments_dir
from pysot.core.errors import SotError
from pysot.zoo.catalog import CATALOG
from pysot.zoo.entry import FORMS, ModelEntry, page_of
from toolkit.report import Table, to_markdown
from toolkit.report.scoreboard import Board, board_table, read_board
from toolkit.results.writer import write_files

PACKAGE = Path(pysot.__file__).resolve().parent
SCORES_FILE = PACKAGE / "zoo" / "scores.json"
"""The measured scores that MODEL_ZOO.md shows."""
PAGE = PACKAGE.parent / "MODEL_ZOO.md"
STORY = "training.md"
"""Beside an experiment's config: how its weights were made. Links are relative to the checkout."""

_INTRODUCTION = """\
# Model zoo

<!-- Written by `python tools/zoo.py page`: from pysot/zoo/catalog*.py, scores.json, experiments/*/training.md -->

```bash
python tools/zoo.py list --family nanotrack        # what there is, what is here; `pysot zoo` is the same command
python tools/zoo.py info dimp50                    # links, hash, license, scores
python tools/zoo.py download nanotrack_v2          # resumed, checked; --snapshot NAME does it too; needs the network
python tools/zoo.py add ~/Downloads/Alex.pth --as siamrpn_alex_dwxcorr    # a file fetched by hand
python tools/zoo.py verify                         # hashes of everything that is here
python tools/zoo.py convert model.pth --to siamrpn_alex_dwxcorr   # strictly checked, to .safetensors
python tools/zoo.py score --data DIR               # the table below, on your machine; needs its sequences, and hours
```

`--snapshot NAME` and `pysot.load_tracker(NAME)` look for a snapshot in `$PYSOT_ZOO`, then in `~/.cache/pysot`, then at
`experiments/NAME/model.safetensors` or `.pth` (where PySOT users keep theirs), and then download it into the first of
these folders that can be written. Google Drive links need `pip install gdown`, MatConvNet's files
`pip install scipy`; everything else needs nothing more. With `PYSOT_OFFLINE=1` nothing is downloaded. A failed
download names each link with its reason, and how to place the file by hand.

A file is used only when its sha256 agrees. Where a hash is "unverified", nobody has published it and we could not
fetch the file: the first download is trusted, its hash is noted beside it (`FILE.sha256`) and asked for from then on.
Files are read without executing anything in them, and load strictly: a key too many, too few or of another shape is an
error that lists them.
"""

_MEASURED = """\
## Measured here

One pass from the first truth. Success is the area under the curve, with its 95 % bootstrap interval over
sequences; precision the share of frames within 20 px; both are means over the seeds of trackers that draw at
random. Targets: Crossing, Deer, Jogging-1, Jogging-2, Man, MotorRolling and Skiing of OTB100, bag and ball1
of VOT2018; none of our own snapshots was trained on them. fps is the tracker alone, on the real targets.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    parser.add_argument("--check", action="store_true", help="write nothing; fail when MODEL_ZOO.md is not up to date")


def run(args: argparse.Namespace) -> int:
    """0 when the page is up to date, 1 with --check when it is not."""
    if not args.check:
        write_page()
        return EXIT_FINE
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
        return EXIT_FINE
    print_error("zoo page", f"{PAGE} is not up to date. Run: python tools/zoo.py page")
    return EXIT_SOME_FAILED


def write_page() -> None:
    """Writes MODEL_ZOO.md. Raises `SotError` outside a checkout, where there is none."""
    if not PAGE.is_file():
        raise SotError(f"{PAGE} is not there: this command needs a checkout of the project.")
    write_files({PAGE: page()})
    print(f"{PAGE} is written.")


def page() -> str:
    """The text of MODEL_ZOO.md."""
    entries = CATALOG.values()
    trackers = [entry for entry in entries if entry.is_tracker]
    parts = [entry for entry in entries if not entry.is_tracker]
    sections = [
        _INTRODUCTION,
        _measured(read_board(SCORES_FILE)),
        _published(entries),
        "## Trackers\n\n" + _files(trackers),
        "## Backbones, beginnings and parts\n\n" + _files(parts),
        _hashes_and_links(entries),
    ]
    for name in (entry.name for entry in entries if entry.is_own):
        story = experiments_dir() / name / STORY
        if story.is_file():
            sections.append(f"## {name}, our own\n\n{story.read_text(encoding='utf-8')}")
    return "\n".join(section for section in sections if section)


def _measured(board: Board) -> str:
    """The measured scores, and one line for all rows that were measured in the same way."""
    groups: dict[str, list[str]] = {}
    for name, entry in board.items():
        threads = f"{entry.threads} thread{'s' * (entry.threads > 1)}"
        groups.setdefault(f"{entry.date}, {entry.machine}, {threads}: `{entry.command}`", []).append(name)
    notes = [f"- {', '.join(names) if len(groups) > 1 else 'all'}: {how}" for how, names in groups.items()]
    table = to_markdown(board_table(board)).split("\n", 2)[2]
    return "\n".join([_MEASURED, table, *notes, ""])


def _published(entries: Iterable[ModelEntry]) -> str:
    rows = []
    for entry in entries:
        scores = "; ".join(  # `VOT2018 EAO .415, A .601, R .234; OTB2015 AUC .696, Prec .914`
            f"{benchmark} " + ", ".join(f"{score} {value:.3f}".replace(" 0.", " .") for score, value in values.items())
            for benchmark, values in entry.published.items()
        )
        if scores:
            rows.append((entry.name, scores, entry.paper, entry.published_in))
    text = "Their authors' figures, for the files as published; not measured here.\n\n"
    return f"## Published scores\n\n{text}" + _markdown(("snapshot", "scores", "paper", "from"), tuple(rows))


def _files(entries: Iterable[ModelEntry]) -> str:
    rows = tuple(
        (
            entry.name,
            ", ".join(entry.configs) or entry.note,
            FORMS[entry.form].files,
            f"{entry.size / 1e6:.1f} MB" if entry.size else "not known",
            entry.license,
            entry.origin,
        )
        for entry in entries
    )
    return _markdown(("name", "for the configs", "form of the file", "size", "license of the weights", "origin"), rows)


def _hashes_and_links(entries: Iterable[ModelEntry]) -> str:
    rows = tuple(
        (
            entry.name,
            entry.file,
            (entry.sha256 + ("" if entry.is_verified else " ...")) if entry.sha256 else "unverified",
            " ".join(f"<{page_of(link)}>" for link in entry.urls[:1]) or "comes with the project",
        )
        for entry in entries
    )
    return "## Hashes and links\n\n" + _markdown(("name", "file", "sha256", "link"), rows)


def _markdown(header: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    """A table without a title, its columns to the left."""
    text = to_markdown(Table("", header, rows)).split("\n", 2)[2]
    return text.replace("---:", "---", len(header) - 1)
