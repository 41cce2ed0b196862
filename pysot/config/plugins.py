"""Plug-ins: modules of other packages that register parts, benchmarks and protocols when they are imported.

They are named in a config (`PLUGINS: [my_package.parts]`), by `--plugins` on the command line, in `$PYSOT_PLUGINS`
(separated by commas), or by an installed package as entry points of the group `pysot.plugins`. Each is imported once,
before a config is validated; a worker process imports what its own config and environment name.
"""

from __future__ import annotations

import importlib
import os
import traceback
from collections.abc import Iterable
from importlib.metadata import entry_points

from pysot.core.errors import ConfigError

VARIABLE = "PYSOT_PLUGINS"
"""Environment variable: names of modules, separated by commas; worker processes inherit it."""
GROUP = "pysot.plugins"
"""Entry-point group of installed packages."""

_imported: set[str] = set()


def load_plugin(module: str, named_in: str) -> None:
    """Imports `module`, once.

    Args:
        named_in: where it was named, for the message.

    Raises:
        ConfigError: it does not import (with the last line of its own traceback), or registers a name that is taken.
    """
    if module in _imported:
        return
    try:
        importlib.import_module(module)
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise ConfigError(
            f"The plug-in {module}, named in {named_in}, does not import: {type(error).__name__}: {error} "
            f"({frame.filename}, line {frame.lineno}). Install its package in this environment, mend it, or take its "
            "name out."
        ) from error
    _imported.add(module)


def load_plugins(modules: Iterable[str] = (), named_in: str = "") -> None:
    """Imports the plug-ins of installed packages, those that `$PYSOT_PLUGINS` names, and `modules`; raises as
    `load_plugin` does.
    """
    for entry in entry_points(group=GROUP):
        load_plugin(entry.value, f"the entry points of {entry.dist.name if entry.dist else 'a package'}")
    for module in os.environ.get(VARIABLE, "").split(","):
        if module.strip():
            load_plugin(module.strip(), f"${VARIABLE}")
    for module in modules:
        load_plugin(module, named_in)


def name_plugins(modules: Iterable[str]) -> None:
    """Adds `modules` to `$PYSOT_PLUGINS`, so that this process and its workers load them."""
    known = [name for name in os.environ.get(VARIABLE, "").split(",") if name]
    os.environ[VARIABLE] = ",".join(dict.fromkeys([*known, *modules]))
