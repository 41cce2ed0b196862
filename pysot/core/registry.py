"""One small registry class. There is one instance per slot of a tracker: backbone, neck, head, mask head, tracker."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from pysot.core.errors import ConfigError

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps the names used in config files to classes or factories.

    Args:
        slot: what is registered here, for messages ("backbone").
        key: the config key that selects an entry ("BACKBONE.TYPE").

    Example::

        BACKBONES: Registry[type[Backbone]] = Registry("backbone", key="BACKBONE.TYPE")

        @BACKBONES.register("resnet50")
        class ResNet50(Backbone): ...
    """

    def __init__(self, slot: str, key: str) -> None:
        self.slot, self.key = slot, key
        self._entries: dict[str, T] = {}

    def register(self, *names: str) -> Callable[[T], T]:
        """Decorator that files its object under every one of `names`. Raises `ConfigError` when a name is taken."""

        def add(entry: T) -> T:
            for name in names:
                known = self._entries.get(name)
                if known is not None and _definition(known) != _definition(entry):
                    raise ConfigError(f"{self.slot} '{name}' is registered twice: {known!r} and {entry!r}.")
                self._entries[name] = entry
            return entry

        return add

    def __getitem__(self, name: str) -> T:
        """The entry called `name`; `ConfigError` names the closest match when there is none."""
        if name in self._entries:
            return self._entries[name]
        raise ConfigError(
            f"{self.key}: there is no {self.slot} '{name}'.{closest(name, self._entries)} "
            f"Known: {', '.join(sorted(self._entries))}."
        )

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        return len(self._entries)


def _definition(entry: object) -> object:
    """Where an entry is defined: a module that is imported again, after it failed, may register its parts again."""
    return (getattr(entry, "__module__", None), getattr(entry, "__qualname__", None)) if callable(entry) else entry


def closest(name: str, known: object) -> str:
    """' Did you mean 'x'?' for the nearest of `known` (an iterable of names), or an empty string."""
    names = [str(item) for item in known]  # type: ignore[attr-defined]
    lower = {item.lower(): item for item in names}
    match = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    return f" Did you mean '{lower[match[0]]}'?" if match else ""
