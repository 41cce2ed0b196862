"""Registries: what a name stands for, filled where the things themselves are written.

A protocol is one name in three of them: `PROTOCOLS` (how a tracker is run), `WRITERS` (the result files) and `SCORERS`
(numbers, tables and figures). A new one is new files in `toolkit/protocols`, `toolkit/results` and
`toolkit/evaluation`, or a module of one's own that is imported before the toolkit is asked for it. A new kind of figure
is a function in `FIGURES`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from toolkit.errors import ProtocolError

T = TypeVar("T")
E = TypeVar("E")


class Registry(Mapping[str, T]):
    """Names and what they stand for, sorted by name::

        SCORERS: Registry[type[Scorer]] = Registry("protocol")

        @SCORERS.register("ope")
        class OpeScorer(Scorer): ...

    `kind` is what messages call an entry. A name that is not there raises `ProtocolError` listing those that are.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Any] = {}

    def register(self, *names: str) -> Callable[[E], E]:
        """Decorator that files its object under every one of `names`. Raises `ProtocolError` when one is taken."""

        def add(entry: E) -> E:
            for name in names:
                known = self._entries.get(name, entry)  # a module that failed may register its parts again
                if _definition(known) != _definition(entry):
                    raise ProtocolError(f"{self.kind} '{name}' is registered twice: {known!r} and {entry!r}.")
                self._entries[name] = entry
            return entry

        return add

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            raise ProtocolError(f"Unknown {self.kind} '{name}'. Use one of: {', '.join(self)}.")
        found: T = self._entries[name]
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        return len(self._entries)


def _definition(entry: object) -> object:
    return (getattr(entry, "__module__", None), getattr(entry, "__qualname__", None)) if callable(entry) else entry


def import_modules(package: str, path: list[str]) -> None:
    """Imports every module of `package`, whose `__path__` is `path`, so that what they register is known."""
    for module in pkgutil.iter_modules(path):
        importlib.import_module(f"{package}.{module.name}")
