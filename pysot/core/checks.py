"""Checks of hyper-parameters: every message names the config key, what was found and what was expected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from pysot.core.errors import ConfigError
from pysot.core.moved import RENAMED_FIELDS


def check(fine: bool, key: str, value: object, expected: str) -> None:
    """Raises `ConfigError` unless `fine`; `expected` ends the sentence "expected ..."."""
    if not fine:
        shown = f"'{value}'" if isinstance(value, str) else list(value) if isinstance(value, tuple) else value
        raise ConfigError(f"{key} is {shown}; expected {expected}.")


def check_choice(key: str, value: object, known: Iterable[str]) -> None:
    """Raises `ConfigError` unless `value` is one of the `known` words."""
    words = list(known)
    check(value in words, key, value, " or ".join(words) if len(words) == 2 else f"one of {', '.join(words)}")


@dataclass(frozen=True)
class CheckedParams:
    """Base of dataclasses of hyper-parameters whose fields are config keys, checked in `__post_init__`.

    Field `seed` is the key SEED of `config_group`, unless its metadata names another `key`.
    """

    config_group: ClassVar[str]

    def check(self, name: str, fine: bool, expected: str) -> None:
        """`check` of the field `name`."""
        check(fine, self._key(name), getattr(self, name), expected)

    def check_choice(self, name: str, known: Iterable[str]) -> None:
        """`check_choice` of the field `name`."""
        check_choice(self._key(name), getattr(self, name), known)

    def check_least(self, least: int, *names: str) -> None:
        """Raises `ConfigError` unless every field of these `names` is at least `least`."""
        for name in names:
            self.check(name, getattr(self, name) >= least, f"{least} or more")

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Of a pickle: fields that had another name keep their values; unknown ones are an error."""
        values = {RENAMED_FIELDS.get(name, name): value for name, value in state.items()}
        unknown = values.keys() - {field.name for field in fields(self)}
        if unknown:
            raise ConfigError(
                f"The pickled {type(self).__name__} has {', '.join(sorted(unknown))}, which this version does not "
                "know. Build the tracker again (`pysot.load_tracker`)."
            )
        self.__dict__.update(values)

    def _key(self, name: str) -> str:
        metadata: dict[str, Any] = next((dict(f.metadata) for f in fields(self) if f.name == name), {})
        return str(metadata.get("key", f"{self.config_group}.{name.upper()}"))
