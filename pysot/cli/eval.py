"""`tools/eval.py`: scores result folders on a benchmark and prints the tables."""

from __future__ import annotations

import argparse
from pathlib import Path

from pysot.cli.command import EXIT_FINE, EXIT_NOTHING_DONE, EXIT_SOME_FAILED, print_error
from toolkit.datasets import load_benchmark
from toolkit.errors import ToolkitError
from toolkit.evaluation import EvaluationReport, evaluate
from toolkit.evaluation.base import SCORERS
from toolkit.evaluation.ope import RULES
from toolkit.report import (
    by_attribute,
    by_sequence,
    comparison,
    overview,
    tidy,
    to_console,
    to_csv,
    to_json,
    to_latex,
    to_markdown,
)
from toolkit.report.figures import FORMATS, STYLES, require_matplotlib, write_figures
from toolkit.report.tables import CONSOLE_LIMIT
from toolkit.results.box_forms import BOX_FORMS
from toolkit.results.writer import write_files

_MOST_TRACKERS_BY_SEQUENCE = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command to `parser`."""
    what = parser.add_argument_group("what to score")
    what.add_argument("--tracker_path", "-p", type=Path, default=Path("results"), metavar="DIR", help="results folder")
    what.add_argument("--dataset", "-d", required=True, metavar="NAME", help="OTB100, VOT2018, LaSOT, ... or a folder")
    what.add_argument("--dataset_root", type=Path, metavar="DIR", help="where it lies; annotations alone are enough")
    what.add_argument("--tracker_prefix", "-t", default="", metavar="NAME", help="only trackers that start with this")
    what.add_argument("--num", "-n", type=int, default=1, metavar="N", help="trackers scored at once (threads)")
    how = parser.add_argument_group("how to score it")
    how.add_argument("--protocol", choices=list(SCORERS), help="default: the benchmark's own")
    rules = how.add_mutually_exclusive_group()
    known = sorted({*RULES, *(name for name, kind in SCORERS.items() if kind.rules_for)})
    rules.add_argument("--rules", choices=known, default="pysot", help="whose scores (default: pysot)")
    rules.add_argument("--strict", dest="rules", action="store_const", const="strict", help="same as --rules strict")
    how.add_argument("--experiment", choices=["baseline", "realtime"], default="baseline", help="VOT's runs to score")
    how.add_argument("--boxes", choices=list(BOX_FORMS), default="xywh", help="form of boxes in files (default: xywh)")
    out = parser.add_argument_group("what to show")
    out.add_argument("--show_video_level", "-s", action="store_true", help="also a table by sequence (< 10 trackers)")
    out.add_argument("--attributes", action="store_true", help="also a table by attribute")
    out.add_argument("--ci", action="store_true", help="95 %% bootstrap intervals over sequences")
    out.add_argument("--compare", nargs=2, metavar="NAME", help="is the first tracker better? paired bootstrap")
    out.add_argument("--json", type=Path, metavar="FILE", help="write everything, intervals included")
    out.add_argument("--csv", type=Path, metavar="FILE", help="write a row for every tracker and sequence")
    out.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables shown")
    out.add_argument("--latex", type=Path, metavar="FILE", help="write the tables shown (booktabs)")
    out.add_argument("--figures", type=Path, metavar="DIR", help="draw curves and rankings (needs matplotlib)")
    out.add_argument("--figure_format", choices=[*FORMATS, "both"], default="both", help="default: both")
    out.add_argument("--figure_style", choices=list(STYLES), default="paper", help="sizes and fonts (default: paper)")


def run(args: argparse.Namespace) -> int:
    """Runs the command: 0 when every tracker was scored, 1 when some were left out, 2 when nothing could be scored."""
    if args.figures is not None:
        require_matplotlib()  # before the scoring, which may take minutes
    report = evaluate(
        load_benchmark(args.dataset, args.dataset_root),
        args.tracker_path,
        prefix=args.tracker_prefix,
        protocol=args.protocol,
        rules=args.rules,
        experiment=args.experiment,
        boxes=args.boxes,
        ci=args.ci or args.json is not None,
        workers=max(1, args.num),
    )
    _show(report, args)
    if not report.trackers:
        print_error("eval", "no tracker could be scored; the reasons are below the table.")
        return EXIT_NOTHING_DONE
    if args.figures is not None:
        formats = FORMATS if args.figure_format == "both" else (args.figure_format,)
        try:
            written = write_figures(report, args.figures, formats, args.figure_style)
        except ToolkitError as error:
            print_error("eval", str(error))
            return EXIT_SOME_FAILED
        print(f"{len(written)} figure files in {args.figures}")
    return EXIT_SOME_FAILED if report.left_out else EXIT_FINE


def _show(report: EvaluationReport, args: argparse.Namespace) -> None:
    more = []
    if args.attributes and report.attributes:
        more.append(by_attribute(report))
    elif args.attributes:
        print_error("eval", f"no table by attribute: {report.benchmark} has no attributes in its annotation.")
    if args.show_video_level and len(report.trackers) < _MOST_TRACKERS_BY_SEQUENCE:
        more.append(by_sequence(report))
    if args.compare:
        more.append(comparison(report, *args.compare))
    print("\n".join(map(to_console, [overview(report, CONSOLE_LIMIT, args.ci), *more])), end="")
    tables = [overview(report, intervals=args.ci), *more]
    files = {
        args.json: lambda: to_json(report),
        args.csv: lambda: to_csv(tidy(report)),
        args.markdown: lambda: "\n".join(map(to_markdown, tables)),
        args.latex: lambda: "\n".join(map(to_latex, tables)),
    }
    write_files({path: make() for path, make in files.items() if path is not None})
