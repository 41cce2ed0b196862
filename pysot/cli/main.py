"""The `pysot` command: one sub-command per file of this package, imported only when it is the one asked for."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from pysot.cli.command import EXIT_NOTHING_DONE, print_error
from pysot.core.registry import closest
from toolkit.utils.opencv import require_cv2

PROGRAM = "pysot"


@dataclass(frozen=True)
class Command:
    """A sub-command: the module that offers `add_arguments(parser)` and `run(args) -> int`, and what it does."""

    module: str
    help: str


COMMANDS: dict[str, Command] = {
    "demo": Command("pysot.cli.demo.run", "follow targets through a video, a folder of images or a camera"),
    "test": Command("pysot.cli.test", "run a tracker on a benchmark"),
    "eval": Command("pysot.cli.eval", "score results on a benchmark"),
    "train": Command("pysot.cli.train", "train what a config describes"),
    "data": Command("pysot.cli.data.command", "check, prepare or show data, or pack results for a server"),
    "channels": Command("pysot.cli.channels.inspect", "picture the channels that a target-aware tracker keeps"),
    "zoo": Command("pysot.cli.zoo.command", "find, fetch, check, convert or measure snapshots"),
    "attention": Command("pysot.cli.attention", "write the attention maps of a benchmark"),
    "benchmark": Command("pysot.cli.benchmark.command", "measure the speed and memory of a tracker"),
    "reproduce": Command("pysot.cli.reproduce", "score published raw results beside their published numbers"),
    "list": Command("pysot.cli.list_experiments", "list the experiments, and whether their snapshot is here"),
    "collect-env": Command("pysot.cli.collect_env", "print what a bug report needs"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the `pysot` command; returns the exit code of the sub-command, 2 for one that cannot start."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    if chosen is not None and chosen not in COMMANDS:
        print_error(
            PROGRAM, f"There is no command '{chosen}'.{closest(chosen, COMMANDS)} Commands: {', '.join(COMMANDS)}."
        )
        return EXIT_NOTHING_DONE
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description="Visual object tracking.", epilog=f"`{PROGRAM} COMMAND --help` shows the options."
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.help, description=f"{command.help.capitalize()}.")
        if name == chosen:
            try:
                _load(sub, command)
            except (ImportError, OSError) as error:  # OSError: a library that torch needs cannot be loaded
                print_error(PROGRAM, f"'{name}' cannot start: {error}. `{PROGRAM} collect-env` says more.")
                return EXIT_NOTHING_DONE
    args = parser.parse_args(arguments)
    if args.version:
        return _print_version()
    if chosen is None:
        parser.print_help()
        return EXIT_NOTHING_DONE
    code: int = args.run(args)
    return code


def _load(parser: argparse.ArgumentParser, command: Command) -> None:
    """Imports the command's module and lets it add its options. Raises `ImportError` or `OSError` when it cannot."""
    try:
        module = importlib.import_module(command.module)
    except ImportError:
        require_cv2()  # the most frequent reason, and then this error says what to install
        raise
    module.add_arguments(parser)
    parser.set_defaults(run=module.run)


def _print_version() -> int:
    from pysot import __version__

    print(f"{PROGRAM} {__version__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
