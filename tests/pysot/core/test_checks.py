"""Checks of hyper-parameters: the message names the key, the value and what was expected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from pysot.core.checks import CheckedParams, check, check_choice
from pysot.core.errors import ConfigError


@dataclass(frozen=True)
class Params(CheckedParams):
    config_group: ClassVar[str] = "TRACK.TEST"

    mode: str = "fast"
    steps: int = 1
    rounds: int = field(default=1, metadata={"key": "TRAIN.ROUNDS"})

    def __post_init__(self) -> None:
        self.check_choice("mode", ("fast", "slow", "none"))
        self.check_least(1, "steps", "rounds")
        self.check("steps", self.steps % 2 == 1, "an odd number")


def test_what_fits_passes() -> None:
    assert Params("slow", 3).steps == 3
    check(True, "KEY", 1, "anything")
    check_choice("KEY", "a", {"a": 1, "b": 2})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": "quick"}, "TRACK.TEST.MODE is 'quick'; expected one of fast, slow, none."),
        ({"steps": 0}, "TRACK.TEST.STEPS is 0; expected 1 or more."),
        ({"steps": 2}, "TRACK.TEST.STEPS is 2; expected an odd number."),
        ({"rounds": -1}, "TRAIN.ROUNDS is -1; expected 1 or more."),
    ],
)
def test_what_does_not_names_its_key(changes: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Params(**changes)
    assert str(caught.value) == message


def test_words_and_lists_are_shown_as_in_a_config() -> None:
    with pytest.raises(ConfigError, match=r"KEY is \[1, 2\]; expected three numbers\.$"):
        check(False, "KEY", (1, 2), "three numbers")
    with pytest.raises(ConfigError, match=r"KEY is 'c'; expected a or b\.$"):
        check_choice("KEY", "c", ("a", "b"))
