"""The registry names what is wrong."""

import pytest

from pysot.core.errors import ConfigError
from pysot.core.registry import Registry


def make() -> Registry[type]:
    registry: Registry[type] = Registry("backbone", key="BACKBONE.TYPE")
    registry.register("resnet50", "r50")(int)
    return registry


def test_lookup_under_every_name() -> None:
    registry = make()
    assert registry["resnet50"] is registry["r50"] is int
    assert list(registry) == ["r50", "resnet50"] and len(registry) == 2 and "r50" in registry


def test_unknown_name_lists_the_closest() -> None:
    with pytest.raises(ConfigError, match=r"BACKBONE\.TYPE.*'resnet5'.*Did you mean 'resnet50'.*Known: r50, resnet50"):
        make()["resnet5"]


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ConfigError, match="registered twice"):
        make().register("r50")(str)
