"""Parts of a network made from their names and keyword arguments in a config."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pysot.core.errors import ConfigError
from pysot.core.registry import Registry


def make_part(registry: Registry[Any], name: str, kwargs: dict[str, Any]) -> Any:
    """Calls the entry `name` of `registry`, of key `X.TYPE`, with `kwargs` from `X.KWARGS`; see `call_part`."""
    return call_part(registry[name], kwargs, f"{registry.key.rsplit('.', 1)[0]}.KWARGS", f"{registry.slot} '{name}'")


def call_part(part: Callable[..., Any], kwargs: dict[str, Any], key: str, title: str) -> Any:
    """`part(**kwargs)`; an argument from `key` that it does not take, or cannot use, becomes a `ConfigError`."""
    try:
        return part(**kwargs)
    except ConfigError:
        raise
    except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise ConfigError(f"{key} {dict(kwargs)} do not fit {title}: {error}.") from error
