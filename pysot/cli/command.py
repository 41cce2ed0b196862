"""What all commands share: exit codes, and one message on stderr in place of a traceback."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pysot.core.errors import SotError
from toolkit.errors import ToolkitError

EXIT_FINE, EXIT_SOME_FAILED, EXIT_NOTHING_DONE, EXIT_INTERRUPTED = 0, 1, 2, 130


def guarded(command: str, work: Callable[[], int], *, debug: bool = False, interrupted: str = "Interrupted.") -> int:
    """Calls `work` and returns its exit code.

    Bad input (`SotError`, `ToolkitError`) becomes the one message `command: ...` and exit code 2, with `debug` its
    traceback. Ctrl-C becomes the message `interrupted` and exit code 130. A closed output pipe ends the command
    quietly. Any other exception is a bug and passes.
    """
    try:
        return work()
    except (SotError, ToolkitError) as error:
        if debug:
            raise
        print_error(command, str(error))
        return EXIT_NOTHING_DONE
    except KeyboardInterrupt:
        print(file=sys.stderr)  # the terminal has just written ^C
        print_error(command, interrupted)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output, say `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FINE


def print_error(command: str, message: str) -> None:
    """Writes `command: message` to stderr."""
    print(f"{command}: {message}", file=sys.stderr)


def check_picture(path: Path) -> None:
    """Raises `SotError` when --out does not end as a picture that can be written does."""
    if path.suffix.lower() not in (".png", ".jpg"):
        raise SotError(f"--out {path} is no picture; expected a name that ends in .png or .jpg.")


def write_json(path: Path | None, content: Any) -> None:
    """Writes `content` to the file that --json names, if it does."""
    if path is not None:
        from toolkit.results.writer import write_files  # needs numpy, which `pysot --help` does without

        write_files({path: json.dumps(content, indent=1) + "\n"})
