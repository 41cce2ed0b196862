"""Parts of a network made from their names and arguments in a config, and from what the parts before them deliver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pysot.core.errors import ConfigError
from pysot.core.registry import Registry
from pysot.models.backbone.base import FeatureSpec


@dataclass(frozen=True)
class Delivered:
    """What a part is built on.

    Attributes:
        source: who delivers it, for messages.
        specs: of the maps, shallow to deep.
        template_cells: side of the template's deepest map, for heads that compare one with a search region.
        template_start: the cell of the backbone's map that became its first one.
        exemplar_size: side of the template crop, pixels.
        anchor_num: anchors per cell, for heads that have some.
    """

    source: str
    specs: Sequence[FeatureSpec]
    template_cells: int = 0
    template_start: int = 0
    exemplar_size: int = 0
    anchor_num: int = 0

    @property
    def channels(self) -> list[int]:
        """Of each map."""
        return [spec.channels for spec in self.specs]


def make_part(registry: Registry[Any], name: str, kwargs: Mapping[str, Any], given: Delivered | None = None) -> Any:
    """Calls the entry `name` of `registry`, of key `X.TYPE`, with `kwargs` from `X.KWARGS`; see `call_part`."""
    key = f"{registry.key.rsplit('.', 1)[0]}.KWARGS"
    return call_part(registry[name], kwargs, key, f"{registry.slot} '{name}'", given)


def call_part(
    part: Callable[..., Any], kwargs: Mapping[str, Any], key: str, title: str, given: Delivered | None = None
) -> Any:
    """`part(**kwargs)`; an argument from `key` that it does not take, or cannot use, becomes a `ConfigError`.

    Where the part has a class method `arguments_for(given)`, arguments that follow from what is delivered need not be
    in `kwargs`; one that says something else is a `ConfigError`, and so is what the part cannot be built on.
    """
    own: dict[str, Any] = {}
    if given is not None and hasattr(part, "arguments_for"):
        own = part.arguments_for(given)
        for name, delivered in own.items():
            if name in kwargs and as_list(kwargs[name]) != as_list(delivered):
                strides = [spec.stride for spec in given.specs]
                raise ConfigError(
                    f"{given.source} delivers maps of {given.channels} channels and strides {strides}, which need "
                    f"{key}.{name} {delivered}, but it is {kwargs[name]}. Set it to {delivered}, or leave it out."
                )
    try:
        return part(**{**own, **kwargs})
    except ConfigError:
        raise
    except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise ConfigError(f"{key} {dict(kwargs)} do not fit {title}: {error}.") from error


def as_list(value: Any) -> list[Any]:
    """One value, or one per level, as a list."""
    return list(value) if isinstance(value, (list, tuple)) else [value]
