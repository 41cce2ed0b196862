"""The `pysot` command and the scripts in tools/: a table of commands, each imported only when it is asked for.

The module of a command offers `add_arguments(parser)` and `run(args) -> int`, which returns the exit code and raises
`SotError` or `ToolkitError` on bad input; and `INTERRUPTED`, what Ctrl-C makes it say, where work is kept.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pysot import __version__
from pysot.cli.command import EXIT_FINE, EXIT_NOTHING_DONE, guarded, print_error
from pysot.config.plugins import VARIABLE, load_plugins, name_plugins
from pysot.core.registry import closest
from toolkit.utils.opencv import require_cv2

PROGRAM = "pysot"


@dataclass(frozen=True)
class Command:
    """A command: what it does, the module that does it, and the sub-commands it has."""

    help: str
    module: str = ""
    parts: Mapping[str, Command] = field(default_factory=dict)


DATA = {
    "check": Command(
        "say what is missing or inconsistent in a benchmark, sequence by sequence", "pysot.cli.data.check"
    ),
    "submit": Command(
        "pack results into the zip that an evaluation server wants; nothing is uploaded", "pysot.cli.data.submit"
    ),
    "prepare": Command("cut a prepared training set (crop511) out of annotated videos", "pysot.cli.data.prepare"),
    "show": Command(
        "draw training samples of a config, augmented, with their targets, on a contact sheet", "pysot.cli.data.show"
    ),
}
ZOO = {
    "list": Command("list the snapshots known by name, and which are here", "pysot.cli.zoo.list"),
    "info": Command("show a snapshot's links, hash, license and scores", "pysot.cli.zoo.info"),
    "download": Command("fetch snapshots", "pysot.cli.zoo.download"),
    "verify": Command("check the hashes of the snapshots that are here", "pysot.cli.zoo.verify"),
    "convert": Command("convert a snapshot of any form to safetensors", "pysot.cli.zoo.convert"),
    "add": Command("take a file (or an archive with one snapshot) into the zoo", "pysot.cli.zoo.add"),
    "score": Command("measure the snapshots that are here, for the table of MODEL_ZOO.md", "pysot.cli.zoo.score"),
    "page": Command("write MODEL_ZOO.md from the catalog and the measured scores", "pysot.cli.zoo.page"),
}
BENCHMARK = {
    "eval": Command("the speed of scoring, not of a tracker", "pysot.cli.benchmark.scoring"),
    "train": Command("the speed of training, and of loading its data", "pysot.cli.benchmark.training"),
    "select": Command("how long it takes to choose channels for a target", "pysot.cli.benchmark.selection"),
}
TRAX = {"doctor": Command("check, step by step, that a tracker would work in the VOT toolkit", "pysot.cli.trax.doctor")}
COMMANDS = {
    "demo": Command("follow targets through a video, a folder of images or a camera", "pysot.cli.demo.run"),
    "test": Command("run a tracker on a benchmark", "pysot.cli.test"),
    "eval": Command("score results on a benchmark", "pysot.cli.eval"),
    "train": Command("train what a config describes", "pysot.cli.train"),
    "hp-search": Command("run a siamese tracker with combinations of its numbers", "pysot.cli.hp_search"),
    "data": Command("check, prepare or show data, or pack results for a server", parts=DATA),
    "channels": Command("picture the channels that a target-aware tracker keeps", "pysot.cli.channels.inspect"),
    "zoo": Command("find, fetch, check, convert or measure snapshots", parts=ZOO),
    "attention": Command("write the attention maps of a benchmark", "pysot.cli.attention"),
    "benchmark": Command("measure the speed and memory of a tracker", "pysot.cli.benchmark.speed", BENCHMARK),
    "trax": Command("serve a tracker to the VOT toolkit, or to another TraX client", "pysot.cli.trax.serve", TRAX),
    "vot-workspace": Command("write a workspace of the VOT toolkit from data that is here", "pysot.cli.trax.workspace"),
    "reproduce": Command("score published raw results beside their published numbers", "pysot.cli.reproduce"),
    "synth-demo": Command("run and score a tracker on SYNTH, and save a video", "pysot.cli.demo.synth_demo"),
    "list": Command("list the experiments, and whether their snapshot is here", "pysot.cli.list_experiments"),
    "compose": Command("show which backbone works with which head, or why not", "pysot.cli.compose"),
    "collect-env": Command("print what a bug report needs", "pysot.cli.collect_env"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the `pysot` command; returns the exit code of the command, 2 for one that cannot start."""
    words = list(sys.argv[1:] if argv is None else argv)
    chosen = next((word for word in words if not word.startswith("-")), None)
    if chosen is not None and chosen not in COMMANDS:
        print_error(
            PROGRAM, f"There is no command '{chosen}'.{closest(chosen, COMMANDS)} Commands: {', '.join(COMMANDS)}."
        )
        return EXIT_NOTHING_DONE
    failed = _load_plugins(words, chosen or PROGRAM)
    if failed:
        return failed
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description="Visual object tracking.", epilog=f"`{PROGRAM} COMMAND --help` shows the options."
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.help, description=f"{command.help.capitalize()}.")
        if name == chosen:
            try:
                _add_command(sub, name, command, words)
            except (ImportError, OSError) as error:  # OSError: a library that torch needs cannot be loaded
                print_error(PROGRAM, f"'{name}' cannot start: {error}. `{PROGRAM} collect-env` says more.")
                return EXIT_NOTHING_DONE
    args = parser.parse_args(words)
    if args.version:
        print(f"{PROGRAM} {__version__}")
        return EXIT_FINE
    if chosen is None:
        parser.print_help()
        return EXIT_NOTHING_DONE
    return _run(args)


def run_tool(name: str, argv: Sequence[str] | None = None) -> int:
    """Runs one command by itself, as `tools/NAME.py` does; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    command = COMMANDS[name]
    failed = _load_plugins(words, name)
    if failed:
        return failed
    parser = argparse.ArgumentParser(description=f"{command.help.capitalize()}.")
    _add_command(parser, name, command, words)
    return _run(parser.parse_args(words))


def _load_plugins(words: Sequence[str], command: str) -> int:
    """Imports what --plugins, the environment and installed packages name, before any option is declared: what they
    register is among the choices. Returns the exit code of the failure, or 0.
    """
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    _add_plugins_option(first)
    name_plugins(name for text in first.parse_known_args(words)[0].plugins for name in text.split(","))

    def work() -> int:
        load_plugins()
        return EXIT_FINE

    return guarded(command, work, debug="--debug" in words)


def _add_plugins_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--plugins",
        action="append",
        default=[],
        metavar="MODULE[,MODULE]",
        help=f"modules that register parts of your own; also ${VARIABLE}, and PLUGINS in a config",
    )


def _add_command(parser: argparse.ArgumentParser, name: str, command: Command, words: Collection[str]) -> None:
    """Adds the options of a command; of its sub-commands those that the `words` of the command line may mean.

    Raises `ImportError` or `OSError` when a module cannot be imported.
    """
    if command.module:
        try:
            module = importlib.import_module(command.module)
        except ImportError:
            require_cv2()  # the most frequent reason, and then this error says what to install
            raise
        module.add_arguments(parser)
        parser.add_argument("--debug", action="store_true", help="full tracebacks")
        _add_plugins_option(parser)
        interrupted = getattr(module, "INTERRUPTED", "Interrupted.")
        parser.set_defaults(run=module.run, command=name, interrupted=interrupted)
    if command.parts:
        parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=not command.module)
        for part, command_part in command.parts.items():
            sub = parts.add_parser(part, help=command_part.help, description=f"{command_part.help.capitalize()}.")
            if part in words:
                _add_command(sub, f"{name} {part}", command_part, words)


def _run(args: argparse.Namespace) -> int:
    return guarded(args.command, lambda: args.run(args), debug=args.debug, interrupted=args.interrupted)


if __name__ == "__main__":
    sys.exit(main())
