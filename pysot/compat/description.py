"""PySOT's texts for a log: which version runs, and what of a network learns."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from colorama import Fore, Style
from torch import nn


def commit() -> str:
    """Hash and title of the commit of this checkout; "unknown" where there is none."""
    command = ["git", "-C", str(Path(__file__).parent), "log", "-1", "--format=%H%n%h %s"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        found = []
    full, title = found if len(found) == 2 else ("unknown", "unknown")
    return f"commit : {full}\n  log  : {title}"


def describe(net: nn.Module, name: str | None = None) -> str:
    """One line per module and per parameter that hangs on one directly; in red what is in train mode or learns."""
    return "\n".join([*([] if name is None else [name]), *_lines(net, len(name or ""))])


def _lines(net: nn.Module, indent: int) -> Iterator[str]:
    for name, parameter in net.named_parameters(recurse=False):
        yield f"{' ' * indent}- {_red(name, parameter.requires_grad)}"
    for name, child in net.named_children():
        yield f"{' ' * indent}.{_red(name, child.training)} ({type(child).__name__})"
        yield from _lines(child, indent + len(name) + 1)


def _red(text: str, yes: bool) -> str:
    return f"{Fore.RED}{text}{Style.RESET_ALL}" if yes else text
