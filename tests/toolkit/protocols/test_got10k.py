from __future__ import annotations

import pytest

from toolkit.runner.job import is_deterministic


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], False),
        (["a", "a"], False),
        (["a", "a", "a"], True),
        (["a", "a", "b"], False),
        (["a", "a", "a", "b"], True),
    ],
)
def test_three_equal_repetitions_are_enough(texts: list[str], expected: bool) -> None:
    assert is_deterministic(texts) is expected
